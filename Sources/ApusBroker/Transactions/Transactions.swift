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

    init(_ store: MessageStore, offsets: OffsetTable) throws(StoreError) {
        halves = try store.queue(topic: WellKnownName.halfMessages, id: 0)
        notes = try store.queue(topic: WellKnownName.halfOperations, id: 0)
        func start(_ queue: MessageQueue) throws(StoreError) -> Int64 {
            let low = try store.minimumOffset(queue)
            let kept = offsets.offset(group: Self.group, topic: queue.topic, queue: 0) ?? low
            let high = try store.maximumOffset(queue)
            return min(max(kept, low), max(low, high))
        }
        var ledger = TransactionLedger(halves: try start(halves), notes: try start(notes))
        try Self.read(store, notes, from: try start(notes)) { record in
            let named = String(decodingUTF8: record.body).split(separator: ",")
            ledger.noted(named.compactMap { Int64($0) }, at: record.queueOffset)
        }
        self.ledger = Mutex(ledger)
    }

    /// All readable records of a queue from `offset` on. Answers where they end.
    @discardableResult
    static func read(
        _ store: MessageStore, _ queue: MessageQueue, from offset: Int64,
        _ visit: (RecordView) -> Void
    ) throws(StoreError) -> Int64 {
        var offset = offset
        while true {
            let end = try store.maximumOffset(queue)
            if offset >= end { return offset }
            do throws(StoreError) {
                let batch = try store.read(queue, from: offset, count: 64, byteCount: 1 << 20)
                batch.forEach(visit)
                try batch.checkMappings()
                guard batch.nextOffset > offset else { return offset }
                offset = batch.nextOffset
            } catch {
                switch error {
                // One that cannot be read must not stand in the way of those behind it.
                case .damagedRecord, .damagedQueue, .noRecord: offset += 1
                case .offsetOutOfRange(_, let low, _) where low > offset: offset = low
                default: throw error
                }
            }
        }
    }
}

// MARK: - How they end

extension BrokerCore {
    /// Delivers the message of a half.
    func commit(_ half: HalfMessage) throws(StoreError) {
        var properties = half.properties
        var queue = try store.queue(topic: half.topic, id: half.queueID)
        if let delayed = DelayedMessage(
            topic: half.topic, queueID: half.queueID, properties: properties.rawSpan, table: delays)
        {
            properties = delayed.properties
            queue = try store.queue(
                topic: DelayTable.topic, id: DelayTable.queueID(level: delayed.level))
        }
        _ = try store.appendWithoutWaiting(
            to: queue, body: half.body.rawSpan, properties: properties.rawSpan,
            attributes: half.committed)
    }

    /// Notes that a transaction has ended. A note that cannot be written is missed after a restart
    /// only, when the producer is asked again.
    func note(endOf half: Int64) {
        var properties: [UInt8] = []
        PropertyEdit.append(PropertyName.tags, "d", to: &properties)
        PropertyEdit.append(PropertyName.waitsForStore, "true", to: &properties)
        do throws(StoreError) {
            let result = try store.appendWithoutWaiting(
                to: transactions.notes, body: Array("\(half),".utf8).rawSpan,
                properties: properties.rawSpan,
                attributes: MessageAttributes(
                    bornTimestamp: time.wallMilliseconds, bornHost: address))
            transactions.writtenEnd.withLock { $0 = max($0, result.physicalEnd) }
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
