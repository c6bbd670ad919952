// Standard output and input: an object of JSON a line out; in, only the end is heard.

import Foundation
import Synchronization

enum Lines {
    /// One writer at a time, so that lines stay whole.
    private static let turn = Mutex(())

    static func say(_ value: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and numbers can all be encoded. A reader that has gone is not told any more.
        guard let json = try? encoder.encode(value) else { return }
        turn.withLock { _ in
            try? FileHandle.standardOutput.write(contentsOf: json + Data("\n".utf8))
        }
    }

    /// Calls `heard` when standard input ends: whoever started this process wants no more.
    static func atEndOfInput(_ heard: @escaping @Sendable () -> Void) {
        Thread.detachNewThread {
            while !FileHandle.standardInput.availableData.isEmpty {}
            heard()
        }
    }
}
