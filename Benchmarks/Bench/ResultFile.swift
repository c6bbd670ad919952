// Results on disk: one line of JSON for each, with the machine in it, so that a line stands for
// itself wherever it is copied to.

import Foundation

/// A file of results that is appended to.
package enum ResultFile {
    /// Appends one line for each result.
    package static func append(
        _ results: [JSONValue], machine: JSONValue, to path: String
    ) throws {
        let time = Machine.time
        let lines = results.map { result in
            JSONValue.object([
                ("time", .string(time)), ("machine", machine), ("result", result),
            ]).text + "\n"
        }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        guard descriptor >= 0 else { throw BenchError("cannot write \(path): errno \(errno)") }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try file.write(contentsOf: Data(lines.joined().utf8))
    }
}
