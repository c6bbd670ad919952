// The straight way through a queue: records that lie in the segment of the record before, under
// entries of one file.
//
// Nothing is looked up and nothing retained for each of them: the batch holds the segment, and this
// holds the file. It stops at whatever is not so, or not as it should be; `QueueReader` goes on
// from there, one record, with all that may be the matter with it.

import ApusFormat
import ApusSystem
import Synchronization

/// Reads on in place.
struct ReadStretch {
    let queue: ConsumeQueue
    private let filter: TagFilter
    private let byteCount: Int
    private let checks: RecordChecks
    /// Where records lie that may be read: as when the read began.
    private let readable: Range<Int64>
    /// Whether nothing has to be looked at besides the record.
    private let isPlain: Bool

    init(log: CommitLog, queue: ConsumeQueue, byteCount: Int, filter: TagFilter) {
        self.queue = queue
        self.filter = filter
        self.byteCount = byteCount
        checks = log.readChecks
        let start = log.start.load(ordering: .acquiring)
        readable = start..<max(start, log.readable)
        isPlain = log.guards == nil && !log.hasDamage.load(ordering: .acquiring)
    }

    /// Adds records to a batch that has one, as long as they lie together.
    func read(into batch: inout MessageBatch, upTo last: Int64, count: Int) throws(StoreError) {
        guard isPlain, let segment = batch.lastSegment,
            let file = try queue.file(containing: batch.nextOffset)
        else { return }
        let bytes = segment.bytes
        let window = file.window
        let inside = readable.clamped(to: segment.base..<segment.end)
        let limit = min(last, window.end)
        while batch.nextOffset < limit, batch.count < count {
            let unit = window.unit(at: batch.nextOffset)
            guard !unit.isFiller, inside.contains(unit.physicalOffset),
                batch.byteCount &+ Int(max(0, unit.size)) <= byteCount
            else { return }
            if filter.mayMatch(unit.tagsCode) {
                let position = Int(unit.physicalOffset &- segment.base)
                guard
                    case .record(let frame) = RecordInspection.inspect(
                        bytes.bytes, at: position, physicalOffset: unit.physicalOffset,
                        checks: checks)
                else { return }
                let record = RecordView(bytes.bytes, at: position, frame: frame)
                guard queue.isEntry(unit, of: record, at: batch.nextOffset) else { return }
                if filter.matches(record) { batch.append(frame, at: position) }
            }
            batch.nextOffset &+= 1
        }
    }
}
