// Reads a file through one buffer, for tools that look at directories which may be damaged.
//
// Read with `pread` and not through a mapping: a bad sector, or a file that gets shorter meanwhile,
// is then an error with a text instead of a signal. Nothing here writes.

private import ApusFormat
package import ApusSystem

/// A file, and the stretch of it that was read last.
package final class FileWindow {
    package let path: String
    /// Bytes of the file when it was opened.
    package let byteCount: Int
    private let file: any DiskFile
    /// Whether the file was opened here.
    private let isOwned: Bool
    private let windowByteCount: Int
    private var memory: MappedBytes
    /// The bytes of the file that `memory` starts with.
    private var held = 0..<0
    private var isLent = false
    /// Bytes that were read from the file so far.
    package private(set) var readByteCount = 0

    /// Opens the file. `windowByteCount` bytes are read at a time, or more where more are asked
    /// for.
    package init(
        _ disk: any Disk, path: String, windowByteCount: Int
    ) throws(DiskError) {
        let file = try disk.open(path, .readOnly)
        self.path = path
        self.file = file
        isOwned = true
        byteCount = try file.byteCount()
        self.windowByteCount = max(64, min(windowByteCount, byteCount))
        memory = MappedBytes.allocate(count: self.windowByteCount)
    }

    /// The first `byteCount` bytes of a file that someone else opened, and keeps open meanwhile.
    package init(borrowing file: any DiskFile, byteCount: Int, windowByteCount: Int) {
        path = file.path
        self.file = file
        isOwned = false
        self.byteCount = byteCount
        self.windowByteCount = max(64, min(windowByteCount, byteCount))
        memory = MappedBytes.allocate(count: self.windowByteCount)
    }

    deinit {
        memory.deallocate()
        if isOwned { file.close() }
    }

    /// Whether bytes are at hand without another read.
    package func holds(_ range: Range<Int>) -> Bool {
        range.lowerBound >= held.lowerBound && range.upperBound <= held.upperBound
    }

    /// Lends the bytes from `offset` on: `wanted` of them, or as many as the file still has. The
    /// span ends with the lending. Not to be called again from within `body`.
    package func withBytes<Result>(
        at offset: Int, count wanted: Int, _ body: (RawSpan) -> Result
    ) throws(DiskError) -> Result {
        precondition(!isLent && offset >= 0)
        let end = offset + min(max(0, wanted), max(0, byteCount - offset))
        if offset < held.lowerBound || end > held.upperBound {
            try fill(from: offset, count: end - offset)
        }
        let start = min(offset - held.lowerBound, held.count)
        let stop = min(end - held.lowerBound, held.count)
        isLent = true
        defer { isLent = false }
        return body(memory.bytes(in: start..<max(start, stop)))
    }

    /// Where the next bytes that may not be zeros start, at or behind `offset`; nil for none.
    package func nextData(from offset: Int) throws(DiskError) -> Int? {
        try file.nextData(from: offset)?.lowerBound
    }

    private func fill(from offset: Int, count: Int) throws(DiskError) {
        held = 0..<0
        let size = max(windowByteCount, count)
        // What a large record needed is given back with the next small one.
        if memory.count < size || memory.count > size * 4 {
            memory.deallocate()
            memory = MappedBytes.allocate(count: size)
        }
        let room = 0..<min(size, max(0, byteCount - offset))
        let found = try memory.withMutable(in: room) { (bytes) throws(DiskError) in
            try file.read(into: &bytes, at: offset)
        }
        held = offset..<offset + found
        readByteCount += found
    }
}
