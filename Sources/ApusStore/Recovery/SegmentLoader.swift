// Opens the CommitLog files of a directory, after looking at their names and lengths.

import ApusFormat
import ApusSystem

/// Finds and maps segments.
struct SegmentLoader {
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

    /// The segments, oldest first, mapped for writing.
    func load() throws(StoreError) -> [Segment] {
        let found = try list()
        for (index, file) in found.enumerated() {
            guard file.base <= StoreDirectory.highestOffset else {
                throw .unknownDirectoryLayout(
                    path: directory.commitLog, reason: "no log reaches to \(file.base)")
            }
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
        return segments
    }

    /// Whether nothing but zeros is in a file.
    private func isEmpty(_ found: (base: Int64, byteCount: Int)) throws(DiskError) -> Bool {
        if found.byteCount == 0 { return true }
        let file = try disk.open(directory.segment(base: found.base), .readOnly)
        defer { file.close() }
        let bytes = try file.map(count: found.byteCount, writable: false)
        defer { file.unmap(bytes) }
        return bytes.bytes.isZero
    }

    private func list() throws(StoreError) -> [(base: Int64, byteCount: Int)] {
        var found: [(base: Int64, byteCount: Int)] = []
        do throws(DiskError) {
            guard try disk.status(directory.commitLog)?.isDirectory == true else { return [] }
            for entry in try disk.list(directory.commitLog) where !entry.isDirectory {
                let path = "\(directory.commitLog)/\(entry.name)"
                guard let base = StoreDirectory.offset(ofFileName: entry.name) else { continue }
                found.append((base, try disk.status(path)?.byteCount ?? 0))
            }
            // A last file that was about to be made, when the maker was killed or the disk was
            // full: of no length, as RocketMQ leaves it, or with a part of its room and nothing in
            // it.
            while let last = found.last, last.byteCount < length,
                last.byteCount == 0 || found.dropLast().allSatisfy({ $0.byteCount == length }),
                try isEmpty(last)
            {
                try disk.unlink(directory.segment(base: last.base))
                try disk.syncDirectory(directory.commitLog)
                found.removeLast()
            }
        } catch {
            throw StoreError(error)
        }
        guard let wrong = found.first(where: { $0.byteCount != length }) else { return found }
        let path = directory.segment(base: wrong.base)
        if found.allSatisfy({ $0.byteCount == wrong.byteCount }) {
            throw .fileSizeDiffers(
                path: path, found: wrong.byteCount, configured: length,
                key: "mappedFileSizeCommitLog")
        }
        throw .wrongFileLength(path: path, found: wrong.byteCount, expected: length)
    }
}
