// What a process holds of a directory, as the kernel says.

import Foundation

/// The files under a directory that this process has mapped or open.
enum FilesInUse {
    /// Their paths; files that were deleted are among them.
    static func under(_ directory: String) throws -> [String] {
        // Read to its end: of a file that says it has no bytes, Foundation takes the first page.
        let file = try FileHandle(forReadingFrom: URL(filePath: "/proc/self/maps"))
        let maps = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
        let mapped = maps.split(separator: "\n").filter { $0.contains(directory) }
            .map { "mapped: \($0)" }
        let folder = "/proc/self/fd"
        let open = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)")
        }
        return mapped + open.filter { $0.contains(directory) }.map { "open: \($0)" }
    }

    /// The same when it is empty at last, or after a second: a task that has ended is let go a
    /// moment later.
    static func leftUnder(_ directory: String) throws -> [String] {
        for _ in 0..<100 {
            if try under(directory).isEmpty { return [] }
            usleep(10_000)
        }
        return try under(directory)
    }
}
