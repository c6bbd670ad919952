// The real disk with one thing left out: what a checker must notice, or it checks nothing.

import ApusSystem

/// A defect that a run can be given.
enum Defect: String, CaseIterable {
    /// Acknowledges before it appends.
    case earlyAck = "early-ack"
    /// The log is mapped privately: nothing of it reaches the page cache.
    case privateMap = "private-map"
    /// No file is ever synced.
    case sync
    case logSync = "log-sync"
    case queueSync = "queue-sync"
    case indexSync = "index-sync"
    case directorySync = "directory-sync"
    /// A sync that fails is tried again, and the second answer counts.
    case retrySync = "retry-sync"
    /// A sync is believed whatever became of the file system meanwhile. Blocks are not written with
    /// zeros ahead, where it would hardly ever matter.
    case believedSync = "believed-sync"

    static var names: String { allCases.map(\.rawValue).joined(separator: " ") }

    /// Whether syncs of this file are left out.
    func forgetsSync(of path: String) -> Bool {
        switch self {
        case .sync: true
        case .logSync: path.contains("/commitlog/")
        case .queueSync: path.contains("/consumequeue/")
        case .indexSync: path.contains("/index/")
        case .earlyAck, .privateMap, .directorySync, .retrySync, .believedSync: false
        }
    }
}

/// The machine's file system with a defect.
struct BrokenDisk: Disk {
    let defect: Defect
    private let real = SystemDisk()

    init(_ defect: Defect) { self.defect = defect }

    func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> any DiskFile {
        BrokenFile(try real.open(path, mode), defect)
    }
    func createDirectory(_ path: String) throws(DiskError) { try real.createDirectory(path) }
    func list(_ path: String) throws(DiskError) -> [DirectoryEntry] { try real.list(path) }
    func status(_ path: String) throws(DiskError) -> FileStatus? { try real.status(path) }
    func rename(_ source: String, to target: String) throws(DiskError) {
        try real.rename(source, to: target)
    }
    func unlink(_ path: String) throws(DiskError) { try real.unlink(path) }
    func removeDirectory(_ path: String) throws(DiskError) { try real.removeDirectory(path) }
    func syncDirectory(_ path: String) throws(DiskError) {
        if defect == .directorySync || defect == .sync { return }
        try real.syncDirectory(path)
    }
    func space(_ path: String) throws(DiskError) -> DiskSpace { try real.space(path) }
}

private final class BrokenFile: DiskFile {
    private let file: any DiskFile
    private let defect: Defect

    init(_ file: any DiskFile, _ defect: Defect) {
        self.file = file
        self.defect = defect
    }

    var path: String { file.path }
    func byteCount() throws(DiskError) -> Int { try file.byteCount() }
    func allocate(from offset: Int, count: Int) throws(DiskError) {
        try file.allocate(from: offset, count: count)
    }
    func zero(from offset: Int, count: Int) throws(DiskError) {
        try file.zero(from: offset, count: count)
    }
    func truncate(to count: Int) throws(DiskError) { try file.truncate(to: count) }
    func nextData(from offset: Int) throws(DiskError) -> Range<Int>? {
        try file.nextData(from: offset)
    }

    func map(count: Int, writable: Bool) throws(DiskError) -> MappedBytes {
        guard defect == .privateMap, writable, path.contains("/commitlog/") else {
            return try file.map(count: count, writable: writable)
        }
        let copy = MappedBytes.allocate(count: count, alignment: 4096)
        var failure: DiskError?
        copy.withMutable { bytes in
            do throws(DiskError) { _ = try file.read(into: &bytes, at: 0) } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return copy
    }

    /// A private copy stays until the process ends.
    func unmap(_ bytes: MappedBytes) {
        if defect != .privateMap { file.unmap(bytes) }
    }

    func read(into bytes: inout MutableRawSpan, at offset: Int) throws(DiskError) -> Int {
        try file.read(into: &bytes, at: offset)
    }
    func write(_ bytes: RawSpan, at offset: Int) throws(DiskError) {
        try file.write(bytes, at: offset)
    }

    func writeBack(_ bytes: MappedBytes, _ range: Range<Int>) throws(DiskError) {
        if defect.forgetsSync(of: path) || defect == .privateMap { return }
        try file.writeBack(bytes, range)
    }

    func sync() throws(DiskError) {
        try sync { () throws(DiskError) in try file.sync() }
    }

    func sync(_ bytes: MappedBytes, _ range: Range<Int>) throws(DiskError) {
        try sync { () throws(DiskError) in try file.sync(bytes, range) }
    }

    private func sync(_ once: () throws(DiskError) -> Void) throws(DiskError) {
        if defect.forgetsSync(of: path) { return }
        do throws(DiskError) { try once() } catch {
            if defect == .believedSync, error.operation == SystemFile.confirmation { return }
            guard defect == .retrySync else { throw error }
            try once()
        }
    }

    func lockFirstByte() throws(DiskError) -> Bool { try file.lockFirstByte() }
    func isFirstByteLocked() throws(DiskError) -> Bool { try file.isFirstByteLocked() }
    func unlockFirstByte() { file.unlockFirstByte() }
    func close() { file.close() }
}
