// A log to look at.

package import Logging
import Synchronization

/// What was logged.
package final class LogLines: Sendable {
    private let kept = Mutex<[String]>([])

    package init() {}

    package var all: [String] { kept.withLock { $0 } }
    package func add(_ line: String) { kept.withLock { $0.append(line) } }
    package func contains(_ text: String) -> Bool { all.contains { $0.contains(text) } }

    package var logger: Logger { Logger(label: "test") { _ in KeepingHandler(lines: self) } }
}

private struct KeepingHandler: LogHandler {
    let lines: LogLines
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let values = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0)=\($1)" }
        lines.add("\(event.level): \(event.message) \(values.joined(separator: " "))")
    }
}
