// The process's own memory: what is not of files, and so nobody but the process can give back.

import Foundation

enum OwnMemory {
    /// Bytes of it that the process has touched; nil where the kernel does not tell.
    static var byteCount: Int? {
        // `status` tells of it too, from counters that lag behind.
        guard let text = try? String(contentsOfFile: "/proc/self/smaps_rollup", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("Anonymous:") }),
            let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return kibibytes << 10
    }
}
