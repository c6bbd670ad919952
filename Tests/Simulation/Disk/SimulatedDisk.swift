// A disk in memory that can fail, be cut off from its power, and be looked at from outside.
//
// Names are kept twice, like bytes: a change to a directory is pending until the directory is
// synced. A power cut keeps a prefix of the pending changes, or any subset of them.

import ApusSystem
import Glibc
import TestSupport

/// A simulated file system. Stepped by one thread.
final class SimulatedDisk: Disk, @unchecked Sendable {
    // Sendable: a simulation is stepped by one thread.
    typealias Names = [String: SimulatedFile]

    /// A change of names that is not durable yet.
    struct Change {
        let removed: String?
        let added: (path: String, file: SimulatedFile)?
        /// The directories that it is written to.
        let directories: Set<String>
    }

    private(set) var names: Names = [:]
    private var durableNames: Names = [:]
    private(set) var directories: Set<String> = ["/"]
    private var durableDirectories: Set<String> = ["/"]
    private(set) var pending: [Change] = []
    var numbers: SeededNumbers
    var plan: FaultPlan?
    /// Operations so far.
    private(set) var operations = 0
    /// The machine, or the process, has come to its end.
    private(set) var isOff = false
    /// Whether a planned fault has come true.
    private(set) var hasFailed = false
    /// Syncs that failed of CommitLog files that held something.
    private(set) var failedSyncsOfLog = 0
    /// Bytes that the device holds; nil: as many as are wanted.
    var capacity: Int?
    /// What `space` answers instead of what is used.
    var pretendedUsedPercent: Double?
    /// The operations, for whoever wants to see what happened.
    // Set before anything runs.
    nonisolated(unsafe) static var isTracing = false
    // Written by the one thread of a traced run.
    nonisolated(unsafe) static var traces: [String] = []

    init(_ numbers: SeededNumbers) { self.numbers = numbers }

    /// Counts an operation. True when it is to happen by half and the machine is off then.
    func step(_ operation: String, _ path: String) throws(DiskError) -> Bool {
        if isOff { throw DiskError(operation: operation, path: path, code: EIO) }
        let number = operations
        operations += 1
        if Self.isTracing {
            Self.traces.append(
                "\(ObjectIdentifier(self).hashValue & 0xfff) \(number) \(operation) \(path)")
        }
        guard let plan, number == plan.at || plan.isForever && number > plan.at else {
            return false
        }
        if case .failedSync = plan.kind, operation != "sync" { return false }
        hasFailed = true
        switch plan.kind {
        case .error(let code):
            noteFailure(of: operation, path)
            throw DiskError(operation: operation, path: path, code: code)
        case .shortWrite:
            guard operation != "write" else { return true }
            throw DiskError(operation: operation, path: path, code: ENOSPC)
        case .failedSync:
            self.plan = nil
            noteFailure(of: operation, path)
            throw DiskError(operation: operation, path: path, code: EIO)
        case .end:
            isOff = true
            return true
        }
    }

    /// A new file is empty when it is first synced: a failure then is one of making it.
    private func noteFailure(of operation: String, _ path: String) {
        guard operation == "sync", path.contains("/commitlog/"), names[path]?.data(from: 0) != nil
        else { return }
        failedSyncsOfLog += 1
    }

    /// Ends an operation that `step` cut short.
    func off(_ operation: String, _ path: String) -> DiskError {
        DiskError(operation: operation, path: path, code: EIO)
    }

    static func parent(of path: String) -> String { SystemDisk.parent(of: path) }

    /// The same question the other way round, asked of every name there is: a tenth of the time of
    /// all crash states went into making the answers strings.
    static func isParent(_ directory: String, of path: String) -> Bool {
        let directory = (directory == "/" ? "" : directory).utf8.span
        let path = path.utf8.span
        let slash = UInt8(ascii: "/")
        guard path.count > directory.count + 1, path[directory.count] == slash else {
            return false
        }
        for place in 0..<directory.count where path[place] != directory[place] { return false }
        for place in directory.count + 1..<path.count where path[place] == slash { return false }
        return true
    }

    private func missing(_ operation: String, _ path: String) -> DiskError {
        DiskError(operation: operation, path: path, code: ENOENT)
    }

    var usedByteCount: Int {
        names.values.reduce(0) { $0 + $1.allocated.count * SimulatedFile.block }
    }
}

// MARK: - The operations

extension SimulatedDisk {
    func open(_ path: String, _ mode: OpenMode) throws(DiskError) -> any DiskFile {
        let isCut = try step("open", path)
        if let file = names[path] {
            if mode == .createEmpty, !isCut || Bool.random(using: &numbers) { file.setLength(0) }
            if isCut { throw off("open", path) }
            return SimulatedHandle(path: path, file: file, disk: self)
        }
        guard mode == .create || mode == .createEmpty, directories.contains(Self.parent(of: path))
        else { throw missing("open", path) }
        let file = SimulatedFile()
        if !isCut || Bool.random(using: &numbers) {
            change(removed: nil, added: (path, file), in: [Self.parent(of: path)])
        }
        if isCut { throw off("open", path) }
        return SimulatedHandle(path: path, file: file, disk: self)
    }

    func createDirectory(_ path: String) throws(DiskError) {
        let isCut = try step("create directory", path)
        guard directories.contains(Self.parent(of: path)) else {
            throw missing("create directory", path)
        }
        if !isCut || Bool.random(using: &numbers) { directories.insert(path) }
        if isCut { throw off("create directory", path) }
    }

