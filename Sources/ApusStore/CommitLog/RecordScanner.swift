// Walks the records of one segment, front to back. Untrusted bytes: what stops it is a value.

package import ApusFormat
import ApusSystem

/// Why a walk over a segment ended.
package enum ScanStop: Hashable, Sendable {
    /// The limit was reached.
    case limit
    /// The segment ends here: a blank marker, or no room for one.
    case segmentEnd
    /// Zeros stand where a record would begin.
    case zeros(at: Int64)
    /// Something else stands there.
    case damaged(at: Int64, RecordDamage)
}

/// Walks over records.
package enum RecordScanner {
    /// Bytes ahead of a record whose lines are asked for.
    private static let prefetchDistance = 1536

    /// Visits the records from `start` up to `limit`, both physical offsets in `segment`.
    package static func scan(
        _ segment: Segment, from start: Int64, to limit: Int64, checks: RecordChecks,
        visit: (RecordView) throws(StoreError) -> Void
    ) throws(StoreError) -> ScanStop {
        var offset = start
        let bytes = segment.bytes
        while offset < limit {
            let position = segment.position(of: offset)
            let outcome = RecordInspection.inspect(
                bytes.bytes, at: position, physicalOffset: offset, checks: checks)
            try segment.checkMapping(of: outcome, at: position)
            switch outcome {
            case .record(let frame):
                // The processor itself looks ahead within a page only.
                bytes.prefetchForReading(
                    at: position + prefetchDistance, length: min(frame.totalSize, prefetchDistance))
                try visit(RecordView(bytes.bytes, at: position, frame: frame))
                offset += Int64(frame.totalSize)
            case .padding: return .segmentEnd
            case .end:
                if segment.end - offset < Int64(BlankMarker.byteCount) { return .segmentEnd }
                return .zeros(at: offset)
            case .damaged(let damage): return .damaged(at: offset, damage)
            }
        }
        return offset >= segment.end ? .segmentEnd : .limit
    }

    /// The first place at or behind `start` where a valid record or a blank marker stands, in
    /// `segment` and before `limit`. Every byte is looked at; the stored position must fit.
    package static func resynchronise(
        _ segment: Segment, from start: Int64, to limit: Int64, checks: RecordChecks
    ) -> Int64? {
        let bytes = segment.bytes
        var position = segment.position(of: start)
        let end = min(segment.position(of: limit), bytes.count - BlankMarker.byteCount)
        while position < end {
            guard let found = magic(in: bytes, from: position + 4, to: end + 4) else { return nil }
            position = found - 4
            switch RecordInspection.inspect(
                bytes.bytes, at: position, physicalOffset: segment.base + Int64(position),
                checks: checks)
            {
            case .record, .padding: return segment.base + Int64(position)
            case .end, .damaged: position += 1
            }
        }
        return nil
    }

    /// Where one of the three magic numbers stands next.
    private static func magic(in bytes: MappedBytes, from start: Int, to end: Int) -> Int? {
        let span = bytes.bytes
        var offset = start
        while offset < end {
            // Most of what is searched is zeros: step over them eight bytes at a time.
            if offset + 12 <= end, span.loadBigEndian(UInt64.self, at: offset) == 0 {
                offset += 5
                continue
            }
            switch span.loadBigEndian(UInt32.self, at: offset) {
            case RecordVersion.v1.magic, RecordVersion.v2.magic, BlankMarker.magicValue:
                return offset
            default: offset += 1
            }
        }
        return nil
    }
}
