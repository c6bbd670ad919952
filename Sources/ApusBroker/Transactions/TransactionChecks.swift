// Asks producers how the transactions ended that they did not end (CHECK_TRANSACTION_STATE, 39).
//
// As with RocketMQ, a half is written anew each time, with the number of times in its properties;
// after too many, or when it gets too old, its message goes to TRANS_CHECK_MAX_TIME_TOPIC, for
// people to look at.

import ApusFormat
import ApusRemoting
import ApusServer
import ApusStore
import ApusSystem
import Logging
import NIOCore
import Synchronization

extension BrokerCore {
    /// Asks about all halves that are due. Called by a timer, on the errands' loop; does nothing
    /// while an earlier call is under way.
    func checkTransactions() {
        guard !transactions.isChecking.exchange(true, ordering: .relaxed) else { return }
        let end = (try? store.maximumOffset(transactions.halves)) ?? 0
        findHalves(upTo: end)
    }

    /// Takes in halves that came since, a batch at a time: errands that wait come between.
    private func findHalves(upTo end: Int64) {
        var isDone = true
        attempt("to look for open transactions") {
            let start = transactions.ledger.withLock { $0.next }
            let next = try Transactions.readBatch(
                store, transactions.halves, from: start, logger
            ) { record in transactions.ledger.withLock { $0.take(record) } }
            transactions.ledger.withLock { $0.skip(to: next) }
            isDone = next == start || next >= end
        }
        guard isDone else { return errands.execute { self.findHalves(upTo: end) } }
        let timeout = configuration.transactions.timeoutMilliseconds
        let now = time.wallMilliseconds
        let due = transactions.ledger.withLock { ledger in
            ledger.foundAll()
            return ledger.due(at: now, timeout: timeout)
        }
        check(due[...])
    }

    private func check(_ due: ArraySlice<Int64>) {
        for half in due.prefix(Transactions.batchCount) {
            attempt("to check a transaction") { try check(half, now: time.wallMilliseconds) }
        }
        let rest = due.dropFirst(Transactions.batchCount)
        if !rest.isEmpty { return errands.execute { self.check(rest) } }
        attempt("to keep how far transactions have come") { try keepTransactions() }
        transactions.isChecking.store(false, ordering: .relaxed)
    }

    private func check(_ offset: Int64, now: Int64) throws(StoreError) {
        // It may have ended since it was found to be due.
        guard transactions.ledger.withLock({ $0.standing(for: offset) }) == offset else { return }
        let half: HalfMessage
        switch try read(half: offset) {
        case .readable(let found): half = found
        // One that was written anew, and waits for the device.
        case .notYet: return
        case .gone:
            logger.warning(
                "the half of a transaction is gone", metadata: ["half": "\(offset)"])
            return note(endOf: offset)
        }
        let oldest = configuration.store.retention.reservedHours * 3_600_000
        if half.checkCount >= configuration.transactions.checkLimit
            || now.saturatingSubtract(half.fields.bornTimestamp) > oldest
        {
            return try giveUp(half)
        }
        let properties = half.askedAgain
        let result: AppendResult
        do throws(StoreError) {
            result = try write(
                to: transactions.halves, body: half.body, properties: properties,
                attributes: MessageAttributes(again: half.fields))
        } catch {
            if error.isPassing { throw error }
            // Its properties have no room for what is to be added.
            return try giveUp(half)
        }
        transactions.ledger.withLock { $0.renewed(offset, as: result.queueOffset) }
        note(endOf: offset)
        ask(half, properties: properties, at: result)
    }

    private enum Reading {
        case readable(HalfMessage)
        /// There may be a half when the device has it.
        case notYet
        /// It is deleted, or damaged.
        case gone
    }

    private func read(half offset: Int64) throws(StoreError) -> Reading {
        do throws(StoreError) {
            let batch = try store.read(transactions.halves, from: offset, count: 1)
            if batch.nextOffset == offset { return .notYet }
            var half: HalfMessage?
            batch.forEach { if $0.queueOffset == offset { half = HalfMessage($0) } }
            try batch.checkMappings()
            return half.map { .readable($0) } ?? .gone
        } catch {
            switch error {
            case .damagedRecord, .damagedQueue, .noRecord: return .gone
            case .offsetOutOfRange(_, let low, _): return offset < low ? .gone : .notYet
            default: throw error
            }
        }
    }

    /// Ends a transaction: its message goes where people look.
    private func giveUp(_ half: HalfMessage) throws(StoreError) {
        let name = WellKnownName.abandonedHalves
        do throws(StateError) {
            _ = try state.topics.createIfAbsent(TopicSettings(name, queues: 1))
        } catch {
            // The message is kept all the same: the topic is made with the next one.
            logger.error("a topic could not be made", metadata: ["reason": "\(error)"])
        }
        do throws(StoreError) {
            try write(
                to: store.queue(topic: name, id: 0), body: half.body, properties: half.properties,
                attributes: MessageAttributes(again: half.fields))
            logger.warning(
                "nobody says how a transaction ended: its message is in \(name)",
                metadata: ["group": "\(half.producerGroup)", "message": "\(half.uniqueID)"])
        } catch {
            if error.isPassing { throw error }
            logger.error(
                "nobody says how a transaction ended: its message does not fit into \(name)",
                metadata: ["half": "\(half.queueOffset)", "reason": "\(error)"])
        }
        note(endOf: half.queueOffset)
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
