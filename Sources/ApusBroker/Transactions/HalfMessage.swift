// The half of a transaction: a message that is stored where no consumer looks, until its producer
// says that it is to be delivered. It carries along where it belongs, as a delayed message does.

import ApusFormat
import ApusStore

/// A half as its record holds it.
struct HalfMessage: Sendable {
    /// The topic that the message belongs to, and the queue.
    let topic: String
    let queueID: Int32
    /// Whom to ask what became of the transaction.
    let producerGroup: String
    /// The id that the producer gave it; empty when it has none.
    let uniqueID: String
    /// How often the producer was asked.
    let checkCount: Int
    let fields: RecordFields
    let body: [UInt8]
    let properties: [UInt8]

    var queueOffset: Int64 { fields.queueOffset }
    var physicalOffset: Int64 { fields.physicalOffset }

    /// Nil for a record that is no half.
    init?(_ record: RecordView) {
        guard let (topic, queueID) = Self.target(record) else { return nil }
        self.topic = topic
        self.queueID = queueID
        producerGroup = record.text(PropertyName.producerGroup) ?? ""
        uniqueID = record.text(PropertyName.uniqueKey) ?? ""
        checkCount = record.text(PropertyName.transactionCheckTimes).flatMap { Int($0) } ?? 0
        fields = record.fields
        body = [UInt8](record.body)
        properties = [UInt8](record.properties)
    }

    static func isHalf(_ record: RecordView) -> Bool { target(record) != nil }

    private static func target(_ record: RecordView) -> (topic: String, queueID: Int32)? {
        guard String(decodingUTF8: record.topic) == WellKnownName.halfMessages,
            let topic = record.text(PropertyName.realTopic),
            let queueID = record.text(PropertyName.realQueueID).flatMap({ Int32($0) })
        else { return nil }
        return (topic, queueID)
    }

    /// What a half is appended with: its record is in a queue, so it is none to the store.
    static func attributes(_ attributes: MessageAttributes) -> MessageAttributes {
        var plain = attributes
        plain.systemFlag = plain.systemFlag.with(.none)
        return plain
    }

    /// What the message is appended with when it is to be delivered.
    var committed: MessageAttributes {
        var attributes = MessageAttributes(again: fields)
        attributes.systemFlag = attributes.systemFlag.with(.commit)
        attributes.preparedTransactionOffset = physicalOffset
        return attributes
    }

    /// What a broker writes into the properties of halves, and nobody else.
    static let bookkeeping = [
        PropertyName.transactionCheckTimes, PropertyName.preparedQueueOffset,
    ]

    /// Its properties when the producer has been asked once more.
    var askedAgain: [UInt8] {
        var bytes = PropertyEdit.removing(Self.bookkeeping, from: properties.rawSpan)
        PropertyEdit.append(
            PropertyName.transactionCheckTimes, String(checkCount + 1), to: &bytes)
        PropertyEdit.append(PropertyName.preparedQueueOffset, String(queueOffset), to: &bytes)
        return bytes
    }
}

extension TransactionLedger {
    /// Takes in the next record of the queue of halves. Its body is not looked at.
    mutating func take(_ record: RecordView) {
        skip(to: record.queueOffset)
        let earlier = record.text(PropertyName.preparedQueueOffset).flatMap { Int64($0) }
        if isNextEnded { return found(Open(bornTimestamp: 0), earlier: earlier) }
        guard HalfMessage.isHalf(record) else { return skip(to: record.queueOffset + 1) }
        let seconds = record.text(PropertyName.checkImmunitySeconds).flatMap { Int64($0) }
        found(
            Open(bornTimestamp: record.fields.bornTimestamp, immunity: Self.immunity(seconds)),
            earlier: earlier)
    }

    /// In milliseconds; -1 stands for nothing.
    private static func immunity(_ seconds: Int64?) -> Int64? {
        guard let seconds, seconds >= 0 else { return nil }
        let (milliseconds, isOverflow) = seconds.multipliedReportingOverflow(by: 1_000)
        return isOverflow ? nil : milliseconds
    }
}

extension RecordView {
    /// The value of a property; nil when there is none of that name.
    fileprivate func text(_ name: String) -> String? {
        let properties = self.properties
        return Properties.valueRange(of: name, in: properties).map {
            String(decodingUTF8: properties.extracting($0))
        }
    }
}

extension SystemFlag {
    /// The same flag with this state of a transaction.
    fileprivate func with(_ state: Transaction) -> SystemFlag {
        SystemFlag(rawValue: rawValue & ~12 | state.rawValue)
    }
}
