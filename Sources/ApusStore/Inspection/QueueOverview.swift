// What there is to say of one queue: from the log's records where it was scanned, else from its
// files.

import ApusFormat
import ApusSystem

/// One queue at a glance.
package final class QueueOverview {
    package let topic: String
    package let queueID: Int32
    /// A BatchConsumeQueue.
    package private(set) var isBatch = false
    package private(set) var hasFiles = false
    /// Bytes of its files, and what they take on the device.
    package private(set) var fileByteCount: Int64 = 0
    package private(set) var allocatedByteCount: Int64 = 0
    /// The queue offset of the first message kept, and the one behind the last; nil for none.
    package private(set) var minimum: Int64?
    package private(set) var maximum: Int64?

    // Of the records that were scanned.
    package private(set) var records: Int64 = 0
    package private(set) var messages: Int64 = 0
    package private(set) var recordByteCount: Int64 = 0
    package private(set) var firstStored: Int64?
    package private(set) var lastStored: Int64?

    package init(topic: String, queueID: Int32) {
        self.topic = topic
        self.queueID = queueID
    }

    /// Counts a record of the queue.
    func add(_ record: borrowing LogRecord) {
        let count = record.messageCount
        let time = record.storeTimestamp
        records += 1
        messages += count
        recordByteCount += Int64(record.frame.totalSize)
        firstStored = min(firstStored ?? time, time)
        lastStored = max(lastStored ?? time, time)
        guard record.frame.systemFlag.isDispatched, record.queueOffset >= 0 else { return }
        minimum = min(minimum ?? record.queueOffset, record.queueOffset)
        maximum = max(maximum ?? 0, record.queueOffset &+ count)
    }

    /// Takes in what the queue's files say: their room, and the offsets if no record told them.
    func add(_ disk: any Disk, _ folder: FoundQueue, isBatch: Bool, logStart: Int64) {
        hasFiles = true
        self.isBatch = isBatch
        fileByteCount += folder.files.reduce(0) { $0 + Int64($1.byteCount) }
        allocatedByteCount += Int64(folder.allocatedByteCount)
        guard minimum == nil else { return }
        let range = try? QueueRange.find(disk, folder, isBatch: isBatch, logStart: logStart)
        guard let range = range ?? nil else { return }
        minimum = range.lowerBound
        maximum = range.upperBound
    }
}

/// Which messages a queue's files have entries for, by halving: a file is read in a few places.
enum QueueRange {
    /// The queue offsets of the first entry that points at or behind `logStart` and behind the last
    /// entry; nil when nothing is written.
    static func find(
        _ disk: any Disk, _ folder: FoundQueue, isBatch: Bool, logStart: Int64
    ) throws(DiskError) -> Range<Int64>? {
        let unitByteCount =
            isBatch ? BatchConsumeQueueUnit.byteCount : ConsumeQueueUnit.byteCount
        let units = UnitFiles(
            disk, folder, unitByteCount: unitByteCount, windowByteCount: unitByteCount)
        defer { units.close() }
        guard let first = folder.files.first, let last = folder.files.last else { return nil }
        let all = units.firstUnit(of: first)..<units.endUnit(of: last)
        let end = try partition(all) { (number) throws(DiskError) in
            try offset(units, number, isBatch) == nil
        }
        let start = try partition(all.lowerBound..<end) { (number) throws(DiskError) in
            try offset(units, number, isBatch) ?? -1 >= logStart
        }
        guard end > all.lowerBound else { return nil }
        guard isBatch else { return start..<end }
        let least = try batch(units, min(start, end - 1))
        let most = try batch(units, end - 1)
        guard let least, let most else { return nil }
        let behind = most.firstQueueOffset &+ Int64(most.messageCount)
        let from = start < end ? least.firstQueueOffset : behind
        return from <= behind ? from..<behind : nil
    }

    /// The first number for which the condition holds, if it holds for all behind it.
    private static func partition(
        _ range: Range<Int64>, _ holds: (Int64) throws(DiskError) -> Bool
    ) throws(DiskError) -> Int64 {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = low + (high - low) / 2
            if try holds(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Where an entry points; nil when it is not written, -1 for the filler before the first.
    private static func offset(
        _ units: UnitFiles, _ number: Int64, _ isBatch: Bool
    ) throws(DiskError) -> Int64? {
        if isBatch { return try batch(units, number)?.physicalOffset }
        let unit = try units.withUnit(number) { ConsumeQueueUnit(loadingFrom: $0, at: 0) }
        guard let unit, unit.isWritten else { return nil }
        return unit.isFiller ? -1 : unit.physicalOffset
    }

    private static func batch(
        _ units: UnitFiles, _ number: Int64
    ) throws(DiskError) -> BatchConsumeQueueUnit? {
        let unit = try units.withUnit(number) { BatchConsumeQueueUnit(loadingFrom: $0, at: 0) }
        guard let unit, unit.isWritten else { return nil }
        return unit
    }
}
