// The one seam between the store and the file system.
//
// Every operation that the store makes on files goes through these two protocols, so that a
// simulated disk can stand behind them. None is on the append path: an append stores through a
// mapping that `DiskFile.map` handed out before. A sync crosses the seam once, for a few
// nanoseconds.

/// How a file is opened.
package enum OpenMode: Hashable, Sendable {
    /// The file must exist; nothing is written.
    case readOnly
    /// The file must exist.
    case readWrite
    /// The file is made when absent.
    case create
    /// The file is made; one that is there is emptied.
    case createEmpty
}

/// One name in a directory.
package struct DirectoryEntry: Hashable, Sendable {
    package let name: String
    package let isDirectory: Bool

    package init(name: String, isDirectory: Bool) {
        self.name = name
        self.isDirectory = isDirectory
    }
}

/// What the file system says of a path.
package struct FileStatus: Hashable, Sendable {
    package let byteCount: Int
    /// Bytes that the file takes on the device.
    package let allocatedByteCount: Int
    package let isDirectory: Bool

    package init(byteCount: Int, allocatedByteCount: Int, isDirectory: Bool) {
        self.byteCount = byteCount
        self.allocatedByteCount = allocatedByteCount
        self.isDirectory = isDirectory
    }
}

/// Room on a file system, in bytes.
package struct DiskSpace: Hashable, Sendable {
    package let total: Int
    package let available: Int

    package init(total: Int, available: Int) {
        self.total = total
        self.available = available
    }

    /// Used bytes in per cent of what an ordinary user may use; 100 when nothing is known.
    package var usedPercent: Double {
        total > 0 ? 100 * Double(total - available) / Double(total) : 100
    }
}

/// A file system.
package protocol Disk: Sendable {
    func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> any DiskFile
    /// Makes a directory in one that is there, unless it is there already.
    func createDirectory(_ path: String) throws(DiskError)
    /// The names in a directory, sorted; `.` and `..` left out.
    func list(_ path: String) throws(DiskError) -> [DirectoryEntry]
    /// Nil when nothing is there.
    func status(_ path: String) throws(DiskError) -> FileStatus?
    func rename(_ source: String, to target: String) throws(DiskError)
    func unlink(_ path: String) throws(DiskError)
    func removeDirectory(_ path: String) throws(DiskError)
    /// Makes the names in a directory durable.
    func syncDirectory(_ path: String) throws(DiskError)
    func space(_ path: String) throws(DiskError) -> DiskSpace
    /// How many files the process may open and map; nil when nothing limits it.
    func processLimits() -> ProcessLimits?
    /// The same disk, whose mappings are guarded from now on.
    func guarded(by guards: MappingGuards) -> any Disk
}

extension Disk {
    /// A disk whose mappings cannot fail.
    package func guarded(by guards: MappingGuards) -> any Disk { self }
    /// A disk whose files take nothing from the process.
    package func processLimits() -> ProcessLimits? { nil }
}

extension Disk {
    /// Makes the directory and those above it. Each new name is durable when this returns, and so
    /// is that of the directory which they were made in.
    package func createDirectories(_ path: String) throws(DiskError) {
        if try status(path)?.isDirectory == true { return }
        let parent = SystemDisk.parent(of: path)
        if parent != path {
            if try status(parent)?.isDirectory == true {
                try syncName(of: parent)
            } else {
                try createDirectories(parent)
            }
        }
        try createDirectory(path)
        try syncDirectory(parent)
    }

    /// The same, but what becomes of the new names is the caller's business.
    package func createUnsyncedDirectories(_ path: String) throws(DiskError) {
        if try status(path)?.isDirectory == true { return }
        let parent = SystemDisk.parent(of: path)
        if parent != path { try createUnsyncedDirectories(parent) }
        try createDirectory(path)
    }

    /// Who made a directory may have been killed before its name was synced. What nobody of ours
    /// can have made is not looked at.
    private func syncName(of path: String) throws(DiskError) {
        do throws(DiskError) {
            try syncDirectory(SystemDisk.parent(of: path))
        } catch {
            if !error.isReadOnly { throw error }
        }
    }
}

