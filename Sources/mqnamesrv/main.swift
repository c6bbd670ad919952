// `mqnamesrv`: a NameServer as a process. Its flags and its keys are RocketMQ's.

import ApusServer
import ApusSystem

// Before the runtime starts a thread of its own.
ServerProcess.holdSignals()
ProcessLimits.raiseDescriptorLimit()
let words = Array(CommandLine.arguments.dropFirst())
Task.detached { ServerProcess.exit(await NameServerTool.run(words)) }
ServerProcess.park()
