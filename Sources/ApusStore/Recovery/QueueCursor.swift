// A queue that the scan of recovery comes to again and again: the entry of its next message, in
// place.
//
// Nearly every record is the next of its queue, and its entry is there or has room. That is all
// that is dealt with here; what else there may be is dealt with by `CommitLog.restore`, behind
// `settle`.

import ApusFormat
import ApusSystem

/// One queue on its way through the log.
struct QueueCursor {
    let queue: ConsumeQueue
    private let topic: MappedBytes
    private let queueID: Int32
    private let file: QueueFile
    private let window: QueueWindow
    /// The first entry that was taken, and the next one.
    private let first: Int64
    private var next: Int64
    /// Whether an entry was not what the log says.
    private(set) var wasWrong = false

    /// At the end of a queue; nil where no file holds the next entry, and for queues whose entries
    /// say more than a record's tags.
    init?(_ queue: ConsumeQueue) throws(StoreError) {
        guard !queue.topic.isSchedule, let file = try queue.file(containing: queue.nextOffset)
        else { return nil }
        self.queue = queue
        topic = queue.topic.bytes
        queueID = queue.queueID
        self.file = file
        window = file.window
        first = queue.nextOffset
        next = first
    }

    /// Makes sure of a record's entry, when the record is the next of this queue.
    @inline(__always)
    mutating func take(_ record: RecordView, tagsHash: Int32) -> Bool {
        let number = next
        guard record.queueOffset == number, record.queueID == queueID, number < window.end,
            record.hasEntry, topic.bytes.isEqual(to: record.topic)
        else { return false }
        let unit = ConsumeQueueUnit(
            physicalOffset: record.physicalOffset,
            size: Int32(truncatingIfNeeded: record.frame.totalSize), tagsCode: Int64(tagsHash))
        // Where the page cannot be reached zeros stand, which are no entry.
        if window.unit(at: number) != unit {
            guard number < queue.preparedEnd, queue.current.contains(number) else { return false }
            queue.current.store(unit, at: number)
            wasWrong = true
        }
        next = number &+ 1
        return true
    }

    /// Where the entries end that were taken; nil for none. What a failed sync left in the page
    /// cache counts as written there: it is written again.
    func settle() -> Int64? {
        guard next > first else { return nil }
        let unit = ConsumeQueueUnit.byteCount
        let start = Int(first &- window.first) &* unit
        file.file.dirty(window.bytes, start..<Int(next &- window.first) &* unit)
        return next
    }

    static let placeCount = 64

    /// Where among that many places the queue of a record is looked for.
    @inline(__always)
    static func place(of record: RecordView) -> Int {
        let topic = record.topic
        let end =
            topic.byteCount == 0 ? 0 : topic.loadBigEndian(UInt8.self, at: topic.byteCount - 1)
        let mixed = UInt32(bitPattern: record.queueID) &+ UInt32(end) &* 5
        return Int(mixed) & (placeCount &- 1)
    }
}
