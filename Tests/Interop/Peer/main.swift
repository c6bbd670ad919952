// `interop-peer`: the Swift client as a process, for the scenarios in Tests/Interop.

import Foundation
import Logging

LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
do {
    exit(try await Peer.run(Array(CommandLine.arguments.dropFirst())) ? 0 : 1)
} catch {
    FileHandle.standardError.write(Data("interop-peer: \(error)\n".utf8))
    exit(1)
}
