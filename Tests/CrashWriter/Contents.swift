// What a store serves, read through its queues as consumers would, and held against itself.

import ApusFormat
import ApusStore

/// All messages of an open store in the order of the log.
struct Contents {
    struct Found {
        let sequence: UInt64
        let physicalOffset: Int64
        let byteCount: Int
        let queueOffset: Int64
        let bodyChecksum: UInt32
        let place: QueueName
        let key: String?

        var physicalEnd: Int64 { physicalOffset + Int64(byteCount) }
    }

    private(set) var found: [Found] = []
    private(set) var ends: [QueueName: Int64] = [:]
    /// Digest after each message.
    private(set) var digests: [UInt64] = []
    private(set) var end: Int64 = 0
    private(set) var violations: [String] = []

    private let payload: Payload
    private let segmentByteCount: Int64

    init(_ store: MessageStore, _ plan: Plan) throws(StoreError) {
        payload = Payload(seed: plan.seed)
        segmentByteCount = Int64(plan.configuration.commitLog.segmentByteCount)
        for name in try store.queues() { try readAll(name, of: store) }
        found.sort { $0.physicalOffset < $1.physicalOffset }
        end = store.published
        checkContiguity(from: store.physicalMinimum)
        for range in store.damagedRanges { violations.append("I2: damage in the log: \(range)") }
        var digest: UInt64 = 0x6A09_E667_F3BC_C908
        for one in found {
            for word in [
                one.sequence, UInt64(bitPattern: one.physicalOffset),
                UInt64(bitPattern: one.queueOffset), UInt64(one.bodyChecksum),
            ] {
                digest = (digest ^ word) &* 0x0000_0100_0000_01B3
                digest ^= digest >> 29
            }
            digests.append(digest)
        }
    }

    /// The digest over the first `count` messages.
    func digest(_ count: Int) -> UInt64 { count == 0 ? 0 : digests[count - 1] }

    private mutating func readAll(_ name: QueueName, of store: MessageStore) throws(StoreError) {
        let queue = try store.queue(topic: name.topic, id: name.id)
        let last = try store.maximumOffset(queue)
        ends[name] = last
        var next = try store.minimumOffset(queue)
        if next != 0, last > 0 {
            violations.append("I4: \(name) begins at \(next), though nothing was deleted")
        }
        while next < last {
            let batch: MessageBatch
            do throws(StoreError) {
                batch = try store.read(queue, from: next, count: 512, byteCount: 4 << 20)
            } catch {
                violations.append("I10: \(name) offset \(next) cannot be read: \(error)")
                return
            }
            for message in try batch.messages() {
                if message.queueOffset != next {
                    violations.append(
                        "I4: \(name) offset \(next) answers message \(message.queueOffset)")
                }
                next = message.queueOffset + 1
                take(message, in: name)
            }
            if batch.isEmpty {
                violations.append("I4: \(name) has nothing from \(next) to \(last)")
                return
            }
        }
    }

    /// Holds one message against what its writer made.
    private mutating func take(_ message: StoredMessage, in name: QueueName) {
        let place = "\(name) offset \(message.queueOffset) at \(message.physicalOffset)"
        guard let sequence = payload.sequence(in: message.body) else {
            violations.append("I3: \(place) has a body that no writer made")
            return
        }
        let made = payload.message(sequence)
        let isSame =
            made.body == message.body && payload.place(of: sequence) == name
            && message.topic == name.topic && message.queueID == name.id
            && made.properties.allSatisfy { message.property($0.name) == $0.value }
        if !isSame {
            violations.append("I3: \(place) is not as message \(sequence) was submitted")
        }
        found.append(
            Found(
                sequence: sequence, physicalOffset: message.physicalOffset,
                byteCount: message.byteCount, queueOffset: message.queueOffset,
                bodyChecksum: checksum(message.body), place: name, key: message.keys.first))
    }

    /// Each record begins where the one before ends, or in the next file when it did not fit there:
    /// no record of the log is missing from the queues. Whether a blank fills the rest of a file is
    /// for the verification to say; what did not fit may have been lost with its writer.
    private mutating func checkContiguity(from start: Int64) {
        var expected = start
        for one in found {
            if one.physicalOffset != expected, !isBlank(from: expected, to: one.physicalOffset) {
                violations.append(
                    "I2: no message from \(expected) on, where one is at \(one.physicalOffset)")
            }
            expected = one.physicalEnd
        }
        if end != expected, !isBlank(from: expected, to: end) {
            violations.append("I2: the log ends at \(end), its last message at \(expected)")
        }
    }

    /// The most that one append takes, batches with all of their properties.
    private static let largestAppend: Int64 = 72 << 10

    private func isBlank(from start: Int64, to end: Int64) -> Bool {
        let boundary = (start / segmentByteCount + 1) * segmentByteCount
        return end == boundary && end - start < Self.largestAppend
    }
}
