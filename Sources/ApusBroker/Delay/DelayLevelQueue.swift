// One delay level: a queue of the schedule topic, in the order in which its messages come due.
//
// All messages of a level wait equally long, so the first that is not due ends a step. What a step
// delivers is appended as it is stored, its properties too (Java leaves DELAY in them as well); its
// own record stays, and retention deletes it.

import ApusFormat
import ApusStore

/// Delivers the messages of one level. Stepped by one thread.
struct DelayLevelQueue {
    /// What is to happen next.
    enum Next: Hashable {
        /// Look again at this time (milliseconds since 1970).
        case at(Int64)
        /// Look again when the queue has a message at `offset`.
        case whenReadable
        /// There is more to do now.
        case more
    }

    let level: Int
    let delay: Int64
    let queue: MessageQueue
    private let store: MessageStore
    /// The queue offset of the next message to deliver.
    private(set) var offset: Int64
    /// Where the last delivered message ends in the log: `offset` may be kept once that is durable.
    private(set) var deliveredEnd: Int64 = 0

    /// How long to wait after an append was refused.
    private static let retryMilliseconds: Int64 = 1_000

    init(
        level: Int, delay: Int64, store: MessageStore, from offset: Int64
    ) throws(StoreError) {
        self.level = level
        self.delay = delay
        self.store = store
        queue = try store.queue(topic: WellKnownName.schedule, id: DelayTable.queueID(level: level))
        let bounds = try store.minimumOffset(queue)...store.maximumOffset(queue)
        self.offset = min(max(offset, bounds.lowerBound), bounds.upperBound)
    }

    /// Delivers what is due at `now` (milliseconds since 1970), at most a batch. `report` is told
    /// of messages that cannot be delivered.
    mutating func step(now: Int64, report: (StoreError) -> Void) -> Next {
        let batch: MessageBatch
        do throws(StoreError) {
            batch = try store.read(queue, from: offset, count: 64, byteCount: 1 << 20)
        } catch {
            return passOver(error, now: now, report: report)
        }
        var next: Next?
        batch.forEach { record in
            guard next == nil else { return }
            // A wall clock that was set back does not make a message wait longer than its level.
            let due = min(record.storeTimestamp &+ delay, now &+ delay)
            if due > now {
                next = .at(due)
                return
            }
            do throws(StoreError) {
                deliveredEnd = max(deliveredEnd, try deliver(record))
            } catch {
                report(error)
                if error.isPassing {
                    next = .at(now + Self.retryMilliseconds)
                    return
                }
            }
            offset = record.queueOffset + 1
        }
        if let next { return next }
        let isStuck = batch.isEmpty && batch.nextOffset == offset
        offset = max(offset, batch.nextOffset)
        if offset >= batch.offsets.upperBound { return .whenReadable }
        return isStuck ? .at(now + Self.retryMilliseconds) : .more
    }

    /// Where the delivered message ends in the log.
    private func deliver(_ record: RecordView) throws(StoreError) -> Int64 {
        let properties = record.properties
        guard
            let topic = Properties.valueRange(of: PropertyName.realTopic, in: properties),
            let id = Properties.valueRange(of: PropertyName.realQueueID, in: properties),
            let queueID = Int32(String(decodingUTF8: properties.extracting(id)))
        else { return 0 }
        let target = try store.queue(
            topic: String(decodingUTF8: properties.extracting(topic)), id: queueID)
        return try store.appendWithoutWaiting(
            to: target, body: record.body, properties: properties,
            attributes: MessageAttributes(again: record.fields)
        ).physicalEnd
    }

    /// The queue cannot be read where we are: deleted meanwhile, or damaged.
    private mutating func passOver(
        _ error: StoreError, now: Int64, report: (StoreError) -> Void
    ) -> Next {
        switch error {
        case .offsetOutOfRange(_, let minimum, let maximum):
            offset = min(max(offset, minimum), maximum)
            return offset == maximum ? .whenReadable : .more
        case .damagedRecord, .damagedQueue, .noRecord:
            report(error)
            offset += 1
            return .more
        default:
            report(error)
            return .at(now + Self.retryMilliseconds)
        }
    }
}

extension StoreError {
    /// Whether the same append may succeed later.
    var isPassing: Bool {
        switch self {
        case .diskFull, .limitReached, .file, .poisoned, .closed, .readOnlyDirectory, .limitTooLow,
            .mappingFailed:
            true
        default: false
        }
    }
}
