// `mqbench`: measures the store that is embedded, beside loops in C that do the same work.

import Foundation

exit(CommandLineTool.run(Array(CommandLine.arguments.dropFirst())))
