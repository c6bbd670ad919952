// Requests that are written before they are sent, and how they are numbered and answered in runs.

import ApusFormat
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import ApusRemoting

@Suite("requests in runs", .timeLimit(.minutes(2))) struct RequestFramesTests {
    private static let template = RequestTemplate(
        .sendMessageV2, number: "g", last: "i", start: Array("UNIQ_KEY\u{1}7F".utf8).rawSpan
    ) { fields in
        fields.append("a", "group")
        fields.append("e", 12 as Int64)
    }

    @Test("a request from a template says the same as one that is written field by field")
    func templates() throws {
        var frames = RequestFrames()
        var places: [Int] = []
        let bodies = [[], [1], [UInt8](repeating: 7, count: 5000)]
        for (place, body) in bodies.enumerated() {
            places.append(
                frames.append(
                    Self.template, number: 1_732_700_000_123 + Int64(place), 0x00AB_CDEF, 0x01FF,
                    end: Array("\u{2}WAIT\u{1}true\u{2}".utf8).rawSpan, body: body.rawSpan))
            frames.setOpaque(Int32(100 + place), at: places[place])
        }
        places.append(frames.byteCount)
        for (place, body) in bodies.enumerated() {
            let frame = frames.bytes(places[place]..<places[place + 1])
            let command = try RemotingCommand(decoding: frame)
            let wanted: HeaderFields = [
                "a": "group", "e": "12", "g": "\(1_732_700_000_123 + place)",
                "i": "UNIQ_KEY\u{1}7F00ABCDEF01FF\u{2}WAIT\u{1}true\u{2}",
            ]
            #expect(command.requestCode == .sendMessageV2 && command.opaque == 100 + place)
            #expect(command.fields == wanted && command.body == body)
            #expect(!command.isResponse && command.serialization == .binary)
            var general = RequestFrames()
            general.append(
                .sendMessageV2,
                fields: { fields in
                    for field in wanted.all { fields.encoder.field(field.name, field.value) }
                }, body: body.rawSpan)
            general.setOpaque(Int32(100 + place), at: 0)
            let written = [UInt8](general.bytes(0..<general.byteCount))
            let wantedBytes = [UInt8](frame)
            #expect(written == wantedBytes)
        }
    }

    private func entry() -> PendingRequests.Entry {
        PendingRequests.Entry(
            code: .heartBeat, deadline: .distantFuture, timeout: .seconds(1),
            waiter: .closure { _ in })
    }

    private func run(_ count: Int, tag: Int, _ deadline: NIODeadline = .distantFuture)
        -> PendingRequests.Run
    {
        PendingRequests.Run(
            first: 0, count: count, tag: tag, code: .sendMessageV2, deadline: deadline,
            timeout: .seconds(1), receiver: Receiver())
    }

    @Test("no number is given twice while it is in use, also where numbers begin anew")
    func numbers() {
        var pending = PendingRequests()
        let first = pending.add(entry())
        pending.next = .max - 10
        let before = pending.add(run(6, tag: 0))
        #expect(before == Int32.max - 9)
        // The rest is too short, and the first number is taken.
        let behind = pending.add(run(20, tag: 100))
        #expect(first == 1 && behind == 2)
        #expect(pending.add(entry()) == 22)
        pending.next = 0
        #expect(pending.add(entry()) == 23)
        guard case .run(_, let tag) = pending.find(behind + 19) else {
            Issue.record("the run is not found")
            return
        }
        #expect(tag == 119 && pending.find(behind + 20) != nil)
        let isThere = pending.removeRun(with: behind + 3)
        #expect(isThere && pending.find(behind) == nil && pending.find(before) != nil)
    }

    @Test("runs whose time is over are taken out, and the others name the next moment")
    func expiry() {
        var pending = PendingRequests()
        let late = NIODeadline.uptimeNanoseconds(2000)
        _ = pending.add(run(3, tag: 0, .uptimeNanoseconds(1000)))
        let kept = pending.add(run(3, tag: 10, late))
        let (ended, next) = pending.expire(at: .uptimeNanoseconds(1000))
        #expect(ended.runs.map(\.tag) == [0] && ended.entries.isEmpty && next == late)
        #expect(pending.find(kept + 2) != nil)
        #expect(pending.removeAll().runs.count == 1 && pending.isEmpty)
    }

    @Test("of runs that end in any order each is found until it has ended, and no longer")
    func ends() {
        var random = SeededNumbers.printed()
        var pending = PendingRequests()
        var known: [(first: Int32, count: Int, tag: Int)] = []
        var tag = 0
        for _ in 0..<5000 {
            if known.count < 300, Int.random(in: 0..<5, using: &random) < 3 {
                let count = Int.random(in: 1...4, using: &random)
                known.append((pending.add(run(count, tag: tag)), count, tag))
                tag += count
            } else if !known.isEmpty {
                // Mostly the first one.
                let isFirst = Int.random(in: 0..<4, using: &random) > 0
                let place = isFirst ? 0 : known.indices.randomElement(using: &random) ?? 0
                let ended = known.remove(at: place)
                let isThere = pending.removeRun(with: ended.first)
                #expect(isThere && pending.find(ended.first) == nil)
            }
            #expect(pending.isEmpty == known.isEmpty)
            guard let some = known.randomElement(using: &random) else { continue }
            guard case .run(_, let tag) = pending.find(some.first + Int32(some.count - 1)) else {
                Issue.record("a run is not found")
                return
            }
            #expect(tag == some.tag + some.count - 1)
        }
        #expect(pending.removeAll().runs.count == known.count)
    }

    @Test("answers find their requests in any order, and what is not answered fails once")
    func answers() async throws {
        let processor = TestProcessor { request, connection in
            // The middle one of three has its answer twice, the last one none.
            let key = request.replyKey
            switch request.opaque % 3 {
            case 0: connection.respond(to: key, Response(.success))
            case 1:
                connection.respond(to: key, Response(.success))
                connection.respond(to: key, Response(.success))
            default: break
            }
        }
        try await withServer(processor) { address, _, _ in
            try await withClient { client in
                let connection = try await client.connection(to: address)
                let receiver = Receiver()
                var frames = RequestFrames()
                let places = (0..<9).map { _ in
                    frames.append(.sendMessageV2, fields: { _ in }, body: [UInt8]().rawSpan)
                }
                let first = connection.beginRun(
                    of: 9, .sendMessageV2, tag: 50, timeout: .milliseconds(200),
                    receiver: receiver)
                for (place, start) in places.enumerated() {
                    frames.setOpaque(first + Int32(place), at: start)
                }
                let isGone = connection.send(run: first, frames.bytes(0..<frames.byteCount))
                #expect(isGone)
                #expect(await eventually { receiver.failed.count == 1 })
                let silent = Set((0..<9).filter { (Int(first) + $0) % 3 == 2 }.map { 50 + $0 })
                #expect(Set(receiver.answered) == Set(50..<59).subtracting(silent))
                #expect(receiver.answered.count == 9)
                #expect(receiver.failed == [50..<59])
                #expect(!connection.hasPendingRequests)
                let isOver = Mutex(false)
                connection.onClose { isOver.withLock { $0 = true } }
                connection.close(reason: "the test ends it")
                // Until then the end of the connection may be what answers for the run.
                #expect(await eventually { isOver.withLock { $0 } })
                let again = connection.beginRun(
                    of: 1, .sendMessageV2, tag: 0, timeout: .seconds(5), receiver: receiver)
                let isSent = connection.send(run: again, frames.bytes(0..<frames.byteCount))
                #expect(!isSent && receiver.failed.count == 1)
            }
        }
    }

    @Test("of a run whose receiver has had all answers nothing is kept")
    func through() async throws {
        try await withServer(TestProcessor.echo) { address, _, _ in
            try await withClient { client in
                let connection = try await client.connection(to: address)
                let receiver = Receiver(of: 3)
                var frames = RequestFrames()
                let places = (0..<3).map { _ in
                    frames.append(.sendMessageV2, fields: { _ in }, body: [UInt8]().rawSpan)
                }
                let first = connection.beginRun(
                    of: 3, .sendMessageV2, tag: 0, timeout: .seconds(60), receiver: receiver)
                for place in 0..<3 { frames.setOpaque(first + Int32(place), at: places[place]) }
                #expect(connection.hasPendingRequests)
                let isSent = connection.send(run: first, frames.bytes(0..<frames.byteCount))
                let isThrough = await eventually { !connection.hasPendingRequests }
                #expect(isSent && isThrough && receiver.answered == [0, 1, 2])
            }
        }
    }
}

/// Keeps what it hears.
private final class Receiver: RunReceiver {
    private let heard = Mutex((answered: [Int](), failed: [Range<Int>]()))
    private let limit: Int

    /// Says after so many answers that all have come.
    init(of limit: Int = .max) { self.limit = limit }

    var answered: [Int] { heard.withLock { $0.answered } }
    var failed: [Range<Int>] { heard.withLock { $0.failed } }

    func receive(_ response: borrowing Request, tag: Int, on connection: Connection) -> Bool {
        heard.withLock { heard in
            heard.answered.append(tag)
            return heard.answered.count == limit
        }
    }

    func fail(_ tags: Range<Int>, _ failure: RemotingError) {
        heard.withLock { $0.failed.append(tags) }
    }
}
