// Reading records by physical offset: bounds, checks, lease.

import ApusFormat
import ApusSystem
import Synchronization

extension CommitLog {
    /// The checks that a read makes.
    var readChecks: RecordChecks {
        guard configuration.integrity.checksOnRead else { return .position }
        return configuration.integrity.requiresRecordChecksum
            ? [.all, .recordChecksumRequired] : .all
    }

    /// The record at a physical offset, checked, and kept mapped by the lease.
    package func record(at physicalOffset: Int64) throws(StoreError) -> RecordLease {
        let end = readable
        guard physicalOffset >= start.load(ordering: .acquiring), physicalOffset < end,
            let segment = segments.segment(containing: physicalOffset)
        else {
            // Again: the start moves before a segment goes, so it says why one is not there.
            throw .physicalOffsetOutOfRange(
                requested: physicalOffset, minimum: start.load(ordering: .acquiring), maximum: end)
        }
        let lease = try record(at: physicalOffset, in: segment, checks: readChecks)
        // What is known to be damaged is not served, though the checks that would find it be off.
        if hasDamage.load(ordering: .acquiring),
            let reason = knownDamage(at: physicalOffset)?.reason
        {
            throw .damagedRecord(physicalOffset: physicalOffset, damage: reason)
        }
        return lease
    }

    /// The damaged stretch that holds an offset.
    func knownDamage(at physicalOffset: Int64) -> DamagedRange? {
        damaged.withLock { all in
            all.first { physicalOffset >= $0.start && physicalOffset < $0.end }
        }
    }

    /// Adds a stretch that is never served from now on.
    func noteDamage(_ range: DamagedRange) {
        damaged.withLock { $0.append(range) }
        hasDamage.store(true, ordering: .releasing)
    }

    /// The same in a segment that the caller holds.
    func record(
        at physicalOffset: Int64, in segment: Segment, checks: RecordChecks
    ) throws(StoreError) -> RecordLease {
        if segment.mappingGuard != nil {
            return try guardedRecord(at: physicalOffset, in: segment, checks: checks)
        }
        let position = segment.position(of: physicalOffset)
        let outcome = RecordInspection.inspect(
            segment.bytes.bytes, at: position, physicalOffset: physicalOffset, checks: checks)
        return try lease(outcome, at: position, in: segment)
    }

    @inline(never)
    private func guardedRecord(
        at physicalOffset: Int64, in segment: Segment, checks: RecordChecks
    ) throws(StoreError) -> RecordLease {
        try segment.mappingGuard.check()
        let position = segment.position(of: physicalOffset)
        let outcome = RecordInspection.inspect(
            segment.bytes.bytes, at: position, physicalOffset: physicalOffset, checks: checks)
        try segment.checkMapping(of: outcome, at: position)
        return try lease(outcome, at: position, in: segment)
    }

    @inline(__always)
    private func lease(
        _ outcome: RecordOutcome, at position: Int, in segment: Segment
    ) throws(StoreError) -> RecordLease {
        let physicalOffset = segment.base + Int64(position)
        switch outcome {
        case .record(let frame):
            return RecordLease(segment: segment, position: position, frame: frame)
        case .damaged(let damage):
            throw .damagedRecord(physicalOffset: physicalOffset, damage: damage)
        case .padding, .end:
            throw .noRecord(physicalOffset: physicalOffset)
        }
    }

    /// Visits what was published in `range`, record by record, over what is damaged.
    func scan(
        _ range: Range<Int64>, checks: RecordChecks,
        visit: (RecordView) throws(StoreError) -> Void
    ) throws(StoreError) {
        try writeOut(upTo: range.upperBound)
        var offset = max(range.lowerBound, start.load(ordering: .acquiring))
        while offset < range.upperBound {
            guard let segment = segments.segment(containing: offset) else { return }
            let limit = min(segment.end, range.upperBound)
            switch try RecordScanner.scan(
                segment, from: offset, to: limit, checks: checks, visit: visit)
            {
            case .limit: return
            case .segmentEnd: offset = segment.end
            case .zeros(let at), .damaged(let at, _):
                offset =
                    RecordScanner.resynchronise(segment, from: at + 1, to: limit, checks: .all)
                    ?? limit
            }
        }
    }

    /// Brings what was published up to `end` to where the mappings show it.
    func writeOut(upTo end: Int64) throws(StoreError) {
        do throws(DiskError) {
            try writer?.write(upTo: min(end, published))
        } catch {
            poison(error)
            throw .poisoned(cause: error)
        }
    }

    /// The end of what a reader may see of a queue. Fails when entries that decide cannot be read:
    /// an end that is too low would send a consumer back.
    func readableEnd(of queue: ConsumeQueue) throws(StoreError) -> Int64 {
        let end = publishedEnd(of: queue)
        guard readersWait, end > 0, !Mutant.showsUnflushed.isPlanted else { return end }
        let limit = readable
        // Few entries are ahead of the sync: look at the last ones first.
        var low = end
        var step: Int64 = 1
        while low > 0, try isBeyond(limit, queue, low - 1) {
            low = max(0, low - step)
            step *= 2
        }
        guard low < end else { return end }
        return try queue.partition(low..<end) { !isBeyond(limit, $0) }
    }

    private func isBeyond(
        _ limit: Int64, _ queue: ConsumeQueue, _ offset: Int64
    ) throws(StoreError) -> Bool {
        guard let unit = try queue.unit(at: offset) else { return false }
        return isBeyond(limit, unit)
    }

    /// Whether an entry's record ends behind `limit`. One that lies behind all of the log is wrong,
    /// not new.
    private func isBeyond(_ limit: Int64, _ unit: ConsumeQueueUnit) -> Bool {
        !unit.isFiller && unit.physicalOffset > limit - Int64(unit.size)
            && unit.physicalOffset < segments.last?.end ?? .max
    }
}
