// `mqload`: puts load on a broker over the wire, beside a bare server of the same sizes.

import Foundation

exit(await LoadTool.run(Array(CommandLine.arguments.dropFirst())))
