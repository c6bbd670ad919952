// An open file of a simulated disk.

import ApusSystem
import Glibc
import Synchronization

/// What `open` answers.
final class SimulatedHandle: DiskFile {
    let path: String
    private let file: SimulatedFile
    private let disk: SimulatedDisk
    private let holdsLock = Atomic<Bool>(false)

    init(path: String, file: SimulatedFile, disk: SimulatedDisk) {
        self.path = path
        self.file = file
        self.disk = disk
    }

    private func off(_ operation: String) -> DiskError { disk.off(operation, path) }

    /// True when an operation that was cut short has happened all the same.
    private func happens(_ isCut: Bool) -> Bool { !isCut || Bool.random(using: &disk.numbers) }

    func byteCount() throws(DiskError) -> Int {
        if try disk.step("byte count", path) { throw off("byte count") }
        return file.length
    }

    func allocate(from offset: Int, count: Int) throws(DiskError) {
        let isCut = try disk.step("allocate", path)
        if let capacity = disk.capacity {
            let free = capacity - disk.usedByteCount
            let wanted =
                (offset / 4096..<(offset + count + 4095) / 4096)
                .filter { !file.allocated.contains($0) }.count * 4096
            // A real disk gives what it has, then refuses.
            if wanted > free { throw DiskError(operation: "allocate", path: path, code: ENOSPC) }
        }
        if DiskMutant.skipsAllocation.isPlanted, file.length >= offset + count { return }
        if happens(isCut) { file.allocate(offset..<offset + count) }
        if isCut { throw off("allocate") }
    }

    func zero(from offset: Int, count: Int) throws(DiskError) {
        let isCut = try disk.step("zero", path)
        if DiskMutant.skipsZero.isPlanted { return }
        if happens(isCut) { file.zero(offset..<offset + count) }
        if isCut { throw off("zero") }
    }

    func truncate(to count: Int) throws(DiskError) {
        let isCut = try disk.step("truncate", path)
        if happens(isCut) { file.setLength(count) }
        if isCut { throw off("truncate") }
    }

    func nextData(from offset: Int) throws(DiskError) -> Range<Int>? {
        if try disk.step("next data", path) { throw off("next data") }
        return file.data(from: offset)
    }

    func map(count: Int, writable: Bool) throws(DiskError) -> MappedBytes {
        if try disk.step("map", path) { throw off("map") }
        guard count <= file.length else {
            throw DiskError(operation: "map", path: path, code: EINVAL)
        }
        return file.mapped(count: count)
    }

    func unmap(_ bytes: MappedBytes) { file.unmapped() }

    func dirty(_ bytes: MappedBytes, _ range: Range<Int>) {
        if !DiskMutant.skipsDirtying.isPlanted { file.makeDirty(range) }
    }

    func read(into bytes: inout MutableRawSpan, at offset: Int) throws(DiskError) -> Int {
        if try disk.step("read", path) { throw off("read") }
        return file.read(into: &bytes, at: offset)
    }

    func write(_ bytes: RawSpan, at offset: Int) throws(DiskError) {
        let isCut = try disk.step("write", path)
        if isCut {
            // The kernel copies page by page, and a device writes whole sectors: one that the write
            // reaches to the end of is written or not.
            var count = Int.random(in: 0...bytes.byteCount, using: &disk.numbers)
            let past = (offset + count) % SimulatedFile.sector
            if count - past + SimulatedFile.sector <= bytes.byteCount {
                count = max(0, count - past)
            }
            let half = bytes.extracting(0..<count)
            if half.byteCount > 0 { file.write(half, at: offset) }
            throw DiskError(operation: "write", path: path, code: disk.isOff ? EIO : ENOSPC)
        }
        file.write(bytes, at: offset)
    }

    func writeThrough(
        _ first: RawSpan, _ second: RawSpan, at offset: Int
    ) throws(DiskError) {
        if !first.isEmpty { try write(first, at: offset) }
        if !second.isEmpty { try write(second, at: offset + first.byteCount) }
        try sync(only: offset..<offset + first.byteCount + second.byteCount)
    }

    func writeBack(_ bytes: MappedBytes, _ range: Range<Int>) throws(DiskError) {
        do throws(DiskError) {
            // Fails as a sync does, and whoever takes it for less loses what was in the range.
            if try disk.step("sync", path) {
                file.writeBackSome(&disk.numbers, percent: 50, of: range)
                throw off("write back")
            }
        } catch {
            if !disk.isOff { file.failSync(&disk.numbers, of: range) }
            throw error
        }
        file.writeBackSome(&disk.numbers, percent: 90, of: range)
    }

    func sync() throws(DiskError) { try sync(only: nil) }

    /// Whole pages, as the kernel writes them, and the length that the file was given: the kernel
    /// has one for all of a file.
    func sync(_ bytes: MappedBytes, _ range: Range<Int>) throws(DiskError) {
        let block = SimulatedFile.block
        let end = (range.upperBound + block - 1) / block * block
        try sync(only: range.lowerBound / block * block..<end)
        if !DiskMutant.skipsSync(of: path) { file.syncLength() }
    }

    private func sync(only range: Range<Int>?) throws(DiskError) {
        if DiskMutant.skipsSync(of: path) { return }
        do throws(DiskError) {
            if try disk.step("sync", path) {
                file.writeBackSome(&disk.numbers, percent: 50)
                throw off("sync")
            }
        } catch {
            if !disk.isOff { file.failSync(&disk.numbers, of: range) }
            if DiskMutant.swallowsFailedSync.isPlanted, !disk.isOff { return }
            throw error
        }
        if let range { file.sync(range) } else { file.sync() }
    }

    func lockFirstByte() throws(DiskError) -> Bool {
        if try disk.step("lock", path) { throw off("lock") }
        if file.isLocked, !DiskMutant.grantsEveryLock.isPlanted { return false }
        file.isLocked = true
        holdsLock.store(true, ordering: .relaxed)
        return true
    }

    func unlockFirstByte() {
        // A lock belongs to the open file, not to the process.
        if holdsLock.exchange(false, ordering: .relaxed) { file.isLocked = false }
    }

    func isFirstByteLocked() throws(DiskError) -> Bool { file.isLocked }

    func close() {}
}
