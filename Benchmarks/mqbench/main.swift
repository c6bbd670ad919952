// `mqbench`: measures the store that is embedded, beside loops in C that do the same work.

import ApusSystem
import Foundation

// Each of many queues takes one.
ProcessLimits.raiseDescriptorLimit()
exit(CommandLineTool.run(Array(CommandLine.arguments.dropFirst())))
