// The real disk with faults that a test switches on.

import ApusSystem
import Synchronization

/// Which operation fails, and with which error number.
struct Fault: Sendable {
    let operation: String
    /// Part of the path.
    let path: String
    let code: Int32
}

/// An operation that was asked for.
struct Operation: Hashable, Sendable {
    let name: String
    let path: String
}

/// A disk that fails on demand and remembers.
final class FaultyDisk: Disk, Sendable {
    private let real = SystemDisk()
    private let fault = Mutex<Fault?>(nil)
    private let done = Mutex<[Operation]>([])
    private let used = Mutex<Double?>(nil)
    private let limits = Mutex<ProcessLimits?>(nil)

    private let hook = Mutex<(@Sendable (String) -> Void)?>(nil)

    /// Calls `body` with the path at the start of each sync.
    func onSync(_ body: (@Sendable (String) -> Void)?) { hook.withLock { $0 = body } }

    func fail(_ new: Fault?) { fault.withLock { $0 = new } }

    /// What `space` answers instead of the truth.
    func pretend(usedPercent: Double?) { used.withLock { $0 = usedPercent } }

    func pretend(limits new: ProcessLimits?) { limits.withLock { $0 = new } }
    func processLimits() -> ProcessLimits? { limits.withLock { $0 } }

    /// What was done that changes something, in order.
    var operations: [Operation] { done.withLock { $0 } }

    /// The paths that were synced, in order.
    var synced: [String] { operations.filter { $0.name == "sync" }.map(\.path) }

    fileprivate func note(_ operation: String, _ path: String) {
        done.withLock { $0.append(Operation(name: operation, path: path)) }
    }

    fileprivate func check(_ operation: String, _ path: String) throws(DiskError) {
        if operation != "read" { note(operation, path) }
        if operation == "sync" { hook.withLock { $0 }?(path) }
        let found = fault.withLock { $0 }
        if let found, found.operation == operation, path.contains(found.path) {
            throw DiskError(operation: operation, path: path, code: found.code)
        }
    }

    func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> any DiskFile {
        try check(mode == .readOnly ? "look" : "open", path)
        return FaultyFile(file: try real.open(path, mode), disk: self)
    }

    func createDirectories(_ path: String) throws(DiskError) {
        try check("create directories", path)
        try real.createDirectories(path)
    }
    func list(_ path: String) throws(DiskError) -> [DirectoryEntry] { try real.list(path) }
    func status(_ path: String) throws(DiskError) -> FileStatus? { try real.status(path) }

    func rename(_ source: String, to target: String) throws(DiskError) {
        try check("rename", source)
        try real.rename(source, to: target)
    }

    func unlink(_ path: String) throws(DiskError) {
        try check("unlink", path)
        try real.unlink(path)
    }

    func removeDirectory(_ path: String) throws(DiskError) { try real.removeDirectory(path) }

    func syncDirectory(_ path: String) throws(DiskError) {
        try check("sync directory", path)
        try real.syncDirectory(path)
    }

    func space(_ path: String) throws(DiskError) -> DiskSpace {
        guard let percent = used.withLock({ $0 }) else { return try real.space(path) }
        return DiskSpace(total: 10_000, available: Int(100 * (100 - percent)))
    }
}

private final class FaultyFile: DiskFile {
    let file: any DiskFile
    let disk: FaultyDisk

    init(file: any DiskFile, disk: FaultyDisk) {
        self.file = file
        self.disk = disk
    }

    var path: String { file.path }
    func byteCount() throws(DiskError) -> Int { try file.byteCount() }

    func allocate(from offset: Int, count: Int) throws(DiskError) {
        try disk.check("allocate", path)
        try file.allocate(from: offset, count: count)
    }

    func zero(from offset: Int, count: Int) throws(DiskError) {
        try disk.check("zero", path)
        try file.zero(from: offset, count: count)
    }

    func truncate(to count: Int) throws(DiskError) {
        try disk.check("truncate", path)
        try file.truncate(to: count)
    }
    func nextData(from offset: Int) throws(DiskError) -> Range<Int>? {
        try file.nextData(from: offset)
    }
    func map(count: Int, writable: Bool) throws(DiskError) -> MappedBytes {
        try disk.check("map", path)
        return try file.map(count: count, writable: writable)
    }
    func unmap(_ bytes: MappedBytes) { file.unmap(bytes) }
    func read(into bytes: inout MutableRawSpan, at offset: Int) throws(DiskError) -> Int {
        try disk.check("read", path)
        return try file.read(into: &bytes, at: offset)
    }
    func write(_ bytes: RawSpan, at offset: Int) throws(DiskError) {
        try disk.check("write", path)
        try file.write(bytes, at: offset)
    }
    func forget(from offset: Int, count: Int) { file.forget(from: offset, count: count) }
    func sync() throws(DiskError) {
        try disk.check("sync", path)
        try file.sync()
    }
    func lockFirstByte() throws(DiskError) -> Bool { try file.lockFirstByte() }
    func isFirstByteLocked() throws(DiskError) -> Bool { try file.isFirstByteLocked() }
    func unlockFirstByte() {
        disk.note("unlock", path)
        file.unlockFirstByte()
    }
    func close() { file.close() }
}
