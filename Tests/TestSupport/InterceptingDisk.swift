// The real disk behind a gate: what test disks that fail, stop or remember have in common.

package import ApusSystem

/// A disk that is asked before each operation which opens, changes or reads a file.
package protocol InterceptingDisk: Disk {
    /// Called with the operation's name and path; what it throws is the operation's failure.
    func before(_ operation: String, _ path: String) throws(DiskError)
    /// Called when a file that was opened has been closed.
    func didClose(_ path: String)
    /// Called before a range of a file is synced, behind `before`.
    func willSync(_ path: String, _ range: Range<Int>)
}

extension InterceptingDisk {
    private var real: SystemDisk { SystemDisk() }
    package func didClose(_ path: String) {}
    package func willSync(_ path: String, _ range: Range<Int>) {}

    package func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> any DiskFile {
        try before(mode == .readOnly ? "look" : "open", path)
        return InterceptedFile(file: try real.open(path, mode), disk: self)
    }
    package func createDirectory(_ path: String) throws(DiskError) {
        try before("create directory", path)
        try real.createDirectory(path)
    }
    package func list(_ path: String) throws(DiskError) -> [DirectoryEntry] {
        try real.list(path)
    }
    package func status(_ path: String) throws(DiskError) -> FileStatus? {
        try real.status(path)
    }
    package func rename(_ source: String, to target: String) throws(DiskError) {
        try before("rename", source)
        try real.rename(source, to: target)
    }
    package func unlink(_ path: String) throws(DiskError) {
        try before("unlink", path)
        try real.unlink(path)
    }
    package func removeDirectory(_ path: String) throws(DiskError) {
        try before("remove directory", path)
        try real.removeDirectory(path)
    }
    package func syncDirectory(_ path: String) throws(DiskError) {
        try before("sync directory", path)
        try real.syncDirectory(path)
    }
    package func space(_ path: String) throws(DiskError) -> DiskSpace { try real.space(path) }
}

/// A file of such a disk.
private final class InterceptedFile: DiskFile {
    let file: any DiskFile
    let disk: any InterceptingDisk

    init(file: any DiskFile, disk: any InterceptingDisk) {
        self.file = file
        self.disk = disk
    }

    var path: String { file.path }
    func byteCount() throws(DiskError) -> Int { try file.byteCount() }
    func allocate(from offset: Int, count: Int) throws(DiskError) {
        try disk.before("allocate", path)
        try file.allocate(from: offset, count: count)
    }
    func zero(from offset: Int, count: Int) throws(DiskError) {
        try disk.before("zero", path)
        try file.zero(from: offset, count: count)
    }
    func truncate(to count: Int) throws(DiskError) {
        try disk.before("truncate", path)
        try file.truncate(to: count)
    }
    func nextData(from offset: Int) throws(DiskError) -> Range<Int>? {
        try file.nextData(from: offset)
    }
    func map(count: Int, writable: Bool) throws(DiskError) -> MappedBytes {
        try disk.before("map", path)
        return try file.map(count: count, writable: writable)
    }
    func unmap(_ bytes: MappedBytes) { file.unmap(bytes) }
    func dirty(_ bytes: MappedBytes, _ range: Range<Int>) { file.dirty(bytes, range) }
    func read(into bytes: inout MutableRawSpan, at offset: Int) throws(DiskError) -> Int {
        try disk.before("read", path)
        return try file.read(into: &bytes, at: offset)
    }
    func write(_ bytes: RawSpan, at offset: Int) throws(DiskError) {
        try disk.before("write", path)
        try file.write(bytes, at: offset)
    }
    func forget(from offset: Int, count: Int) { file.forget(from: offset, count: count) }
    func writeBack(_ bytes: MappedBytes, _ range: Range<Int>) throws(DiskError) {
        try disk.before("write back", path)
        try file.writeBack(bytes, range)
    }
    func sync() throws(DiskError) {
        try disk.before("sync", path)
        try file.sync()
    }
    func sync(_ bytes: MappedBytes, _ range: Range<Int>) throws(DiskError) {
        try disk.before("sync", path)
        disk.willSync(path, range)
        try file.sync(bytes, range)
    }
    func lockFirstByte() throws(DiskError) -> Bool { try file.lockFirstByte() }
    func isFirstByteLocked() throws(DiskError) -> Bool { try file.isFirstByteLocked() }
    func unlockFirstByte() {
        // Cannot fail: only those who remember listen.
        try? disk.before("unlock", path)
        file.unlockFirstByte()
    }
    func close() {
        file.close()
        disk.didClose(path)
    }
}
