// Reads a queue: entry, filter, record, and the record held against its entry.

import ApusFormat
import ApusSystem
import Synchronization

/// One read of a queue.
struct QueueReader {
    let log: CommitLog
    let queue: ConsumeQueue

    func read(
        from offset: Int64, count: Int, byteCount: Int, filter: TagFilter, scanLimit: Int
    ) throws(StoreError) -> MessageBatch {
        let low = try queue.minimumOffset(logStart: log.start.load(ordering: .acquiring))
        let high = max(low, try log.readableEnd(of: queue))
        guard offset >= low, offset <= high else {
            throw .offsetOutOfRange(requested: offset, minimum: low, maximum: high)
        }
        var batch = MessageBatch(nextOffset: offset, offsets: low..<high, count: count)
        let last = min(high, offset + Int64(scanLimit))
        let stretch = ReadStretch(log: log, byteCount: byteCount)
        while batch.nextOffset < last, batch.count < count {
            try stretch.read(
                queue, of: log, into: &batch, upTo: last, count: count, filter: filter)
            guard batch.nextOffset < last, batch.count < count else { break }
            guard let unit = try queue.unit(at: batch.nextOffset) else {
                if batch.nextOffset == offset { try checkIsKept(offset, maximum: high) }
                break
            }
            if unit.isFiller || !filter.mayMatch(unit.tagsCode) {
                batch.nextOffset += 1
                continue
            }
            if !batch.isEmpty, batch.byteCount + Int(max(0, unit.size)) > byteCount { break }
            let lease: RecordLease?
            do throws(StoreError) {
                lease = try record(of: unit, at: batch.nextOffset)
            } catch {
                // What was found before the damage is served first.
                if batch.isEmpty { throw error }
                break
            }
            if let lease, lease.withRecord({ filter.matches($0) }) { batch.append(lease) }
            batch.nextOffset += 1
        }
        return consume batch
    }

    /// Fails when an offset was deleted since its queue's minimum was looked at: a batch without
    /// messages would say that the queue ends there.
    private func checkIsKept(_ offset: Int64, maximum: Int64) throws(StoreError) {
        let low = try queue.minimumOffset(logStart: log.start.load(ordering: .acquiring))
        guard offset < low else { return }
        throw .offsetOutOfRange(requested: offset, minimum: low, maximum: max(low, maximum))
    }

    /// The record of an entry; nil when it was deleted meanwhile.
    private func record(of unit: ConsumeQueueUnit, at offset: Int64) throws(StoreError)
        -> RecordLease?
    {
        if let lease = try? log.record(at: unit.physicalOffset), matches(lease, unit, offset) {
            return lease
        }
        let start = log.start.load(ordering: .acquiring)
        if try offset < queue.minimumOffset(logStart: start) { return nil }
        // The record itself may be damaged; else the entry is wrong, and the log knows the right
        // one.
        if unit.physicalOffset >= start, try log.confirms(unit, at: offset, of: queue) {
            return try log.record(at: unit.physicalOffset)
        }
        try log.rebuildOnce(queue)
        if let mended = try queue.unit(at: offset), mended.physicalOffset >= start, !mended.isFiller
        {
            // Fails with what is wrong with the record, where something is.
            let lease = try log.record(at: mended.physicalOffset)
            if matches(lease, mended, offset) { return lease }
        }
        throw .damagedQueue(topic: queue.topic.name, queueID: queue.queueID, queueOffset: offset)
    }

    private func matches(
        _ lease: RecordLease, _ unit: ConsumeQueueUnit, _ offset: Int64
    ) -> Bool {
        lease.withRecord { queue.isEntry(unit, of: $0, at: offset) }
    }
}

extension ConsumeQueue {
    /// Whether an entry is that of a record.
    func isEntry(_ unit: ConsumeQueueUnit, of record: RecordView, at offset: Int64) -> Bool {
        isEntry(unit, of: record.frame, in: record.bytes, at: 0, offset: offset)
    }

    /// The same for a record of `frame` at `position` in `bytes`.
    @inline(__always)
    func isEntry(
        _ unit: ConsumeQueueUnit, of frame: RecordFrame, in bytes: RawSpan, at position: Int,
        offset: Int64
    ) -> Bool {
        frame.totalSize == Int(unit.size)
            && RecordLayout.queueOffset.load(from: bytes, at: position) == offset
            && RecordLayout.queueID.load(from: bytes, at: position) == queueID
            && topic.isNamed(frame.topic(in: bytes, at: position))
    }
}

extension CommitLog {
    /// Writes the entries of a queue anew from the records in the log, where they differ. Once for
    /// each opening: what that does not mend, the log does not hold.
    func rebuildOnce(_ queue: ConsumeQueue) throws(StoreError) {
        // Who comes second waits for what the first finds.
        try queue.wasRebuilt.withLock { wasRebuilt throws(StoreError) in
            if wasRebuilt { return }
            try rebuild(queue)
            wasRebuilt = true
        }
    }

    private func rebuild(_ queue: ConsumeQueue) throws(StoreError) {
        var isChanged = false
        try scan(start.load(ordering: .acquiring)..<published, checks: .position) {
            (record) throws(StoreError) in
            let offset = record.queueOffset
            guard offset >= 0, offset < queue.published.load(ordering: .acquiring),
                record.isEntered(in: queue)
            else { return }
            let unit = queue.unit(for: record)
            guard try queue.unit(at: offset) != unit else { return }
            try queue.overwrite(unit, at: offset)
            isChanged = true
        }
        guard isChanged else { return }
        dirtyQueues.add(queue)
        observer?.storeDid(.queueRebuilt(topic: queue.topic.name, queueID: queue.queueID))
    }
}
