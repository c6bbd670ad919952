// Messages that a number makes again, and what the model remembers of them.

import ApusFormat
import ApusStore
import TestSupport

/// One message as it was handed to the store.
struct SentMessage: Sendable {
    /// Unlike that of any other message of the run.
    let number: Int
    let queue: QueueName
    let bodyByteCount: Int
    let transaction: SystemFlag.Transaction
    /// As it was handed over. Made once: comparisons ask for it all the time.
    let message: Message

    init(number: Int, _ numbers: inout SeededNumbers, queue: QueueName, plain: Bool = false) {
        self.number = number
        self.queue = queue
        bodyByteCount =
            Int.random(in: 0..<10, using: &numbers) == 0
            ? Int.random(in: 600...1600, using: &numbers) : Int.random(in: 0...200, using: &numbers)
        let transactions: [SystemFlag.Transaction] = [.prepared, .commit, .rollback]
        transaction =
            !plain && Int.random(in: 0..<12, using: &numbers) == 0
            ? transactions.randomElement(using: &numbers) ?? .none : .none
        message = Self.message(
            number, queue, Self.body(number, byteCount: bodyByteCount), transaction)
    }

    var isQueued: Bool { transaction == .none || transaction == .commit }
    var isIndexed: Bool { transaction != .rollback }

    /// The number, and bytes that follow from it.
    private static func body(_ number: Int, byteCount: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        var value = UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15
        while bytes.count < byteCount {
            value = value &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            bytes.append(UInt8(truncatingIfNeeded: value >> 56))
        }
        return bytes
    }

    /// Every third has one key of its own and one that it shares.
    var keys: [String] { Self.keys(number) }
    var uniqueKey: String? { Self.uniqueKey(number) }

    private static func keys(_ number: Int) -> [String] {
        number % 3 == 0 ? ["k\(number)", "shared\(number % 4)"] : []
    }
    private static func uniqueKey(_ number: Int) -> String? {
        number % 5 == 0 ? "unique\(number)" : nil
    }
    private static func tag(_ number: Int) -> String? {
        number % 2 == 0 ? "tag\(number % 3)" : nil
    }

    private static func message(
        _ number: Int, _ queue: QueueName, _ body: [UInt8], _ transaction: SystemFlag.Transaction
    ) -> Message {
        var properties: [Property] = []
        if let key = uniqueKey(number) {
            properties.append(Property(name: "UNIQ_KEY", value: key))
        }
        return Message(
            topic: queue.topic, queueID: queue.id, body: body, tags: tag(number),
            keys: keys(number),
            properties: properties,
            attributes: MessageAttributes(
                flag: Int32(number % 7),
                systemFlag: SystemFlag(rawValue: transaction.rawValue), bornTimestamp: 1))
    }

    /// Bytes of its record.
    func recordByteCount(checksum: Bool) -> Int {
        var properties = Properties.encode(message.properties)
        if checksum {
            if let last = properties.last, last != 2 { properties.append(2) }
            properties += [UInt8](repeating: 0, count: ChecksumProperty.byteCount)
        }
        return RecordFrame(
            version: .v1, systemFlag: message.attributes.systemFlag, bodyLength: bodyByteCount,
            topicLength: queue.topic.utf8.count, propertiesLength: properties.count
        ).totalSize
    }
}

/// A message and the place that it was given.
struct PlacedMessage: Sendable {
    let sent: SentMessage
    let physicalOffset: Int64
    let byteCount: Int
    let queueOffset: Int64
    let storeTimestamp: Int64

    var end: Int64 { physicalOffset + Int64(byteCount) }
}
