// Pulls, each slot from a place of its own.

import ApusFormat
import ApusRemoting
import Histogram
import NIOCore

/// What is pulled.
struct PullPlan: Sendable {
    let topic: String
    /// Messages asked for at a time.
    let count: Int
    let serialization: HeaderSerialization
    /// Milliseconds that a pull waits for a message; 0: it does not.
    var waitMilliseconds: Int64 = 0
    /// The mark of messages whose age is told; those of others are passed over.
    var stamp: UInt64?
}

/// A place from which a slot reads.
struct PullPlace: Sendable {
    let queue: Int
    /// To which it goes back at the end of the queue, unless pulls wait there.
    let first: Int64
    var offset: Int64
}

/// Pulls and counts what comes; looks closely at the first answer of each slot, or at every one
/// when messages have a stamp.
struct PullConversation: Conversation {
    private var stream = CommandStream()
    private var tickets: Tickets
    private var template: FrameTemplate
    private let plan: PullPlan
    private var places: [PullPlace]
    private var wasChecked: [Bool]
    private let queuePlace: Int
    private let offsetPlace: Int
    private let times: Times.OfLoop

    private static let queueDigits = 6
    private static let offsetDigits = 18

    /// The ages of messages with the stamp, from when each was due, are latencies of `times`.
    init(_ plan: PullPlan, places: [PullPlace], _ times: Times.OfLoop) {
        self.plan = plan
        self.times = times
        self.places = places
        tickets = Tickets(slots: places.count)
        wasChecked = Array(repeating: false, count: places.count)
        let waits = plan.waitMilliseconds > 0
        var command = RemotingCommand.request(
            .pullMessage,
            fields: [
                "consumerGroup": "mqload-consumers", "topic": plan.topic, "queueId": "QUEUEX",
                "queueOffset": "OFFSETXXXXXXXXXXXX", "maxMsgNums": "\(plan.count)",
                "sysFlag": waits ? "6" : "4", "commitOffset": "0",
                "suspendTimeoutMillis": "\(plan.waitMilliseconds)", "subscription": "*",
                "subVersion": "0", "expressionType": "TAG", "bname": "mqload",
            ])
        command.language = .java
        command.serialization = plan.serialization
        template = FrameTemplate(command)
        queuePlace = template.places(of: "QUEUEX").first ?? 0
        offsetPlace = template.places(of: "OFFSETXXXXXXXXXXXX").first ?? 0
    }

    var slots: Int { tickets.slots }

    /// A pull that waits for its message tells nothing by how long it waited.
    var isTimingItself: Bool { plan.stamp != nil }

    mutating func ask(slot: Int, due: Int64, into out: inout ByteBuffer) {
        let place = places[slot]
        template.set(opaque: tickets.next(slot: slot))
        template.set(decimal: Int64(place.queue), digits: Self.queueDigits, at: queuePlace)
        template.set(decimal: place.offset, digits: Self.offsetDigits, at: offsetPlace)
        out.writeBytes(template.bytes)
    }

    mutating func hear(
        _ bytes: RawSpan, at now: Int64, _ answered: (_ slot: Int, _ answer: Answer) -> Void
    ) throws {
        var problem: BadAnswer?
        var stream = CommandStream()
        swap(&stream, &self.stream)
        defer { swap(&stream, &self.stream) }
        try stream.take(bytes) { answer in
            guard answer.isResponse, let slot = tickets.slot(of: answer.opaque) else {
                problem = BadAnswer("an answer to request \(answer.opaque), which was not asked")
                return
            }
            do { answered(slot, try take(answer, slot, now)) } catch let error as BadAnswer {
                problem = error
            } catch {
                problem = BadAnswer("\(error)")
            }
        }
        if let problem { throw problem }
    }

    private mutating func take(
        _ answer: borrowing Request, _ slot: Int, _ now: Int64
    ) throws -> Answer {
        let place = places[slot]
        switch answer.code.rawValue {
        case 0:
            let next = try answer.int64("nextBeginOffset")
            let found = try records(in: answer.body, slot, now)
            guard next == place.offset + Int64(found) else {
                throw BadAnswer(
                    "\(found) messages from \(place.offset) on, but \(next) comes next: other tags"
                        + " or damage")
            }
            places[slot].offset = next
            return .messages(found)
        case 19:
            // The end. Who does not wait there begins again.
            if plan.waitMilliseconds == 0 { places[slot].offset = place.first }
            return .nothing
        case let code:
            if let next = try? answer.int64("nextBeginOffset") { places[slot].offset = next }
            return .refused(code)
        }
    }

    /// Goes over the records by their lengths.
    private mutating func records(
        in body: RawSpan, _ slot: Int, _ now: Int64
    ) throws -> Int {
        let looksClosely = plan.stamp != nil || !wasChecked[slot]
        wasChecked[slot] = true
        var count = 0
        var start = 0
        while start < body.byteCount {
            guard body.byteCount - start >= 4 else { throw BadAnswer("half a record") }
            let size = Int(body.loadBigEndian(Int32.self, at: start))
            guard size > 0, size <= body.byteCount - start else {
                throw BadAnswer("a record of \(size) bytes, where \(body.byteCount - start) are")
            }
            if looksClosely { try inspect(body.extracting(start..<start + size), now) }
            start += size
            count += 1
        }
        return count
    }

    private mutating func inspect(_ record: RawSpan, _ now: Int64) throws {
        guard
            case .record(let frame) = RecordInspection.inspect(
                record, at: 0, physicalOffset: 0, checks: .bodyChecksum)
        else { throw BadAnswer("a record that is damaged") }
        guard String(decodingUTF8: frame.topic(in: record)) == plan.topic else {
            throw BadAnswer("a record of another topic")
        }
        let body = frame.body(in: record)
        guard let stamp = plan.stamp, body.byteCount >= SendPlan.stampByteCount,
            body.loadBigEndian(UInt64.self, at: 0) == stamp
        else { return }
        times.value.latency.record(now - body.loadBigEndian(Int64.self, at: 8))
    }
}
