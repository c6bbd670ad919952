// The transactions of a broker: how they end, and that their producers are asked when they do not.
//
// Halves wait in RMQ_SYS_TRANS_HALF_TOPIC, ends are noted in RMQ_SYS_TRANS_OP_HALF_TOPIC, each with
// one queue, and how far both have been read is kept as the offsets of the group CID_RMQ_SYS_TRANS:
// all as RocketMQ does it, whose broker can go on with the directory. Runs on the errands' loop.
//
// What is kept is never ahead of the device. After a crash a half whose end was not noted yet is
// asked about once more: its message may be there twice then, and is never lost.

import ApusFormat
import ApusRemoting
import ApusStore
import ApusSystem
import Logging
import NIOCore
import Synchronization

/// The two queues, and what they say.
final class Transactions: Sendable {
    static let group = "CID_RMQ_SYS_TRANS"

    let halves: MessageQueue
    let notes: MessageQueue
    let ledger: Mutex<TransactionLedger>
    /// Where the last thing that was written about a transaction ends in the log.
    let writtenEnd = Mutex<Int64>(0)
    /// Whether a round of questions is under way.
    let isChecking = Atomic<Bool>(false)

    /// Reads both queues, so that ends under a half's earlier names are known from the start.
    init(_ store: MessageStore, offsets: OffsetTable, _ logger: Logger) throws(StoreError) {
        halves = try store.queue(topic: WellKnownName.halfMessages, id: 0)
        notes = try store.queue(topic: WellKnownName.halfOperations, id: 0)
        func start(_ queue: MessageQueue) throws(StoreError) -> Int64 {
            let low = try store.minimumOffset(queue)
            let kept = offsets.offset(group: Self.group, topic: queue.topic, queue: 0) ?? low
            let high = try store.maximumOffset(queue)
            return min(max(kept, low), max(low, high))
        }
        var ledger = TransactionLedger(halves: try start(halves), notes: try start(notes))
        var (offset, next) = (Int64.min, try start(notes))
        while next > offset {
            offset = next
            next = try Self.readBatch(store, notes, from: offset, logger) { record in
                let named = String(decodingUTF8: record.body).split(separator: ",")
                ledger.noted(named.compactMap { Int64($0) }, at: record.queueOffset)
            }
        }
        repeat {
            offset = ledger.next
            next = try Self.readBatch(store, halves, from: offset, logger) { ledger.take($0) }
            ledger.skip(to: next)
        } while next > offset
        ledger.foundAll()
        self.ledger = Mutex(ledger)
    }

    /// Visits readable records of a queue from `offset` on, at most a batch. Answers where to go
    /// on: at `offset` when there are none.
    static func readBatch(
        _ store: MessageStore, _ queue: MessageQueue, from offset: Int64, _ logger: Logger,
        _ visit: (RecordView) -> Void
    ) throws(StoreError) -> Int64 {
        do throws(StoreError) {
            if offset >= (try store.maximumOffset(queue)) { return offset }
            let batch = try store.read(
                queue, from: offset, count: batchCount, byteCount: 1 << 20)
            batch.forEach(visit)
            try batch.checkMappings()
            return batch.nextOffset
        } catch {
            switch error {
            // One that cannot be read must not stand in the way of those behind it.
            case .damagedRecord, .damagedQueue, .noRecord:
                logger.warning(
                    "a record of transactions cannot be read, and is passed over",
                    metadata: [
                        "topic": "\(queue.topic)", "offset": "\(offset)", "reason": "\(error)",
                    ])
                return offset + 1
            case .offsetOutOfRange(_, let low, _) where low > offset: return low
            default: throw error
            }
        }
    }

    /// Halves that one errand reads or asks about: others wait for it.
    static let batchCount = 256
}

// MARK: - How they end

extension BrokerCore {
    /// Delivers the message of a half.
    func commit(_ half: HalfMessage) throws(StoreError) {
        var properties = half.properties
        var queue = try store.queue(topic: half.topic, id: half.queueID)
        if let delayed = try self.delayed(
            topic: half.topic, queueID: half.queueID, properties: properties.rawSpan)
        {
            (queue, properties) = delayed
        }
        try write(to: queue, body: half.body, properties: properties, attributes: half.committed)
        state.topics.topic(half.topic)?.messagesIn.wrappingAdd(1, ordering: .relaxed)
    }

    /// Appends what belongs to a transaction. What is kept of them waits until it is on the device.
    @discardableResult
    func write(
        to queue: MessageQueue, body: [UInt8], properties: [UInt8], attributes: MessageAttributes
    ) throws(StoreError) -> AppendResult {
        let result = try store.appendWithoutWaiting(
            to: queue, body: body.rawSpan, properties: properties.rawSpan, attributes: attributes)
        transactions.writtenEnd.withLock { $0 = max($0, result.physicalEnd) }
        return result
    }

    /// Notes that a transaction has ended. A note that cannot be written is missed after a restart
    /// only, when the producer is asked again.
    func note(endOf half: Int64) {
        var properties: [UInt8] = []
        PropertyEdit.append(PropertyName.tags, "d", to: &properties)
        PropertyEdit.append(PropertyName.waitsForStore, "true", to: &properties)
        do throws(StoreError) {
            let result = try write(
                to: transactions.notes, body: Array("\(half),".utf8), properties: properties,
                attributes: MessageAttributes(
                    bornTimestamp: time.wallMilliseconds, bornHost: address))
            transactions.ledger.withLock { $0.noted([half], at: result.queueOffset) }
        } catch {
            transactions.ledger.withLock { $0.ended(half) }
            logger.error(
                "the end of a transaction could not be noted",
                metadata: ["half": "\(half)", "reason": "\(error)"])
        }
    }

    /// Keeps how far halves and notes have been read, once what that rests on is on the device.
    /// Waits for it.
    func keepTransactions() throws(StoreError) {
        let end = transactions.writtenEnd.withLock { $0 }
        let needed = transactions.ledger.withLock { $0.needed() }
        if store.flushed < end { try store.flush() }
        for (queue, offset) in [
            (transactions.halves, needed.halves), (transactions.notes, needed.notes),
        ] {
            let group = Transactions.group
            guard state.offsets.offset(group: group, topic: queue.topic, queue: 0) ?? 0 != offset
            else { continue }
            state.offsets.commit(group: group, topic: queue.topic, queue: 0, offset: offset)
        }
    }
}
