// A directory that a fuzz target fills and empties again for each input. It should lie in memory.

package import ApusSystem

/// A directory of a target's own.
public struct FuzzScratch: Sendable {
    public let path: String
    package let disk = SystemDisk()

    /// Makes the directory when it is not there.
    public init(path: String) throws(FuzzFinding) {
        self.path = path
        do throws(DiskError) {
            try disk.createDirectories(path)
        } catch {
            throw FuzzFinding("\(error)")
        }
    }

    /// Writes a file below the directory; the folders above it are made.
    package func write(_ bytes: [UInt8], to name: String) throws(FuzzFinding) {
        let full = "\(path)/\(name)"
        do throws(DiskError) {
            try disk.createDirectories(SystemDisk.parent(of: full))
            let file = try disk.open(full, .createEmpty)
            defer { file.close() }
            try file.write(bytes.span.bytes, at: 0)
        } catch {
            throw FuzzFinding("\(error)")
        }
    }

    /// The bytes of a file; nil when it is not there.
    package func read(_ name: String) throws(FuzzFinding) -> [UInt8]? {
        let full = "\(path)/\(name)"
        do throws(DiskError) {
            guard try disk.status(full) != nil else { return nil }
            let file = try disk.open(full, .readOnly)
            defer { file.close() }
            var bytes = [UInt8](repeating: 0, count: try file.byteCount())
            var span = bytes.mutableSpan
            var raw = span.mutableBytes
            _ = try file.read(into: &raw, at: 0)
            return bytes
        } catch {
            throw FuzzFinding("\(error)")
        }
    }

    /// Removes all that is in the directory.
    public func empty() throws(FuzzFinding) {
        do throws(DiskError) { try remove(within: path) } catch { throw FuzzFinding("\(error)") }
    }

    /// Removes the directory with all that is in it.
    public func remove() throws(FuzzFinding) {
        try empty()
        do throws(DiskError) { try disk.removeDirectory(path) } catch {
            throw FuzzFinding("\(error)")
        }
    }

    private func remove(within folder: String) throws(DiskError) {
        for entry in try disk.list(folder) {
            let full = "\(folder)/\(entry.name)"
            if entry.isDirectory {
                try remove(within: full)
                try disk.removeDirectory(full)
            } else {
                try disk.unlink(full)
            }
        }
    }
}
