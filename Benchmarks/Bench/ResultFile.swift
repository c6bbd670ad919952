// Results on disk: one line of JSON for each, with the machine in it, so that a line stands for
// itself wherever it is copied to.

import CRoofline
import Foundation

/// A file of results that is appended to.
package enum ResultFile {
    /// Appends the results to the file of `--record`, if that is given, and warns when they mean
    /// nothing; `target` of make measures as it should be.
    package static func record(
        _ results: [RunResult], _ options: Options, makeTarget target: String
    ) throws {
        if let path = options.text("--record") {
            let machine = Machine.block(
                directory: options.text("--directory") ?? ".",
                commit: options.text("--commit"), toolchain: options.text("--toolchain"))
            try append(results.map(\.json), machine: machine, to: path)
        }
        if croofline_is_optimized() == 0 {
            Console.warn("built without optimisation: these figures mean nothing (make \(target))")
        }
    }

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
