// Brings the ConsumeQueues into agreement with the log. They are derived data: the log decides.

import ApusFormat
import ApusSystem
import Synchronization

/// Sets a queue's end when it is first looked up.
final class QueueLoader: Sendable {
    private let log: CommitLog
    /// Entries of records at or behind this are made anew by the scan that follows.
    private let trustedEnd = Atomic<Int64>(.max)

    init(log: CommitLog) { self.log = log }

    func trust(upTo end: Int64) { trustedEnd.store(end, ordering: .relaxed) }

    func load(_ queue: ConsumeQueue) throws(StoreError) {
        let hasDirectory = try queue.listFiles()
        let trusted = trustedEnd.load(ordering: .relaxed)
        let log = log
        let end = try queue.end(
            isKept: { $0.isFiller || $0.isWritten && $0.physicalOffset < trusted },
            isConfirmed: { (unit, offset) throws(StoreError) in
                log.confirms(unit, at: offset, of: queue)
            })
        queue.start(at: end)
        // Recovery goes through the log itself. Else nothing stands behind the end, unless the last
        // entries are wrong or one in the middle misled the search: they are made again here.
        guard trusted == .max, hasDirectory else { return }
        let written = try queue.writtenEnd(from: end)
        if written > end || !queue.hasFiles { try log.restoreEnd(of: queue) }
    }
}

extension CommitLog {
    /// Whether a queue offset can be one: far from where arithmetic on it would overflow.
    static func isPlausible(queueOffset: Int64) -> Bool {
        queueOffset >= 0 && queueOffset < 1 << 56
    }

    /// Makes the entries at the end of a queue again from all records of it in the log.
    func restoreEnd(of queue: ConsumeQueue) throws(StoreError) {
        let first = queue.nextOffset
        try scan(start.load(ordering: .acquiring)..<published, checks: .position) {
            (record) throws(StoreError) in
            guard record.queueID == queue.queueID, record.systemFlag.isDispatched,
                record.queueOffset >= first, Self.isPlausible(queueOffset: record.queueOffset),
                queue.topic.isNamed(record.topic)
            else { return }
            _ = try restore(queue.unit(for: record), at: record.queueOffset, of: queue)
        }
        try queue.clearBehindEnd()
        observer?.storeDid(.queueRebuilt(topic: queue.topic.name, queueID: queue.queueID))
    }

    /// Whether an entry is that of its record. A record that was deleted confirms anything.
    func confirms(_ unit: ConsumeQueueUnit, at offset: Int64, of queue: ConsumeQueue) -> Bool {
        if unit.physicalOffset < start.load(ordering: .relaxed) { return true }
        guard let segment = segments.segment(containing: unit.physicalOffset),
            let lease = try? record(at: unit.physicalOffset, in: segment, checks: .position)
        else { return false }
        return lease.withRecord { record in
            record.frame.totalSize == Int(unit.size) && record.queueID == queue.queueID
                && record.queueOffset == offset
                && queue.topic.isNamed(record.topic)
        }
    }
}

/// Dispatches records to queues anew.
final class QueueRecovery {
    private let log: CommitLog
    private let table: ConsumeQueueTable
    /// Whether entries that are missing before a record's are filled: their records are not in the
    /// log. False while there is log before the scan, which may hold them.
    private let fills: Bool
    /// The queue of the last record: the next one is often the same.
    private var last: ConsumeQueue?
    private var batchTopics: [String: Bool] = [:]
    /// Queues whose entries were not what the log says.
    private(set) var rebuilt = Set<QueueName>()

    init(log: CommitLog, table: ConsumeQueueTable, fills: Bool) {
        self.log = log
        self.table = table
        self.fills = fills
    }

    /// Writes the entry of a record, unless it is there. Fails with `.damagedQueue` when entries
    /// before it are missing that may have to be made from log before the scan.
    func dispatch(_ record: RecordView) throws(StoreError) {
        let flag = record.systemFlag
        guard flag.isDispatched, !flag.contains(.innerBatch), record.queueID >= 0,
            CommitLog.isPlausible(queueOffset: record.queueOffset),
            let queue = try queue(of: record)
        else { return }
        if !fills, record.queueOffset > queue.nextOffset {
            throw .damagedQueue(
                topic: queue.topic.name, queueID: queue.queueID, queueOffset: queue.nextOffset)
        }
        let unit = queue.unit(for: record)
        if try log.restore(unit, at: record.queueOffset, of: queue) { rebuilt.insert(queue.name) }
    }

    private func queue(of record: RecordView) throws(StoreError) -> ConsumeQueue? {
        if let last, last.queueID == record.queueID, last.topic.isNamed(record.topic) {
            return last
        }
        let topic = String(decodingUTF8: record.topic)
        do throws(StoreError) { try StoreDirectory.validate(topic: topic) } catch { return nil }
        if batchTopics[topic] == nil { batchTopics[topic] = try table.isBatchTopic(topic) }
        if batchTopics[topic] == true { return nil }
        let queue = try table.queue(topic: topic, id: record.queueID)
        last = queue
        return queue
    }
}

extension CommitLog {
    /// Writes an entry that the log says is the right one, unless it is there; true when it was
    /// not.
    func restore(
        _ unit: ConsumeQueueUnit, at offset: Int64, of queue: ConsumeQueue
    ) throws(StoreError) -> Bool {
        if offset <= queue.nextOffset, try queue.unit(at: offset) == unit {
            advance(queue, past: offset)
            return false
        }
        if offset < queue.nextOffset {
            try queue.overwrite(unit, at: offset)
            dirtyQueues.add(queue)
            return true
        }
        let gap = offset - queue.nextOffset
        if gap > 0, queue.hasFiles {
            guard gap <= queue.entriesPerFile * 4 else {
                throw .damagedQueue(
                    topic: queue.topic.name, queueID: queue.queueID, queueOffset: offset)
            }
            for missing in queue.nextOffset..<offset {
                try put(.filler, at: missing, of: queue)
                advance(queue, past: missing)
            }
        } else if gap > 0 {
            queue.start(at: offset)
        }
        try put(unit, at: offset, of: queue)
        advance(queue, past: offset)
        return true
    }

    private func put(
        _ unit: ConsumeQueueUnit, at offset: Int64, of queue: ConsumeQueue
    ) throws(StoreError) {
        if !queue.current.contains(offset) || offset >= queue.preparedEnd {
            try prepare(queue, count: 1, nextOffset: offset)
        }
        queue.current.store(unit, at: offset)
    }

    /// The entry at `offset` is right; the queue goes at least as far.
    private func advance(_ queue: ConsumeQueue, past offset: Int64) {
        guard offset >= queue.nextOffset else { return }
        queue.nextOffset = offset + 1
        queue.published.store(offset + 1, ordering: .releasing)
        let epoch = dirtyQueues.epoch.load(ordering: .relaxed)
        if queue.dirtyEpoch.load(ordering: .relaxed) != epoch { dirtyQueues.add(queue) }
    }
}
