// The directory that a run works in: made for it, with enough room, and removed behind it.

import Foundation

/// A directory of one run.
package final class Workplace {
    package let path: String
    private var made = 0

    /// Makes a directory below `parent`. Fails when the device has less than `byteCount` bytes free
    /// besides a twentieth of its size.
    package init(parent: String, needing byteCount: Int) throws {
        try FileManager.default.createDirectory(
            atPath: parent, withIntermediateDirectories: true)
        Self.removeLeftovers(parent)
        let free = try Self.freeByteCount(parent)
        guard free >= byteCount else {
            throw BenchError(
                "\(parent) has room for \(free >> 20) MiB and this run needs"
                    + " \(byteCount >> 20) MiB; name another directory with --directory")
        }
        path = "\(parent)/run-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A path below the directory that was not used yet.
    package func newPath(_ name: String) -> String {
        made += 1
        return "\(path)/\(name)-\(made)"
    }

    package func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

    /// Removes what runs left that were killed: their process is not there any more.
    private static func removeLeftovers(_ parent: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [] {
            let parts = name.split(separator: "-")
            guard parts.count == 3, parts[0] == "run", let process = Int32(parts[1]), process > 0,
                kill(process, 0) != 0, errno == ESRCH
            else { continue }
            try? FileManager.default.removeItem(atPath: "\(parent)/\(name)")
        }
    }

    /// Bytes that a run may take.
    package static func freeByteCount(_ path: String) throws -> Int {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else {
            throw BenchError("\(path): \(String(cString: strerror(errno)))")
        }
        let reserve = status.f_blocks / 20
        let blocks = status.f_bavail > reserve ? status.f_bavail - reserve : 0
        return Int(clamping: UInt64(blocks) * UInt64(status.f_frsize))
    }
}
