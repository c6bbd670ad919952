// `mqstore`: looks into the directory of a message store, of RocketMQ or of Apus. Writes
// there only when a repair is told to.

import Foundation

exit(CommandLineTool.run(Array(CommandLine.arguments.dropFirst())))