/// An open file.
package protocol DiskFile: AnyObject, Sendable {
    var path: String { get }
    func byteCount() throws(DiskError) -> Int
    /// Gives the range real room on the device, extending the file when it ends before.
    func allocate(from offset: Int, count: Int) throws(DiskError)
    /// Makes the range read as zeros while it keeps its room.
    func zero(from offset: Int, count: Int) throws(DiskError)
    func truncate(to count: Int) throws(DiskError)
    /// The first range at or behind `offset` that may hold anything but zeros.
    func nextData(from offset: Int) throws(DiskError) -> Range<Int>?
    /// Maps the first `count` bytes, shared. The bytes stay valid until `unmap`.
    func map(count: Int, writable: Bool) throws(DiskError) -> MappedBytes
    func unmap(_ bytes: MappedBytes)
    /// What is known of the file's mapping; nil while it has none, or none that is guarded.
    var mappingGuard: MappingGuard? { get }
    /// Makes the pages of `range` dirty without changing them, so that the next sync writes them.
    /// What a failed sync left in the page cache counts as written there although it is not.
    func dirty(_ bytes: MappedBytes, _ range: Range<Int>)
    /// Reads up to `bytes.byteCount` bytes; fewer only at the end of the file.
    func read(into bytes: inout MutableRawSpan, at offset: Int) throws(DiskError) -> Int
    /// Writes all of the bytes.
    func write(_ bytes: RawSpan, at offset: Int) throws(DiskError)
    /// Says that the range, read once, will not be read again soon. Advice: memory goes only where
    /// nobody has the bytes mapped.
    func forget(from offset: Int, count: Int)
    /// Writes both, one behind the other, and makes them durable, with all that is needed to read
    /// them again; nothing else of the file need be. Fails as `sync` does.
    func writeThrough(
        _ first: RawSpan, _ second: RawSpan, at offset: Int
    ) throws(DiskError)
    /// Brings what was stored through a mapping in `range`, whole pages that nobody stores to, to
    /// the device, so that a sync behind it has little left to do. Promises nothing: it counts only
    /// once a sync has succeeded. A failure is as final as one of a sync: the kernel tells of a
    /// lost page once, and that was here.
    func writeBack(_ bytes: MappedBytes, _ range: Range<Int>) throws(DiskError)
    /// Makes all that was stored in the file durable. After one failure the contents are unknown.
    /// Fails too when something was stored through a guarded mapping that the file does not hold.
    func sync() throws(DiskError)
    /// The same for what was stored in `range`, through this mapping of the file or another one.
    /// What else was stored need not be durable afterwards, and its pages stay ready to be written.
    func sync(_ bytes: MappedBytes, _ range: Range<Int>) throws(DiskError)
    /// Takes the exclusive lock on the first byte, until the file is closed; false when someone
    /// else holds it.
    func lockFirstByte() throws(DiskError) -> Bool
    /// Gives that lock up. It goes even when a process that was forked a moment ago holds the file.
    func unlockFirstByte()
    /// Whether someone else holds a lock on the first byte. Takes none.
    func isFirstByteLocked() throws(DiskError) -> Bool
    func close()
}

extension DiskFile {
    /// In two steps, with more than was asked for.
    package func writeThrough(
        _ first: RawSpan, _ second: RawSpan, at offset: Int
    ) throws(DiskError) {
        if !first.isEmpty { try write(first, at: offset) }
        if !second.isEmpty { try write(second, at: offset + first.byteCount) }
        try sync()
    }
    package var mappingGuard: MappingGuard? { nil }
    package func dirty(_ bytes: MappedBytes, _ range: Range<Int>) { bytes.dirty(range) }
    /// A disk whose files nobody else opens has no locks to tell of.
    package func isFirstByteLocked() throws(DiskError) -> Bool { false }
    /// With more than was asked for.
    package func sync(_ bytes: MappedBytes, _ range: Range<Int>) throws(DiskError) { try sync() }
    /// A sync does all of it.
    package func writeBack(_ bytes: MappedBytes, _ range: Range<Int>) throws(DiskError) {}
    /// A disk that keeps nothing in memory has nothing to forget.
    package func forget(from offset: Int, count: Int) {}
}
