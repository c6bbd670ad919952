// A small file as a whole.

import ApusFormat
package import ApusSystem

extension Disk {
    /// What a file holds; nil when there is none. Of a file with more than `limit` bytes one more
    /// than that, so that the caller sees it.
    package func contents(of path: String, limit: Int) throws(DiskError) -> [UInt8]? {
        guard let status = try status(path) else { return nil }
        let file = try open(path, .readOnly)
        defer { file.close() }
        var bytes = [UInt8](repeating: 0, count: min(status.byteCount, limit + 1))
        var target = bytes.mutableRawSpan
        let count = try file.read(into: &target, at: 0)
        return Array(bytes.prefix(count))
    }
}
