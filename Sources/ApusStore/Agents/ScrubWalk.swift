// One step of the scrubber over one segment, which it holds.

import ApusFormat
import ApusSystem

/// A walk over records that ends with what one read of the file brought.
struct ScrubWalk {
    let log: CommitLog
    let segment: Segment
    let path: String
    /// Where the next record begins.
    var offset: Int64
    /// Where the pass ends, which is the end of a record.
    let target: Int64
    private(set) var events: [StoreEvent] = []
    private(set) var readByteCount = 0

    init(log: CommitLog, segment: Segment, path: String, offset: Int64, target: Int64) {
        self.log = log
        self.segment = segment
        self.path = path
        self.offset = offset
        self.target = target
    }

    private var limit: Int64 { min(segment.end, target) }

    mutating func run(windowByteCount: Int) {
        do throws(DiskError) {
            try walk(windowByteCount: windowByteCount)
        } catch {
            // What of the window can be read is checked all the same, up to the bad page.
            do throws(DiskError) {
                try walk(windowByteCount: 4096)
            } catch {
                skip(windowByteCount, error)
            }
        }
    }

    /// Fails when the file ends before what is to be read of it: what is missing was not read.
    private func checkLength() throws(DiskError) {
        let found = try segment.file.byteCount()
        guard found < segment.position(of: limit) else { return }
        throw DiskError(
            operation: "read behind byte \(found), where it ends now, of", path: path, code: 61)
    }

    private mutating func walk(windowByteCount: Int) throws(DiskError) {
        let reader = SegmentReader(segment, path: path, windowByteCount: windowByteCount)
        defer { readByteCount += reader.readByteCount }
        var isFirst = true
        while offset < limit {
            if let known = log.knownDamage(at: offset) {
                offset = min(max(known.end, offset + 1), limit)
                continue
            }
            let position = segment.position(of: offset)
            if !isFirst, try !reader.holdsRecord(at: position) { return }
            isFirst = false
            switch try reader.inspect(at: position, checks: checks) {
            case .record(let frame): offset += Int64(frame.totalSize)
            case .padding: offset = segment.end
            case .end:
                if segment.end - offset < Int64(BlankMarker.byteCount) {
                    offset = segment.end
                } else {
                    try note(nil, reader)
                }
            case .damaged(let reason): try note(reason, reader)
            }
        }
    }

    private var checks: RecordChecks {
        log.configuration.integrity.requiresRecordChecksum
            ? [.all, .recordChecksumRequired] : .all
    }

    /// Damage from here to the next record that is whole.
    private mutating func note(
        _ reason: RecordDamage?, _ reader: SegmentReader
    ) throws(DiskError) {
        try checkLength()
        let next = try reader.nextValid(from: segment.position(of: offset) + 1) { _ in }.position
        let end = min(next.map { segment.base + Int64($0) } ?? limit, limit)
        let range = DamagedRange(start: offset, end: end, reason: reason, validRecordsBehind: 0)
        log.noteDamage(range)
        events.append(.scrubFound(range, path: path, cause: nil))
        offset = end
    }

    /// A stretch that cannot be read: nothing is known of it. The walk goes on behind it.
    private mutating func skip(_ byteCount: Int, _ error: DiskError) {
        let from = min(limit, offset + Int64(byteCount))
        var next = segment.position(of: from)
        let reader = SegmentReader(segment, path: path, windowByteCount: byteCount)
        do throws(DiskError) {
            let found = try reader.nextValid(from: next) { _ in }.position
            next = found ?? segment.position(of: limit)
        } catch {
            // There is more of it: to the end of the segment, so that the pass has an end.
            next = segment.position(of: limit)
        }
        readByteCount += reader.readByteCount
        let end = min(limit, segment.base + Int64(next))
        let range = DamagedRange(start: offset, end: end, reason: nil, validRecordsBehind: 0)
        events.append(.scrubFound(range, path: path, cause: error))
        offset = end
    }
}
