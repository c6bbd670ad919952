// Finds the end of the log, and what is damaged before it.
//
// Below the durable mark a bad record is damage: it is named and stepped over, never cut. Above it
// the log ends at the first bad record. Without a mark, valid records behind a bad one make the
// caller decide: nothing says which of them were acknowledged.

import ApusFormat
import ApusSystem

/// The scan of recovery.
struct LogEndScan {
    /// What the scan found.
    struct Result {
        /// Where the next record goes.
        var end: Int64
        /// Store timestamp of the last record seen; 0 for none.
        var lastTimestamp: Int64 = 0
        var damaged: [DamagedRange] = []
    }

    let segments: [Segment]
    let checks: RecordChecks
    /// The checks above the durable mark, where records may be unfinished.
    let tailChecks: RecordChecks
    /// Where a sync had reached; nil without a mark.
    let durable: Int64?
    let onUnmarkedDamage: RecoverySettings.Choice
    /// Where an earlier scan found the end; `.max` without one.
    var limit: Int64 = .max

    /// Visits each record from `start`, which is the beginning of one, to the end.
    func run(
        from start: Int64, visit: (RecordView) throws(StoreError) -> Void
    ) throws(StoreError) -> Result {
        var result = Result(end: start)
        var offset = start
        while offset < limit, let segment = segment(containing: offset) {
            let isTail = durable.map { offset >= $0 } ?? false
            let end = min(segment.end, limit, isTail ? .max : durable ?? .max)
            var reached = offset
            let stop = try RecordScanner.scan(
                segment, from: offset, to: end, checks: isTail ? tailChecks : checks
            ) { (record) throws(StoreError) in
                reached = record.physicalEnd
                result.lastTimestamp = max(result.lastTimestamp, record.storeTimestamp)
                try visit(record)
            }
            let bad: (at: Int64, reason: RecordDamage?)
            switch stop {
            case .limit:
                offset = reached
                continue
            case .segmentEnd:
                offset = segment.end
                continue
            case .zeros(let at): bad = (at, nil)
            case .damaged(let at, let damage): bad = (at, damage)
            }
            if let durable, bad.at < durable {
                let limit = min(segment.end, durable)
                offset =
                    RecordScanner.resynchronise(
                        segment, from: bad.at + 1, to: limit, checks: checks) ?? limit
                result.damaged.append(
                    DamagedRange(
                        start: bad.at, end: offset, reason: bad.reason, validRecordsBehind: 0))
                continue
            }
            offset = bad.at
            if durable == nil { try decide(bad.at, bad.reason, in: segment) }
            break
        }
        result.end = offset
        return result
    }

    private func segment(containing offset: Int64) -> Segment? {
        segments.first { $0.contains(offset) }
    }

    /// Without a mark: refuses a log with valid records behind its first bad one, unless told to
    /// cut.
    private func decide(
        _ bad: Int64, _ reason: RecordDamage?, in segment: Segment
    ) throws(StoreError) {
        guard onUnmarkedDamage == .refuse, let next = try nextValid(behind: bad) else { return }
        var count = 0
        for segment in segments where segment.end > next {
            _ = try RecordScanner.scan(
                segment, from: max(next, segment.base), to: segment.end, checks: checks
            ) { _ in count += 1 }
        }
        throw .damagedLog(
            DamagedRange(start: bad, end: next, reason: reason, validRecordsBehind: count))
    }

    private func nextValid(behind bad: Int64) throws(StoreError) -> Int64? {
        for segment in segments where segment.end > bad {
            do throws(DiskError) {
                var position = max(0, segment.position(of: bad + 1))
                while let data = try segment.file.nextData(from: position) {
                    let from = segment.base + Int64(max(position, data.lowerBound))
                    let to = segment.base + Int64(data.upperBound)
                    let found = RecordScanner.resynchronise(
                        segment, from: from, to: to, checks: checks)
                    if let found { return found }
                    position = data.upperBound
                }
            } catch {
                throw StoreError(error)
            }
        }
        return nil
    }
}
