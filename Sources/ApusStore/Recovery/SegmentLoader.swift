// Opens the CommitLog files of a directory, after looking at their names and lengths.

import ApusFormat
import ApusSystem

/// Finds and maps segments. Changes nothing.
struct SegmentLoader {
    /// What is in the directory of the log.
    struct Contents {
        /// Oldest first, mapped for writing.
        var segments: [Segment] = []
        /// A last file that was being made and got no length yet, or not all of it.
        var unfinished: String?
    }

    let disk: any Disk
    let directory: StoreDirectory
    let length: Int

    /// Refuses a directory that is something else than a message store.
    func checkLayout() throws(StoreError) {
        let known: Set = [
            "commitlog", "consumequeue", "batchconsumequeue", "consumequeue_ext", "index", "config",
            "abort", "checkpoint", "lock",
        ]
        let names: [DirectoryEntry]
        do throws(DiskError) {
            guard let status = try disk.status(directory.root) else { return }
            guard status.isDirectory else {
                throw DiskError(operation: "open as a directory", path: directory.root, code: 20)
            }
            names = try disk.list(directory.root)
        } catch {
            if error.code == 20 {
                throw .unknownDirectoryLayout(path: directory.root, reason: "it is a file")
            }
            throw StoreError(error)
        }
        let visible = names.filter { !$0.name.hasPrefix(".") && $0.name != "lost+found" }
        if !visible.isEmpty, !visible.contains(where: { known.contains($0.name) }) {
            throw .unknownDirectoryLayout(
                path: directory.root,
                reason:
                    "it holds \(visible[0].name) and nothing of a store; name an empty directory")
        }
    }

    func load() throws(StoreError) -> Contents {
        let (found, unfinished) = try list()
        for (index, file) in found.enumerated() {
            let expected = found[0].base + Int64(index) * Int64(length)
            guard file.base % Int64(length) == 0, file.base == expected else {
                throw .unknownDirectoryLayout(
                    path: directory.commitLog,
                    reason: "a file that begins at \(expected) is missing; the next one begins at "
                        + "\(file.base)")
            }
        }
        var segments: [Segment] = []
        for file in found {
            segments.append(
                try Segment.open(
                    disk, path: directory.segment(base: file.base), base: file.base,
                    length: length, writable: true))
        }
        return Contents(segments: segments, unfinished: unfinished)
    }

    private func list() throws(StoreError) -> ([(base: Int64, byteCount: Int)], String?) {
        var found: [(base: Int64, byteCount: Int)] = []
        var unfinished: String?
        do throws(DiskError) {
            guard try disk.status(directory.commitLog)?.isDirectory == true else {
                return ([], nil)
            }
            for entry in try disk.list(directory.commitLog) where !entry.isDirectory {
                let path = "\(directory.commitLog)/\(entry.name)"
                guard let base = StoreDirectory.offset(ofFileName: entry.name) else { continue }
                found.append((base, try disk.status(path)?.byteCount ?? 0))
            }
            // One that was being made got no length yet, or not all of it. RocketMQ removes the
            // first kind too.
            if let last = found.last, last.byteCount != length,
                found.count > 1 || last.byteCount == 0,
                try isZero(directory.segment(base: last.base))
            {
                unfinished = directory.segment(base: last.base)
                found.removeLast()
            }
        } catch {
            throw StoreError(error)
        }
        guard let wrong = found.first(where: { $0.byteCount != length }) else {
            return (found, unfinished)
        }
        let path = directory.segment(base: wrong.base)
        if found.allSatisfy({ $0.byteCount == wrong.byteCount }) {
            throw .fileSizeDiffers(
                path: path, found: wrong.byteCount, configured: length,
                key: "mappedFileSizeCommitLog")
        }
        throw .wrongFileLength(path: path, found: wrong.byteCount, expected: length)
    }

    /// Whether nothing but zeros stands in a file.
    private func isZero(_ path: String) throws(DiskError) -> Bool {
        let file = try disk.open(path, .readOnly)
        defer { file.close() }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var offset = 0
        while true {
            var bytes = buffer.mutableRawSpan
            let count = try file.read(into: &bytes, at: offset)
            if count == 0 { return true }
            if !buffer.rawSpan.extracting(0..<count).isZero { return false }
            offset += count
        }
    }
}
