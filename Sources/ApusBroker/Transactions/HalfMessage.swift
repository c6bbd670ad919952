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
    /// Milliseconds from its birth before which nobody is asked; nil: as the broker is set.
    let immunity: Int64?
    /// The half that this one was written anew for, by its number in the queue of halves.
    let earlier: Int64?
    let fields: RecordFields
    let body: [UInt8]
    let properties: [UInt8]

    var queueOffset: Int64 { fields.queueOffset }
    var physicalOffset: Int64 { fields.physicalOffset }

    /// Nil for a record that is no half.
    init?(_ record: RecordView) {
        guard String(decodingUTF8: record.topic) == WellKnownName.halfMessages else { return nil }
        let named = Dictionary(
            MessageProperties.decode(record.properties).map { ($0.name, $0.value) }
        ) { $1 }
        guard let topic = named[PropertyName.realTopic],
            let queueID = named[PropertyName.realQueueID].flatMap({ Int32($0) })
        else { return nil }
        self.topic = topic
        self.queueID = queueID
        producerGroup = named[PropertyName.producerGroup] ?? ""
        uniqueID = named[PropertyName.uniqueKey] ?? ""
        checkCount = named[PropertyName.transactionCheckTimes].flatMap { Int($0) } ?? 0
        immunity = named[PropertyName.checkImmunitySeconds].flatMap { Self.milliseconds($0) }
        earlier = named[PropertyName.preparedQueueOffset].flatMap { Int64($0) }
        fields = record.fields
        body = [UInt8](record.body)
        properties = [UInt8](record.properties)
    }

    /// Seconds as text; -1 and what is no number stand for nothing.
    private static func milliseconds(_ text: String) -> Int64? {
        guard let seconds = Int64(text), seconds >= 0 else { return nil }
        return seconds.multipliedReportingOverflow(by: 1_000).overflow ? nil : seconds * 1_000
    }

    /// What a half is appended with: its record is in a queue, so it is none to the store.
    static func attributes(_ attributes: MessageAttributes) -> MessageAttributes {
        var plain = attributes
        plain.systemFlag = plain.systemFlag.with(.none)
        return plain
    }

    /// What the message is appended with when it is to be delivered.
    var committed: MessageAttributes {
        var attributes = again
        attributes.systemFlag = attributes.systemFlag.with(.commit)
        attributes.preparedTransactionOffset = physicalOffset
        return attributes
    }

    /// What the half is appended with when it is written anew.
    var again: MessageAttributes {
        MessageAttributes(
            flag: fields.flag, systemFlag: fields.systemFlag, bornTimestamp: fields.bornTimestamp,
            bornHost: fields.bornHost, reconsumeTimes: fields.reconsumeTimes)
    }

    /// Its properties when the producer has been asked once more.
    var askedAgain: [UInt8] {
        var bytes = PropertyEdit.removing(
            [PropertyName.transactionCheckTimes, PropertyName.preparedQueueOffset],
            from: properties.rawSpan)
        PropertyEdit.append(
            PropertyName.transactionCheckTimes, String(checkCount + 1), to: &bytes)
        PropertyEdit.append(PropertyName.preparedQueueOffset, String(queueOffset), to: &bytes)
        return bytes
    }
}

extension SystemFlag {
    /// The same flag with this state of a transaction.
    fileprivate func with(_ state: Transaction) -> SystemFlag {
        SystemFlag(rawValue: rawValue & ~12 | state.rawValue)
    }
}
