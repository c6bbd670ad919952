// The real disk until a given operation; from there on it fails, once or for ever.

import ApusSystem
import Synchronization

/// A disk that counts what changes files and fails from one operation on.
final class StoppingDisk: Disk, Sendable {
    private let real = SystemDisk()
    private let count = Atomic<Int>(0)
    private let failing: Range<Int>

    /// Operation `number`, counted from 0, fails, and those behind it when `forEver`.
    init(at number: Int, forEver: Bool) {
        failing = number..<(forEver ? .max : number + 1)
    }

    /// Operations so far.
    var operations: Int { count.load(ordering: .relaxed) }
    /// Whether one has failed.
    var hasFailed: Bool { operations > failing.lowerBound }

    fileprivate func step(_ operation: String, _ path: String) throws(DiskError) {
        let number = count.wrappingAdd(1, ordering: .relaxed).oldValue
        if failing.contains(number) { throw DiskError(operation: operation, path: path, code: 5) }
    }

    func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> any DiskFile {
        if mode != .readOnly { try step("open", path) }
        return StoppingFile(file: try real.open(path, mode), disk: self)
    }
    func createDirectories(_ path: String) throws(DiskError) {
        try step("create directories", path)
        try real.createDirectories(path)
    }
    func list(_ path: String) throws(DiskError) -> [DirectoryEntry] { try real.list(path) }
    func status(_ path: String) throws(DiskError) -> FileStatus? { try real.status(path) }
    func rename(_ source: String, to target: String) throws(DiskError) {
        try step("rename", source)
        try real.rename(source, to: target)
    }
    func unlink(_ path: String) throws(DiskError) {
        try step("unlink", path)
        try real.unlink(path)
    }
    func removeDirectory(_ path: String) throws(DiskError) {
        try step("remove directory", path)
        try real.removeDirectory(path)
    }
    func syncDirectory(_ path: String) throws(DiskError) {
        try step("sync directory", path)
        try real.syncDirectory(path)
    }
    func space(_ path: String) throws(DiskError) -> DiskSpace { try real.space(path) }
}

private final class StoppingFile: DiskFile {
    let file: any DiskFile
    let disk: StoppingDisk

    init(file: any DiskFile, disk: StoppingDisk) {
        self.file = file
        self.disk = disk
    }

    var path: String { file.path }
    func byteCount() throws(DiskError) -> Int { try file.byteCount() }
    func allocate(from offset: Int, count: Int) throws(DiskError) {
        try disk.step("allocate", path)
        try file.allocate(from: offset, count: count)
    }
    func zero(from offset: Int, count: Int) throws(DiskError) {
        try disk.step("zero", path)
        try file.zero(from: offset, count: count)
    }
    func truncate(to count: Int) throws(DiskError) {
        try disk.step("truncate", path)
        try file.truncate(to: count)
    }
    func nextData(from offset: Int) throws(DiskError) -> Range<Int>? {
        try file.nextData(from: offset)
    }
    func map(count: Int, writable: Bool) throws(DiskError) -> MappedBytes {
        try file.map(count: count, writable: writable)
    }
    func unmap(_ bytes: MappedBytes) { file.unmap(bytes) }
    func read(into bytes: inout MutableRawSpan, at offset: Int) throws(DiskError) -> Int {
        try file.read(into: &bytes, at: offset)
    }
    func write(_ bytes: RawSpan, at offset: Int) throws(DiskError) {
        try disk.step("write", path)
        try file.write(bytes, at: offset)
    }
    func sync() throws(DiskError) {
        try disk.step("sync", path)
        try file.sync()
    }
    func lockFirstByte() throws(DiskError) -> Bool { try file.lockFirstByte() }
    func isFirstByteLocked() throws(DiskError) -> Bool { try file.isFirstByteLocked() }
    func unlockFirstByte() { file.unlockFirstByte() }
    func close() { file.close() }
}
