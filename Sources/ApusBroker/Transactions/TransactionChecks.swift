// Asks producers how the transactions ended that they did not end (CHECK_TRANSACTION_STATE, 39).
//
// As with RocketMQ, a half is written anew each time, with the number of times in its properties;
// after too many, or when it gets too old, its message goes to TRANS_CHECK_MAX_TIME_TOPIC, for
// people to look at.

import ApusFormat
import ApusRemoting
import ApusStore
import ApusSystem
import Logging
import NIOCore
import Synchronization

extension BrokerCore {
    /// Asks about all halves that are due. Called by a timer, on the errands' loop.
    func checkTransactions() {
        attempt("to look for open transactions") { try findHalves() }
        let timeout = configuration.transactions.timeoutMilliseconds
        let now = time.wallMilliseconds
        check(transactions.ledger.withLock { $0.due(at: now, timeout: timeout) }[...])
    }

    private func check(_ due: ArraySlice<Int64>) {
        for half in due.prefix(Self.checkBatch) {
            attempt("to check a transaction") { try check(half, now: time.wallMilliseconds) }
        }
        let rest = due.dropFirst(Self.checkBatch)
        // Errands that wait come first.
        if !rest.isEmpty { return errands.execute { self.check(rest) } }
        attempt("to keep how far transactions have come") { try keepTransactions() }
    }

    private static let checkBatch = 256

    /// Takes in halves that came since.
    private func findHalves() throws(StoreError) {
        let start = transactions.ledger.withLock { $0.next }
        let end = try Transactions.read(store, transactions.halves, from: start) { record in
            let offset = record.queueOffset
            let half = HalfMessage(record)
            transactions.ledger.withLock { ledger in
                ledger.skip(to: offset)
                if let half {
                    ledger.found(
                        TransactionLedger.Open(
                            bornTimestamp: half.fields.bornTimestamp, immunity: half.immunity),
                        earlier: half.earlier)
                } else {
                    ledger.skip(to: offset + 1)
                }
            }
        }
        transactions.ledger.withLock { $0.skip(to: end) }
    }

    private func check(_ offset: Int64, now: Int64) throws(StoreError) {
        // It may have ended since it was found to be due.
        guard transactions.ledger.withLock({ $0.standing(for: offset) }) == offset else { return }
        guard let half = try half(at: offset) else {
            logger.warning(
                "the half of a transaction is gone", metadata: ["half": "\(offset)"])
            return note(endOf: offset)
        }
        let oldest = configuration.store.retention.reservedHours * 3_600_000
        if half.checkCount >= configuration.transactions.checkLimit
            || now - half.fields.bornTimestamp > oldest
        {
            try giveUp(half)
            return note(endOf: offset)
        }
        let properties = half.askedAgain
        let result = try store.appendWithoutWaiting(
            to: transactions.halves, body: half.body.rawSpan, properties: properties.rawSpan,
            attributes: half.again)
        transactions.ledger.withLock { $0.renewed(offset, as: result.queueOffset) }
        note(endOf: offset)
        ask(half, properties: properties, at: result)
    }

    /// The half with this number; nil when it cannot be read any more.
    private func half(at offset: Int64) throws(StoreError) -> HalfMessage? {
        var half: HalfMessage?
        do throws(StoreError) {
            let batch = try store.read(transactions.halves, from: offset, count: 1)
            batch.forEach { if $0.queueOffset == offset { half = HalfMessage($0) } }
            try batch.checkMappings()
        } catch {
            switch error {
            case .damagedRecord, .damagedQueue, .noRecord, .offsetOutOfRange: return nil
            default: throw error
            }
        }
        return half
    }

    private func giveUp(_ half: HalfMessage) throws(StoreError) {
        let name = WellKnownName.abandonedHalves
        do throws(StateError) {
            _ = try state.topics.createIfAbsent(TopicSettings(name, queues: 1))
        } catch {
            // The message is kept all the same: the topic is made with the next one.
            logger.error("a topic could not be made", metadata: ["reason": "\(error)"])
        }
        _ = try store.appendWithoutWaiting(
            to: store.queue(topic: name, id: 0), body: half.body.rawSpan,
            properties: half.properties.rawSpan, attributes: half.again)
        logger.warning(
            "nobody says how a transaction ended: its message is in \(name)",
            metadata: ["group": "\(half.producerGroup)", "message": "\(half.uniqueID)"])
    }

    /// Asks one of the producers that are there. When none is, the next check asks.
    private func ask(_ half: HalfMessage, properties: [UInt8], at place: AppendResult) {
        let numbers = clients.withLock { Array(($0.producers[half.producerGroup] ?? [:]).keys) }
        guard let connection = connections.connections(numbers).randomElement() else {
            return logger.warning(
                "no producer is there to be asked how a transaction ended",
                metadata: ["group": "\(half.producerGroup)", "message": "\(half.uniqueID)"])
        }
        var command = RemotingCommand.request(
            .checkTransactionState,
            fields: [
                "topic": WellKnownName.halfMessages,
                "tranStateTableOffset": String(place.queueOffset),
                "commitLogOffset": String(place.physicalOffset), "msgId": half.uniqueID,
                "transactionId": half.uniqueID, "offsetMsgId": place.messageID.text,
                "bname": configuration.name,
            ], body: half.record(properties: properties, at: place))
        command.isOneWay = true
        connection.send(command)
    }
}

extension HalfMessage {
    /// The record that the producer gets: as it would be stored in the topic that it belongs to.
    fileprivate func record(properties: [UInt8], at place: AppendResult) -> [UInt8] {
        let name = Array(topic.utf8)
        let frame = RecordFrame(
            version: RecordVersion(topicCharacterCount: topic.utf16.count),
            systemFlag: fields.systemFlag.withHosts(
                born: fields.bornHost, store: place.storeHost),
            bodyLength: body.count, topicLength: name.count, propertiesLength: properties.count)
        var whole = fields
        whole.queueID = queueID
        whole.queueOffset = place.queueOffset
        whole.physicalOffset = place.physicalOffset
        whole.storeTimestamp = place.storeTimestamp
        whole.storeHost = place.storeHost
        return RecordEncoder.bytes(
            whole, frame: frame, topic: name.rawSpan, properties: properties.rawSpan,
            body: body.rawSpan)
    }
}
