// One IndexFile: a hash table from keys to places in the log, mapped whole.
//
// Written by the indexer alone, under the index's lock. Like RocketMQ's, the file has its whole
// length from the start; the slots get room when it is made, the entries a step ahead of use. The
// header is kept here and stored into the mapping after each round of work.

import ApusFormat
import ApusSystem

/// A mapped IndexFile.
final class IndexFile: @unchecked Sendable {
    // Sendable: everything mutable is touched under the index's lock.
    let name: Int64
    let file: any DiskFile
    private let bytes: MappedBytes
    private let mappingGuard: MappingGuard?
    private let slotCount: Int32
    private let entryCapacity: Int32
    private(set) var header: IndexHeader
    /// Entries below this have room on the device.
    private var preparedEnd: Int32

    /// Entries that get room at a time.
    private static let step: Int32 = 13_107  // 256 KiB

    /// The settings that decide how long a file is.
    static let lengthKey = "maxHashSlotNum, maxIndexNum"

    init(
        _ disk: any Disk, path: String, name: Int64, settings: IndexSettings, creates: Bool
    ) throws(StoreError) {
        self.name = name
        slotCount = settings.slotCount
        entryCapacity = settings.entryCapacity
        let length = IndexLayout.byteCount(slotCount: slotCount, entryCapacity: entryCapacity)
        let found: Int
        do throws(DiskError) {
            file = try disk.open(path, creates ? .createEmpty : .readWrite)
            do throws(DiskError) {
                if creates { try file.truncate(to: length) }
                found = try file.byteCount()
                // Header and slots are stored into: a Java broker's file may have holes there.
                if found == length {
                    try file.allocate(from: 0, count: IndexLayout.slotOffset(settings.slotCount))
                }
                if creates { try disk.syncDirectory(SystemDisk.parent(of: path)) }
            } catch {
                if creates { try? disk.unlink(path) }
                throw error
            }
        } catch {
            throw StoreError(error)
        }
        guard found == length else {
            throw .fileSizeDiffers(
                path: path, found: found, configured: length, key: Self.lengthKey)
        }
        do throws(DiskError) {
            bytes = try file.map(count: length, writable: true)
        } catch {
            if creates { try? disk.unlink(path) }
            throw StoreError(error)
        }
        mappingGuard = file.mappingGuard
        header = IndexHeader(loadingFrom: bytes.bytes)
        if creates { header = IndexHeader() }
        header.nextEntry = min(max(header.nextEntry, 1), entryCapacity)
        header.beginTimestamp = Self.bounded(header.beginTimestamp)
        header.endTimestamp = Self.bounded(header.endTimestamp)
        preparedEnd = header.nextEntry
        try mappingGuard.check()
    }

    deinit {
        file.unmap(bytes)
        file.close()
    }

    /// A time that no sum in here overflows, whatever a header or a record says.
    private static func bounded(_ timestamp: Int64) -> Int64 { min(max(timestamp, 0), 1 << 60) }

    var isFull: Bool { header.nextEntry >= entryCapacity }

    private func slot(of hash: Int32) -> Int { IndexLayout.slotOffset(hash % slotCount) }

    private func entryOffset(_ number: Int32) -> Int {
        IndexLayout.entryOffset(number, slotCount: slotCount)
    }

    /// Adds a key of the record at `physicalOffset`. The file must not be full.
    func put(hash: Int32, physicalOffset: Int64, timestamp: Int64) throws(StoreError) {
        let number = header.nextEntry
        let timestamp = Self.bounded(timestamp)
        if number >= preparedEnd { try prepare(from: number) }
        let slot = slot(of: hash)
        var previous = bytes.bytes.loadBigEndian(Int32.self, at: slot)
        if previous <= 0 || previous >= number { previous = 0 }
        if header.nextEntry <= 1 {
            header.beginTimestamp = timestamp
            header.beginPhysicalOffset = physicalOffset
        }
        let seconds = max(0, (timestamp &- header.beginTimestamp) / 1000)
        let entry = IndexEntry(
            hash: hash, physicalOffset: physicalOffset,
            seconds: Int32(clamping: seconds), previous: previous)
        var target = bytes.mutableBytes
        entry.store(into: &target, at: entryOffset(number))
        target.storeBigEndian(number, at: slot)
        if previous == 0 { header.slotsInUse &+= 1 }
        header.nextEntry = number + 1
        header.endTimestamp = timestamp
        header.endPhysicalOffset = physicalOffset
    }