    func list(_ path: String) throws(DiskError) -> [DirectoryEntry] {
        if try step("list", path) { throw off("list", path) }
        guard directories.contains(path) else { throw missing("list", path) }
        func name(_ other: String) -> String? {
            guard Self.isParent(path, of: other), let slash = other.utf8.lastIndex(of: 0x2F)
            else { return nil }
            return String(other[other.index(after: slash)...])
        }
        let files = names.keys.compactMap(name).map { DirectoryEntry(name: $0, isDirectory: false) }
        let folders = directories.compactMap(name).map {
            DirectoryEntry(name: $0, isDirectory: true)
        }
        return (files + folders).sorted { $0.name < $1.name }
    }

    func status(_ path: String) throws(DiskError) -> FileStatus? {
        if try step("status", path) { throw off("status", path) }
        if let file = names[path] {
            return FileStatus(
                byteCount: file.length,
                allocatedByteCount: file.allocated.count * SimulatedFile.block, isDirectory: false)
        }
        guard directories.contains(path) else { return nil }
        return FileStatus(byteCount: 4096, allocatedByteCount: 4096, isDirectory: true)
    }

    func rename(_ source: String, to target: String) throws(DiskError) {
        let isCut = try step("rename", source)
        guard let file = names[source] else { throw missing("rename", source) }
        if !isCut || Bool.random(using: &numbers) {
            change(
                removed: source, added: (target, file),
                in: [Self.parent(of: source), Self.parent(of: target)])
        }
        if isCut { throw off("rename", source) }
    }

    func unlink(_ path: String) throws(DiskError) {
        let isCut = try step("unlink", path)
        guard names[path] != nil else { throw missing("unlink", path) }
        if !isCut || Bool.random(using: &numbers) {
            change(removed: path, added: nil, in: [Self.parent(of: path)])
        }
        if isCut { throw off("unlink", path) }
    }

    func removeDirectory(_ path: String) throws(DiskError) {
        let isCut = try step("remove directory", path)
        if !isCut || Bool.random(using: &numbers) { directories.remove(path) }
        if isCut { throw off("remove directory", path) }
    }

    func syncDirectory(_ path: String) throws(DiskError) {
        let isCut = try step("sync directory", path)
        if DiskMutant.skipsDirectorySync(of: path) { return }
        if !isCut || Bool.random(using: &numbers) {
            for change in pending where change.directories.contains(path) {
                Self.apply(change, to: &durableNames)
            }
            pending.removeAll { $0.directories.contains(path) }
            for directory in directories where Self.isParent(path, of: directory) {
                durableDirectories.insert(directory)
            }
        }
        if isCut { throw off("sync directory", path) }
    }

    func space(_ path: String) throws(DiskError) -> DiskSpace {
        if try step("space", path) { throw off("space", path) }
        if let percent = pretendedUsedPercent {
            return DiskSpace(total: 10_000, available: Int(100 * (100 - percent)))
        }
        let total = capacity ?? 1 << 40
        return DiskSpace(total: total, available: max(0, total - usedByteCount))
    }

    private func change(
        removed: String?, added: (path: String, file: SimulatedFile)?, in directories: Set<String>
    ) {
        let change = Change(removed: removed, added: added, directories: directories)
        Self.apply(change, to: &names)
        pending.append(change)
    }

    private static func apply(_ change: Change, to names: inout Names) {
        if let removed = change.removed { names[removed] = nil }
        if let added = change.added { names[added.path] = added.file }
    }
}

// MARK: - What happens to disks

extension SimulatedDisk {
    /// The kernel writes something on its own account.
    func writeBackSome() {
        let percent = [5, 50, 100].randomElement(using: &numbers) ?? 50
        for (_, file) in names.sorted(by: { $0.key < $1.key })
        where Bool.random(using: &numbers) {
            file.writeBackSome(&numbers, percent: percent)
        }
    }

    /// The disk of the machine after a power cut at this moment. This one stays as it is.
    func afterPowerCut(seed: UInt64) -> SimulatedDisk {
        var numbers = SeededNumbers(seed: seed)
        let cut = PowerCut(&numbers)
        let disk = SimulatedDisk(numbers)
        for directory in directories.sorted()
        where disk.directories.contains(Self.parent(of: directory)) {
            if durableDirectories.contains(directory) || Bool.random(using: &numbers) {
                disk.directories.insert(directory)
            }
        }
        disk.durableDirectories = disk.directories
        disk.capacity = capacity
        var kept = durableNames
        var isBroken = false
        for change in pending {
            let isKept = Int.random(in: 0..<100, using: &numbers) < cut.percentOfNames
            isBroken = isBroken || !isKept
            if cut.keepsOrder ? !isBroken : isKept { Self.apply(change, to: &kept) }
        }
        for (path, file) in kept.sorted(by: { $0.key < $1.key })
        where disk.directories.contains(Self.parent(of: path)) {
            disk.names[path] = file.afterPowerCut(cut, &numbers)
        }
        disk.durableNames = disk.names
        disk.numbers = numbers
        return disk
    }

    /// The process is gone, the machine is not: what was stored is there, no lock is held.
    func afterKill() {
        isOff = false
        hasFailed = false
        plan = nil
        for file in names.values { file.isLocked = false }
    }

    /// A path where bytes were stored without room, and where in it; nil when there is none.
    func storedWithoutRoom() -> (String, Int)? {
        for (path, file) in names.sorted(by: { $0.key < $1.key }) {
            if let offset = file.storedWithoutRoom() { return (path, offset) }
        }
        return nil
    }
}
