// The straight way through a queue: entries and records that are as they should be.
//
// Nothing is retained for each of them: the batch holds the segment, and this holds the file. It
// stops at whatever is not as it should be; `QueueReader` goes on from there, one record, with all
// that may be the matter with it.

import ApusFormat
import ApusSystem
import Synchronization

/// Reads in place.
struct ReadStretch {
    /// How many entries ahead lines of a record are asked for.
    private static var ahead: Int64 { 8 }

    private let byteCount: Int
    private let checks: RecordChecks
    /// Where records lie that may be read: as when the read began.
    private let readable: Range<Int64>
    /// Whether nothing has to be looked at besides the record.
    private let isPlain: Bool

    init(log: CommitLog, byteCount: Int) {
        self.byteCount = byteCount
        checks = log.readChecks
        let start = log.start.load(ordering: .acquiring)
        readable = start..<max(start, log.readable)
        isPlain = log.guards == nil && !log.hasDamage.load(ordering: .acquiring)
    }

    /// Adds records to a batch, up to what it cannot judge.
    @inline(__always)
    func read(
        _ queue: ConsumeQueue, of log: CommitLog, into batch: inout MessageBatch,
        upTo last: Int64, count: Int, filter: TagFilter
    ) throws(StoreError) {
        guard isPlain else { return }
        while batch.nextOffset < last, batch.count < count {
            guard let file = try queue.file(containing: batch.nextOffset) else { return }
            let window = file.window
            let limit = min(last, window.end)
            var goesOn = true
            while goesOn, batch.nextOffset < limit, batch.count < count {
                let place = window.unit(at: batch.nextOffset).physicalOffset
                guard readable.contains(place),
                    let segment = log.segments.segment(containing: place)
                else { return }
                goesOn = read(
                    window, segment, queue, into: &batch, upTo: limit, count: count,
                    filter: filter)
            }
            if !goesOn { return }
        }
    }

    /// The same in one file and one segment. True when a record may be read that lies in another.
    @inline(__always)
    private func read(
        _ window: QueueWindow, _ segment: Segment, _ queue: ConsumeQueue,
        into batch: inout MessageBatch, upTo limit: Int64, count: Int, filter: TagFilter
    ) -> Bool {
        let bytes = segment.bytes
        let base = segment.base
        let inside = readable.clamped(to: base..<segment.end)
        let takesAll = filter.takesAll
        while batch.nextOffset < limit, batch.count < count {
            let unit = window.unit(at: batch.nextOffset)
            if batch.nextOffset &+ Self.ahead < limit {
                let next = window.unit(at: batch.nextOffset &+ Self.ahead)
                if inside.contains(next.physicalOffset), takesAll || filter.mayMatch(next.tagsCode)
                {
                    bytes.prefetchForReading(
                        at: Int(next.physicalOffset &- base), length: min(Int(next.size), 384))
                }
            }
            guard inside.contains(unit.physicalOffset) else { return true }
            guard !unit.isFiller,
                batch.isEmpty || batch.byteCount &+ Int(max(0, unit.size)) <= byteCount
            else { return false }
            if takesAll || filter.mayMatch(unit.tagsCode) {
                let position = Int(unit.physicalOffset &- base)
                guard
                    let frame = frame(
                        in: bytes.bytes, at: position, physicalOffset: unit.physicalOffset)
                else { return false }
                guard
                    queue.isEntry(
                        unit, of: frame, in: bytes.bytes, at: position, offset: batch.nextOffset)
                else { return false }
                if takesAll
                    || filter.matches(RecordView(bytes.bytes, at: position, frame: frame))
                {
                    batch.append(frame, at: position, in: segment)
                }
            }
            batch.nextOffset &+= 1
        }
        return true
    }

    /// The frame of a record that is as it should be.
    @inline(__always)
    private func frame(in bytes: RawSpan, at position: Int, physicalOffset: Int64)
        -> RecordFrame?
    {
        if let frame = RecordInspection.plainFrame(
            of: bytes, at: position, physicalOffset: physicalOffset, checks: checks)
        {
            return frame
        }
        guard
            case .record(let frame) = RecordInspection.inspectAny(
                bytes, at: position, physicalOffset: physicalOffset, checks: checks)
        else { return nil }
        return frame
    }
}