    private func prepare(from number: Int32) throws(StoreError) {
        let end = entryCapacity - number > Self.step ? number + Self.step : entryCapacity
        let start = entryOffset(number)
        do throws(DiskError) {
            try file.allocate(from: start, count: entryOffset(end) - start)
        } catch {
            throw StoreError(error)
        }
        preparedEnd = end
    }

    /// Stores the header where readers and RocketMQ look for it.
    func storeHeader() {
        var target = bytes.mutableBytes
        header.store(into: &target)
    }

    /// Visits the places of records that may have the key, newest first, until `visit` says false.
    /// Chains of a damaged file end at the first number that does not go down.
    func candidates(
        hash: Int32, between times: ClosedRange<Int64>, visit: (Int64) throws(StoreError) -> Bool
    ) throws(StoreError) {
        let span = bytes.bytes
        try mappingGuard.check()
        var number = span.loadBigEndian(Int32.self, at: slot(of: hash))
        var bound = header.nextEntry
        try mappingGuard.check()
        while number > 0, number < bound {
            let entry = IndexEntry(loadingFrom: span, at: entryOffset(number))
            try mappingGuard.check()
            // The first entry's seconds may count from the file before, and the most that fit stand
            // for all that are more: the record decides.
            let begin = header.beginTimestamp &+ Int64(max(0, entry.seconds)) &* 1000
            let isInTime =
                number == 1
                || begin <= times.upperBound
                    && (begin &+ 999 >= times.lowerBound || entry.seconds == .max)
            if entry.hash == hash, isInTime, try !visit(entry.physicalOffset) { return }
            bound = number
            number = entry.previous
        }
    }

    /// Makes the file one of `count` entries again, all of them known to be whole: slots and chains
    /// are made anew from the hashes. Whatever a crash left behind them is zeroed.
    /// `timestamp` answers when the record at an offset was stored; entries count in seconds only.
    func rechain(
        nextEntry wanted: Int32, header known: IndexHeader, timestamp: (Int64) -> Int64?
    ) throws(StoreError) {
        // A number from a file.
        let count = min(wanted, entryCapacity)
        if Mutant.leavesIndexUnchained.isPlanted { return }
        try clear(from: max(count, 1))
        var target = bytes.mutableBytes
        for slot in 0..<slotCount {
            target.storeBigEndian(Int32(0), at: IndexLayout.slotOffset(slot))
        }
        var used: Int32 = 0
        for number in 1..<max(count, 1) {
            let offset = entryOffset(number)
            var entry = IndexEntry(loadingFrom: bytes.bytes, at: offset)
            let slot = slot(of: max(0, entry.hash))
            entry.previous = bytes.bytes.loadBigEndian(Int32.self, at: slot)
            if entry.previous == 0 { used += 1 }
            entry.store(into: &target, at: offset)
            target.storeBigEndian(number, at: slot)
        }
        header = known
        header.nextEntry = max(count, 1)
        header.slotsInUse = used
        if count > 1 {
            let last = IndexEntry(loadingFrom: bytes.bytes, at: entryOffset(count - 1))
            header.endPhysicalOffset = last.physicalOffset
            header.endTimestamp = Self.bounded(
                timestamp(last.physicalOffset)
                    ?? header.beginTimestamp &+ Int64(max(0, last.seconds)) * 1000)
        }
        preparedEnd = header.nextEntry
        storeHeader()
        // All of it was stored to; a disk that sees no stores is told.
        file.dirty(bytes, 0..<entryOffset(header.nextEntry))
    }

    /// Zeroes what stands from an entry on. Entries of records that a power cut took may fit the
    /// chains, and would be taken for some that the header does not count yet.
    private func clear(from number: Int32) throws(StoreError) {
        var position = entryOffset(number)
        do throws(DiskError) {
            // Where nothing was written, nothing is: the rest of a file can be large.
            while let data = try file.nextData(from: position), data.lowerBound < bytes.count {
                position = max(position, data.lowerBound)
                let end = min(data.upperBound, bytes.count)
                while position < end {
                    let page = position..<min(end, (position | 4095) + 1)
                    if !bytes.bytes(in: page).isZero {
                        zero(page)
                        file.dirty(bytes, page)
                    }
                    position = page.upperBound
                }
            }
        } catch {
            throw StoreError(error)
        }
    }

    private func zero(_ range: Range<Int>) {
        bytes.withMutable(in: range) { span in
            for offset in 0..<span.byteCount { span.storeBigEndian(UInt8(0), at: offset) }
        }
    }

    func sync() throws(StoreError) {
        storeHeader()
        do throws(DiskError) { try file.sync() } catch { throw .poisoned(cause: error) }
    }
}
