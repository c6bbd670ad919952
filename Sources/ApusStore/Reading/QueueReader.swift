// Reads a queue: entry, filter, record, and the record held against its entry.

import ApusFormat
import ApusSystem
import Synchronization

/// One read of a queue.
struct QueueReader {
    let log: CommitLog
    let queue: ConsumeQueue

    /// Entries that one read looks at, at the most, to find those that match.
    private static let scanLimit = 16_000

    func read(
        from offset: Int64, count: Int, byteCount: Int, filter: TagFilter
    ) throws(StoreError) -> MessageBatch {
        let low = try queue.minimumOffset(logStart: log.start.load(ordering: .acquiring))
        let high = max(low, log.readableEnd(of: queue))
        guard offset >= low, offset <= high else {
            throw .offsetOutOfRange(requested: offset, minimum: low, maximum: high)
        }
        var batch = MessageBatch(nextOffset: offset, offsets: low..<high)
        let last = min(high, offset + Int64(Self.scanLimit))
        while batch.nextOffset < last, batch.count < count {
            guard let unit = try queue.unit(at: batch.nextOffset) else { break }
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
        return batch
    }

    /// The record of an entry; nil when it was deleted meanwhile.
    private func record(of unit: ConsumeQueueUnit, at offset: Int64) throws(StoreError)
        -> RecordLease?
    {
        if let lease = try? log.record(of: unit), matches(lease, unit, offset) { return lease }
        let start = log.start.load(ordering: .acquiring)
        if try offset < queue.minimumOffset(logStart: start) { return nil }
        // The record itself may be damaged; else the entry is wrong, and the log knows the right
        // one.
        if unit.physicalOffset >= start, log.confirms(unit, at: offset, of: queue) {
            return try log.record(of: unit)
        }
        if offset >= queue.fileLock.withLock({ queue.comparedEnd }) { try log.rebuild(queue) }
        guard let mended = try queue.unit(at: offset), !mended.isFiller else {
            throw .damagedQueue(
                topic: queue.topic.name, queueID: queue.queueID, queueOffset: offset)
        }
        // The log has no better record for the entry: when there is none, the damage is there.
        let lease = try log.record(of: mended)
        guard matches(lease, mended, offset) else {
            throw .damagedQueue(
                topic: queue.topic.name, queueID: queue.queueID, queueOffset: offset)
        }
        return lease
    }

    private func matches(
        _ lease: RecordLease, _ unit: ConsumeQueueUnit, _ offset: Int64
    ) -> Bool {
        lease.frame.totalSize == Int(unit.size)
            && lease.withRecord { record in
                record.queueOffset == offset && record.queueID == queue.queueID
                    && queue.topic.isNamed(record.topic)
            }
    }
}

extension CommitLog {
    /// The record of an entry that the caller may see. Its queue's mark moves a moment before that
    /// of the log, so the record may lie behind `readable` still.
    func record(of unit: ConsumeQueueUnit) throws(StoreError) -> RecordLease {
        guard let segment = segments.segment(containing: unit.physicalOffset) else {
            throw .noRecord(physicalOffset: unit.physicalOffset)
        }
        return try record(at: unit.physicalOffset, in: segment, checks: readChecks)
    }

    /// Writes the entries of a queue anew from the records in the log, where they differ. Reads all
    /// of the log: it is done once for an entry.
    func rebuild(_ queue: ConsumeQueue) throws(StoreError) {
        try rebuildLock.withLock { _ throws(StoreError) in
            if case .closed? = refusal.withLock({ $0 }) { throw .closed }
            let comparedEnd = queue.published.load(ordering: .acquiring)
            let end = published
            var isChanged = false
            try scan(start.load(ordering: .acquiring)..<end, checks: .position) {
                (record) throws(StoreError) in
                guard record.queueID == queue.queueID, record.systemFlag.isDispatched,
                    queue.topic.isNamed(record.topic)
                else { return }
                let properties = record.properties
                let unit = ConsumeQueueUnit(
                    physicalOffset: record.physicalOffset, size: Int32(record.frame.totalSize),
                    tagsCode: queue.tagsCode(
                        properties, PropertyScan(properties),
                        storeTimestamp: record.storeTimestamp))
                let offset = record.queueOffset
                guard offset >= 0, offset < queue.published.load(ordering: .acquiring),
                    try queue.unit(at: offset) != unit
                else { return }
                try queue.overwrite(unit, at: offset)
                isChanged = true
            }
            queue.fileLock.withLock { queue.comparedEnd = comparedEnd }
            guard isChanged else { return }
            dirtyQueues.add(queue)
            observer?.storeDid(.queueRebuilt(topic: queue.topic.name, queueID: queue.queueID))
        }
    }
}
