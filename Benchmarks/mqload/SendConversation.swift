// Sends, single or in batches, as RocketMQ's Java client makes them.

import ApusFormat
import ApusRemoting
import ApusStore
import Foundation
import NIOCore

/// What is sent.
struct SendPlan: Sendable {
    let topic: String
    let queues: Int
    let bodyByteCount: Int
    /// Messages in a request; above 1 it is a SEND_BATCH_MESSAGE.
    let batch: Int
    let serialization: HeaderSerialization
    /// What all messages say of their birth, in milliseconds since 1970: when the run began.
    let bornMilliseconds = Int64(Date.now.timeIntervalSince1970 * 1000)
    /// Marks the bodies of this run, followed by when each was due: nil for bodies of zeros and
    /// ones.
    var stamp: UInt64?

    static let stampByteCount = 16
}

extension SendPlan {
    /// To the topic of `broker`, with bodies and headers of `plan`.
    init(_ plan: LoadPlan, _ broker: LoadedBroker, batch: Int, stamp: UInt64? = nil) {
        self.init(
            topic: broker.topic, queues: broker.queues, bodyByteCount: plan.body, batch: batch,
            serialization: plan.serialization, stamp: stamp)
    }
}

/// Sends to all queues in turn.
struct SendConversation: Conversation {
    private var stream = CommandStream()
    private var tickets: Tickets
    private var template: FrameTemplate
    private let queues: Int
    private let batch: Int
    private var queue: Int
    private var key: UInt32 = 0
    private let queuePlace: Int
    private let keyPlaces: [Int]
    private let stampPlaces: [Int]

    /// Of a key, before the four digits of the connection and the eight of the message.
    private static let keyHead = "7F00000100003B9AC9FF"
    private static let queueDigits = 6

    /// `number`, below 65,536, tells this connection's keys and first queue from those of others.
    init(_ plan: SendPlan, slots: Int, number: Int) {
        tickets = Tickets(slots: slots)
        queues = plan.queues
        batch = plan.batch
        queue = number % plan.queues
        let digits = String(number & 0xFFFF, radix: 16, uppercase: true)
        let keyHead = Self.keyHead + String(repeating: "0", count: 4 - digits.count) + digits
        template = FrameTemplate(Self.command(plan, keyHead: keyHead))
        let queuePlace = template.places(of: "QUEUEX").first ?? 0
        self.queuePlace = queuePlace
        keyPlaces = template.places(of: keyHead).map { $0 + keyHead.utf8.count }
        if let stamp = plan.stamp {
            let places = template.places(of: String(repeating: "#", count: SendPlan.stampByteCount))
            for place in places { template.store(stamp, byteCount: 8, at: place) }
            stampPlaces = places.map { $0 + 8 }
        } else {
            stampPlaces = []
        }
    }

    private static func command(_ plan: SendPlan, keyHead: String) -> RemotingCommand {
        let properties = Properties.encode([
            Property(name: PropertyName.uniqueKey, value: keyHead + "00000000"),
            Property(name: "WAIT", value: "true"),
            Property(name: "TAGS", value: "load"),
        ])
        var body = (0..<plan.bodyByteCount).map { UInt8(truncatingIfNeeded: $0 & 1) }
        if plan.stamp != nil {
            body.replaceSubrange(
                0..<SendPlan.stampByteCount,
                with: Array(repeating: UInt8(ascii: "#"), count: SendPlan.stampByteCount))
        }
        var frames: [UInt8] = []
        for _ in 0..<plan.batch where plan.batch > 1 {
            ClientBatch.encode(
                flag: 0, body: body.span.bytes, properties: properties.span.bytes, into: &frames)
        }
        let isBatch = plan.batch > 1
        var command = RemotingCommand.request(
            isBatch ? .sendBatchMessage : .sendMessageV2,
            fields: [
                "a": "mqload-producers", "b": plan.topic, "c": "TBW102", "d": "8", "e": "QUEUEX",
                "f": "0", "g": "\(plan.bornMilliseconds)", "h": "0",
                "i": isBatch ? "" : String(decoding: properties, as: UTF8.self), "j": "0",
                "k": "false", "m": isBatch ? "true" : "false", "n": "mqload",
            ], body: isBatch ? frames : body)
        command.language = .java
        command.serialization = plan.serialization
        return command
    }

    var slots: Int { tickets.slots }

    mutating func ask(slot: Int, due: Int64, into out: inout ByteBuffer) {
        template.set(opaque: tickets.next(slot: slot))
        template.set(decimal: Int64(queue), digits: Self.queueDigits, at: queuePlace)
        queue = queue + 1 == queues ? 0 : queue + 1
        for place in keyPlaces {
            key &+= 1
            template.set(hexadecimal: key, at: place)
        }
        for place in stampPlaces {
            template.store(UInt64(bitPattern: due), byteCount: 8, at: place)
        }
        out.writeBytes(template.bytes)
    }

    mutating func hear(
        _ bytes: RawSpan, at now: Int64, _ answered: (_ slot: Int, _ answer: Answer) -> Void
    ) throws {
        var stray: Int32?
        let tickets = tickets
        let batch = batch
        try stream.take(bytes) { answer in
            guard answer.isResponse, let slot = tickets.slot(of: answer.opaque) else {
                stray = answer.opaque
                return
            }
            let code = answer.code.rawValue
            answered(slot, code == 0 ? .messages(batch) : .refused(code))
        }
        if let stray { throw BadAnswer("an answer to request \(stray), which was not asked") }
    }
}
