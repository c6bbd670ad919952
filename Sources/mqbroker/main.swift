// `mqbroker`: a broker as a process. Its flags and its keys are RocketMQ's.

import ApusServer
import ApusSystem

// Before the runtime starts a thread of its own.
ServerProcess.holdSignals()
ProcessLimits.raiseDescriptorLimit()
// The store asks for it when it opens. With threads in the process it takes ten milliseconds.
_ = AsymmetricBarrier.isAvailable
let words = Array(CommandLine.arguments.dropFirst())
Task.detached { ServerProcess.exit(await BrokerTool.run(words)) }
ServerProcess.park()
