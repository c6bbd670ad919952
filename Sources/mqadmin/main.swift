// `mqadmin`: what operators ask of brokers and NameServers. Its commands and flags are RocketMQ's.

import ApusSystem

let words = Array(CommandLine.arguments.dropFirst())
let code = await AdminTool.run(
    words, nameServers: ServerProcess.environment("NAMESRV_ADDR"),
    home: ServerProcess.environment("ROCKETMQ_HOME"),
    javaOptions: ServerProcess.environment("JAVA_OPT"),
    output: Output(print: ServerProcess.print, complain: ServerProcess.complain))
ServerProcess.exit(code)
