// What writers wrote, and how any of it can be made again: what readers are held against.

import ApusFormat
import Synchronization
import TestSupport

@testable import ApusStore

/// The messages of one topic. Each can be made from the seed, its queue and its offset.
final class WrittenMessages: Sendable {
    /// Where a message went. Of a batch only the first message's physical offset is known.
    struct Place: Sendable {
        let physicalOffset: Int64?
        let timestamp: Int64
    }

    static let topic = "T"
    static let queueCount: Int32 = 2

    private let seed: UInt64
    private let places = Mutex<[[Place]]>(Array(repeating: [], count: Int(queueCount)))

    init(seed: UInt64) { self.seed = seed }

    func message(_ queue: Int32, _ offset: Int64) -> Message {
        Message(
            topic: Self.topic, queueID: queue, body: body(queue, offset), tags: Self.tag(offset),
            keys: [Self.key(queue, offset)],
            properties: [Property(name: PropertyName.uniqueKey, value: Self.id(queue, offset))])
    }

    static func tag(_ offset: Int64) -> String { "tag\(offset % 3)" }
    static func key(_ queue: Int32, _ offset: Int64) -> String { "key\(queue)-\(offset)" }
    static func id(_ queue: Int32, _ offset: Int64) -> String { "ID\(queue)-\(offset)" }

    private func body(_ queue: Int32, _ offset: Int64) -> [UInt8] {
        var numbers = SeededNumbers(seed: seed ^ UInt64(queue + 1) << 40 ^ UInt64(offset))
        let first = numbers.next()
        let count = Int(first >> 8 % (first & 7 == 0 ? 1_500 : 200))
        return (0..<count).map { UInt8(truncatingIfNeeded: first >> 24 &+ UInt64($0 * $0)) }
    }

    func count(_ queue: Int32) -> Int64 { places.withLock { Int64($0[Int(queue)].count) } }

    func note(_ queue: Int32, _ new: [Place]) {
        places.withLock { $0[Int(queue)].append(contentsOf: new) }
    }

    /// Nil when the message is not noted yet, or does not exist.
    func place(_ queue: Int32, _ offset: Int64) -> Place? {
        places.withLock { all in
            let queue = all[Int(queue)]
            return queue.indices.contains(Int(offset)) ? queue[Int(offset)] : nil
        }
    }

    /// What is wrong with a record that was read; nil for nothing.
    func fault(in record: RecordView) -> String? {
        let (queue, offset) = (record.queueID, record.queueOffset)
        guard (0..<Self.queueCount).contains(queue), offset >= 0 else {
            return "a record of queue \(queue) at \(offset)"
        }
        guard record.body.isEqual(to: body(queue, offset).rawSpan) else {
            return "another body in \(queue)/\(offset)"
        }
        if let known = place(queue, offset)?.physicalOffset, known != record.physicalOffset {
            return "\(queue)/\(offset) at \(record.physicalOffset), not at \(known)"
        }
        return nil
    }

    /// The same for a copy of a message, all of it.
    func fault(in message: StoredMessage) -> String? {
        let (queue, offset) = (message.queueID, message.queueOffset)
        guard (0..<Self.queueCount).contains(queue), offset >= 0 else {
            return "a message of queue \(queue) at \(offset)"
        }
        let wanted = self.message(queue, offset)
        guard message.topic == wanted.topic, message.body == wanted.body,
            message.properties == wanted.properties
        else { return "another message in \(queue)/\(offset)" }
        if let known = place(queue, offset) {
            if let physical = known.physicalOffset, physical != message.physicalOffset {
                return "\(queue)/\(offset) at \(message.physicalOffset), not at \(physical)"
            }
            if known.timestamp != message.storeTimestamp {
                return "\(queue)/\(offset) of \(message.storeTimestamp), not of \(known.timestamp)"
            }
        }
        return nil
    }
}
