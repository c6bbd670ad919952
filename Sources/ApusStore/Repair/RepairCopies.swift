// Copies of what a repair changes, in `quarantine/`. Nothing is changed or removed without one.
//
// A copy is written under a name that ends in `.partial`, synced, and renamed: one with a whole
// name is whole. None is ever written over.

import ApusFormat
import ApusSystem

/// Puts copies into `quarantine/`.
final class RepairCopies {
    private let disk: any Disk
    private let directory: StoreDirectory
    private let firstNumber: Int64
    /// What was put there, in order: names in `quarantine/`.
    private(set) var names: [String] = []

    /// `epoch` is the number that copies begin to be told apart by, as those of recovery are.
    init(_ disk: any Disk, _ directory: StoreDirectory, epoch: Int64) {
        self.disk = disk
        self.directory = directory
        firstNumber = max(1, epoch)
    }

    /// Copies a whole file.
    func keep(_ path: String, as stem: String) throws(DiskError) {
        let count = try disk.status(path)?.byteCount ?? 0
        try keep(path, 0..<count, as: stem)
    }

    /// Copies bytes of a file. Holes stay holes.
    func keep(_ path: String, _ range: Range<Int>, as stem: String) throws(DiskError) {
        let target = try freePath(stem)
        let source = try FileWindow(disk, path: path, windowByteCount: 1 << 20)
        let copy = try disk.open("\(target).partial", .createEmpty)
        defer { copy.close() }
        try copy.truncate(to: range.count)
        var position = range.lowerBound
        while let data = try source.nextData(from: position), data < range.upperBound {
            position = max(position, data)
            let count = min(1 << 20, range.upperBound - position)
            let failure = try source.withBytes(at: position, count: count) { bytes -> DiskError? in
                do throws(DiskError) {
                    if !bytes.isZero { try copy.write(bytes, at: position - range.lowerBound) }
                    return nil
                } catch {
                    return error
                }
            }
            if let failure { throw failure }
            position += count
        }
        try copy.sync()
        try disk.rename("\(target).partial", to: target)
        try disk.syncDirectory(directory.quarantine)
        note(target)
    }

    /// Moves a file here; copies it where a rename cannot.
    func move(_ path: String, as stem: String) throws(DiskError) {
        let target = try freePath(stem)
        do throws(DiskError) {
            try disk.rename(path, to: target)
            try disk.syncDirectory(directory.quarantine)
            note(target)
        } catch {
            // EXDEV: the log may be on another file system.
            guard error.code == 18 else { throw error }
            try keep(path, as: stem)
            try disk.unlink(path)
        }
        try disk.syncDirectory(SystemDisk.parent(of: path))
    }

    private func note(_ target: String) {
        names.append(String(target.dropFirst(directory.quarantine.count + 1)))
    }

    private func freePath(_ stem: String) throws(DiskError) -> String {
        try disk.createDirectories(directory.quarantine)
        var number = firstNumber
        while true {
            let path = "\(directory.quarantine)/\(stem)-\(number)"
            if try disk.status(path) == nil { return path }
            number += 1
        }
    }
}
