// What a message says of itself beside its body, as brokers and consumers read it.

internal import ApusFormat

/// Checks and writes the properties of messages.
enum PropertyText {
    /// Names that mean something to RocketMQ, which applications must leave alone.
    static let reserved: Set<String> = [
        PropertyName.keys, PropertyName.tags, PropertyName.waitsForStore,
        PropertyName.delayLevel, PropertyName.retryTopic, PropertyName.realTopic,
        PropertyName.realQueueID, PropertyName.transactionPrepared, PropertyName.producerGroup,
        PropertyName.minimumOffset, PropertyName.maximumOffset, PropertyName.buyerID,
        PropertyName.originMessageID, PropertyName.transferFlag, PropertyName.correctionFlag,
        PropertyName.mq2Flag, PropertyName.reconsumeTimes, PropertyName.region,
        PropertyName.traceSwitch, PropertyName.uniqueKey, PropertyName.uniqueInfo,
        PropertyName.maximumReconsumeTimes, PropertyName.consumeStartTime,
        PropertyName.innerCount, PropertyName.innerFirst, PropertyName.duplicateInfo,
        PropertyName.checkImmunitySeconds, PropertyName.preparedQueueOffset,
        PropertyName.transactionID, PropertyName.transactionCheckTimes, PropertyName.instanceID,
        PropertyName.correlationID, PropertyName.replyToClient, PropertyName.timeToLive,
        PropertyName.replyArriveTime, PropertyName.pushReplyTime, PropertyName.cluster,
        "__CRC32#",
    ]

    /// Bytes of all properties of a record, at most.
    static let limit = RecordLayout.maximumPropertiesLength

    /// Appends the properties of a message with this id; `extra` are the client's own.
    static func write(
        _ message: Message, _ id: UniqueID, _ extra: [Property] = [], into bytes: inout [UInt8]
    ) {
        bytes.reserveCapacity(bytes.count + size(of: message, extra))
        append(PropertyName.uniqueKey, to: &bytes) { id.appendText(to: &$0) }
        writeEnd(message.tag, waits: message.waitsForStore, into: &bytes)
        if !message.keys.isEmpty {
            append(PropertyName.keys, to: &bytes) { bytes in
                for (place, key) in message.keys.enumerated() {
                    if place > 0 { bytes.append(UInt8(ascii: " ")) }
                    bytes.append(contentsOf: key.utf8)
                }
            }
        }
        if message.delayLevel > 0 {
            append(PropertyName.delayLevel, "\(message.delayLevel)", to: &bytes)
        }
        for property in extra { append(property.name, property.value, to: &bytes) }
        if message.properties.isEmpty { return }
        for (name, value) in message.properties.sorted(by: { $0.key < $1.key }) {
            append(name, value, to: &bytes)
        }
    }

    /// Appends what follows the id.
    static func writeEnd(_ tag: String?, waits: Bool, into bytes: inout [UInt8]) {
        append(PropertyName.waitsForStore, waits ? "true" : "false", to: &bytes)
        if let tag { append(PropertyName.tags, tag, to: &bytes) }
    }

    /// About how many bytes that will be: never fewer.
    static func size(of message: Message, _ extra: [Property] = []) -> Int {
        var size = 96 + (message.tag?.utf8.count ?? 0)
        for key in message.keys { size += key.utf8.count + 1 }
        for property in extra { size += property.name.utf8.count + property.value.utf8.count + 2 }
        for (name, value) in message.properties { size += name.utf8.count + value.utf8.count + 2 }
        return size
    }

    private static func append(_ name: String, _ value: String, to bytes: inout [UInt8]) {
        append(name, to: &bytes) { $0.append(contentsOf: value.utf8) }
    }

    private static func append(
        _ name: String, to bytes: inout [UInt8], _ write: (inout [UInt8]) -> Void
    ) {
        bytes.append(contentsOf: name.utf8)
        bytes.append(Properties.nameEnd)
        write(&bytes)
        bytes.append(Properties.valueEnd)
    }
}

extension String {
    /// Whether it would be taken for two tags.
    fileprivate var hasDoubleBar: Bool {
        var last: UInt8 = 0
        for byte in utf8 {
            if byte == UInt8(ascii: "|"), last == byte { return true }
            last = byte
        }
        return false
    }
}

extension Message {
    /// Not the bytes that end names and values.
    private static func mayStand(_ byte: UInt8) -> Bool {
        byte != Properties.nameEnd && byte != Properties.valueEnd
    }

    /// Throws for what brokers would refuse, or readers misunderstand.
    ///
    /// `topicIsGood`: it was checked before.
    func check(
        bodyLimit: Int, topicIsGood: Bool = false, _ attempt: @autoclosure () -> String
    ) throws(ClientError) {
        func refuse(_ reason: String) -> ClientError {
            ClientError(.invalidMessage, attempt(), reason)
        }
        if !topicIsGood { try Names.check(topic: topic, attempt()) }
        if body.isEmpty { throw refuse("the body is empty, which brokers refuse") }
        if body.count > bodyLimit {
            throw refuse(
                "the body has \(body.count) bytes, above the \(bodyLimit) of maximumMessageBytes")
        }
        if delayLevel < 0 { throw refuse("delay level \(delayLevel) is none: from 1, or 0") }
        if let tag, tag.isEmpty || !tag.utf8.allSatisfy(Self.mayStand) || tag.hasDoubleBar {
            throw refuse("\"\(tag)\" is no tag: not empty, without || and control characters")
        }
        for key in keys
        where key.isEmpty || !key.utf8.allSatisfy({ Self.mayStand($0) && $0 != 0x20 }) {
            throw refuse("\"\(key)\" is no key: not empty, without blanks and control characters")
        }
        for (name, value) in properties {
            if PropertyText.reserved.contains(name) {
                throw refuse("the property \(name) is RocketMQ's own: choose another name")
            }
            if value.isEmpty || !Properties.isEncodable(name: name, value: value) {
                throw refuse(
                    "the property \"\(name)\" has no name, no value, or a byte 1 or 2 in them")
            }
        }
        if PropertyText.size(of: self) > PropertyText.limit {
            throw refuse("tag, keys and properties have more than \(PropertyText.limit) bytes")
        }
    }
}
