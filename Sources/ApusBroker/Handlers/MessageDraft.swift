// A checked send on its way into the store, and what its sender is told.

import ApusFormat
import ApusRemoting
import ApusStore
import ApusSystem
import Synchronization

/// Where a message goes, and whose it is. Its body and properties come beside it.
struct MessageDraft: Sendable {
    var topic: Topic
    var queueID: Int32
    let numbers: SendNumbers
    let bornHost: HostAddress
    let key: ReplyKey
    var isHalf = false

    var attributes: MessageAttributes {
        let attributes = numbers.attributes(
            isMultiTag: topic.settings.filterType == .multiTag, bornHost)
        return isHalf ? HalfMessage.attributes(attributes) : attributes
    }
}

extension SendNumbers {
    @inline(__always)
    func attributes(isMultiTag: Bool, _ bornHost: HostAddress) -> MessageAttributes {
        var systemFlag = systemFlag
        if isMultiTag { systemFlag.insert(.multiTags) }
        return MessageAttributes(
            flag: flag, systemFlag: systemFlag, bornTimestamp: bornTimestamp, bornHost: bornHost,
            reconsumeTimes: reconsumeTimes)
    }
}

extension BrokerCore {
    /// Stores one message whose properties are as the client sent them.
    func store(
        _ draft: MessageDraft, body: RawSpan, given: RawSpan, on connection: Connection
    ) throws(Refusal) {
        let (properties, uniqueKey, isDelayed) = complete(given)
        let id = properties.rawSpan.extracting(uniqueKey)
        if isDelayed,
            let delayed = try Refusal.store({ () throws(StoreError) in
                try self.delayed(
                    topic: draft.topic.name, queueID: draft.queueID,
                    properties: properties.rawSpan)
            })
        {
            return try append(
                draft, to: delayed.queue, body: body, properties: delayed.properties.rawSpan,
                id: id, on: connection)
        }
        let queue = try self.queue(draft.topic, draft.queueID)
        try append(
            draft, to: queue, body: body, properties: properties.rawSpan, id: id, on: connection)
    }

    /// Stores the half of a transaction where no consumer looks for it.
    func store(
        half draft: MessageDraft, body: RawSpan, given: RawSpan, on connection: Connection
    ) throws(Refusal) {
        let whole = complete(given).bytes
        // A message that was consumed and is sent on still has what a broker noted on its half.
        let properties = PropertyEdit.remembering(
            topic: draft.topic.name, queueID: draft.queueID, in: whole.rawSpan,
            without: HalfMessage.bookkeeping)
        let scan = PropertyScan(properties.rawSpan)
        var plain = draft
        plain.isHalf = true
        try append(
            plain, to: transactions.halves, body: body, properties: properties.rawSpan,
            id: properties.rawSpan.extracting(scan.uniqueKey), on: connection)
    }

    /// The properties of a record: those given, an id when they hold none, and the broker's own;
    /// with the place of the id, and whether there is a DELAY.
    private func complete(
        _ given: RawSpan
    ) -> (bytes: [UInt8], uniqueKey: Range<Int>, isDelayed: Bool) {
        let scan = PropertyScan(given)
        var uniqueKey = scan.uniqueKey
        var bytes: [UInt8] = []
        bytes.reserveCapacity(given.byteCount + propertySuffix.count + 48)
        bytes.append(bytesOf: given)
        if !scan.isTerminated { bytes.append(Properties.valueEnd) }
        if scan.uniqueKey.isEmpty {
            PropertyEdit.append(
                PropertyName.uniqueKey, uniqueIDs.next(milliseconds: time.wallMilliseconds),
                to: &bytes)
            uniqueKey = PropertyScan(bytes.rawSpan).uniqueKey
        }
        bytes.append(contentsOf: propertySuffix)
        return (bytes, uniqueKey, !scan.delay.isEmpty)
    }

    private func append(
        _ draft: MessageDraft, to queue: MessageQueue, body: RawSpan, properties: RawSpan,
        id: RawSpan, on connection: Connection
    ) throws(Refusal) {
        let key = draft.key
        let queueID = draft.queueID
        if !isSync || Self.waitsForNothing(properties) {
            let result = try Refusal.store { () throws(StoreError) in
                try store.appendWithoutWaiting(
                    to: queue, body: body, properties: properties, attributes: draft.attributes)
            }
            count(draft, bytes: body.byteCount)
            if key.isOneWay { return }
            return connection.answer(key, sent: result, queueID: queueID, uniqueID: id, self)
        }
        try admitWaiting()
        let id = [UInt8](id)
        let byteCount = body.byteCount
        store.append(
            to: queue, body: body, properties: properties, attributes: draft.attributes
        ) { [self] outcome in
            statistics.waitingSends.wrappingSubtract(1, ordering: .relaxed)
            switch outcome {
            case .success(let result):
                count(draft, bytes: byteCount)
                connection.answer(key, sent: result, queueID: queueID, uniqueID: id.rawSpan, self)
            case .failure(let error): connection.refuse(key, Refusal(error))
            }
        }
    }

    /// A half counts for its topic when it is committed.
    private func count(_ draft: MessageDraft, bytes: Int) {
        statistics.sent(messages: 1, bytes: bytes)
        if !draft.isHalf { draft.topic.messagesIn.wrappingAdd(1, ordering: .relaxed) }
    }

    /// One more send that waits for the device, unless too many do: the client is to wait, or to
    /// try another broker.
    func admitWaiting() throws(Refusal) {
        let waiting = statistics.waitingSends.wrappingAdd(1, ordering: .relaxed).newValue
        guard waiting > configuration.sending.waitingLimit else { return }
        statistics.waitingSends.wrappingSubtract(1, ordering: .relaxed)
        throw Refusal(
            .systemBusy, "[REJECTREQUEST]system busy, \(waiting) sends wait for the device")
    }

    /// Whether the producer asks for an answer before the message is on the device.
    private static func waitsForNothing(_ properties: RawSpan) -> Bool {
        guard
            let value = Properties.valueRange(of: PropertyName.waitsForStore, in: properties)
        else { return false }
        return String(decodingUTF8: properties.extracting(value)).lowercased() == "false"
    }
}
