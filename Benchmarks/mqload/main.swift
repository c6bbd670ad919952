// `mqload`: puts load on a broker over the wire, beside a bare server of the same sizes.

import ApusSystem
import Foundation

// Each connection takes one.
ProcessLimits.raiseDescriptorLimit()

exit(await LoadTool.run(Array(CommandLine.arguments.dropFirst())))
