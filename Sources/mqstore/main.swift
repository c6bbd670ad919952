// `mqstore`: looks into the directory of a message store, of RocketMQ or of Apus. Never writes
// there.

import Foundation

exit(CommandLineTool.run(Array(CommandLine.arguments.dropFirst())))
