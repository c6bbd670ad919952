// What `mqload` says and hears, without a broker.

import ApusRemoting
import Bench
import NIOCore
import TestSupport
import Testing

@testable import mqload

@Suite("what mqload says and hears") struct ConversationTests {
    @Test("an answer finds its slot by its number, and only once its request was asked")
    func tickets() {
        var tickets = Tickets(slots: 3)
        #expect(tickets.slot(of: Tickets.first + 3) == nil)
        let first = tickets.next(slot: 2)
        #expect(tickets.slot(of: first) == 2)
        let second = tickets.next(slot: 2)
        #expect(tickets.slot(of: first) == nil && tickets.slot(of: second) == 2)
        #expect(String(first).count == 10 && tickets.slot(of: -1) == nil)
    }

    @Test("frames are counted however they are cut", arguments: [1, 2, 3, 5, 1000])
    func frameCounter(piece: Int) {
        let bytes = [0, 0, 0, 2, 9, 9, 0, 0, 0, 1, 9, 0, 0, 0, 3, 9, 9, 9, 0, 0].map { UInt8($0) }
        var counter = FrameCounter()
        var count = 0
        for start in stride(from: 0, to: bytes.count, by: piece) {
            let end = min(bytes.count, start + piece)
            count += counter.take(bytes.span.bytes.extracting(start..<end))
        }
        #expect(count == 3)
    }

    @Test("keys differ on all connections that a broker takes")
    func keys() throws {
        let plan = SendPlan(
            topic: "orders", queues: 4, bodyByteCount: 8, batch: 1, serialization: .json)
        let numbers = [0, 1, 255, 256, 512, 19_998]
        var properties: Set<String> = []
        for number in numbers {
            var talk = SendConversation(plan, slots: 1, number: number)
            for _ in 0..<2 {
                var out = ByteBuffer()
                talk.ask(slot: 0, due: 0, into: &out)
                let command = try RemotingCommand(decoding: out.readableBytesSpan)
                properties.insert(try command.fields.string("i"))
            }
        }
        #expect(properties.count == numbers.count * 2)
        let key = try #require(properties.first?.split(separator: "\u{1}")[1])
        #expect(key.prefix { $0 != "\u{2}" }.count == 32)
    }

    @Test(
        "the number that is written over a frame is read from it",
        arguments: [HeaderSerialization.json, .binary])
    func template(serialization: HeaderSerialization) throws {
        var command = RemotingCommand.request(.heartBeat, fields: ["opaque": "1000000000"])
        command.serialization = serialization
        var template = FrameTemplate(command)
        for number: Int32 in [Tickets.first, 1_234_567_890, .max] {
            template.set(opaque: number)
            let read = try RemotingCommand(decoding: template.bytes.span.bytes)
            #expect(read.opaque == number && read.fields == command.fields)
        }
    }

    @Test("what fails at the bare server makes the result wrong")
    func roofline() throws {
        var good = Tally()
        good.requests = 1
        good.messages = 1
        var bad = good
        bad.unanswered = 1
        for (tally, isRight) in [(good, true), (bad, false), (Tally(), false)] {
            let plan = try LoadPlan(Options([], allowed: []))
            var rounds = Rounds(plan, name: "produce")
            rounds.add(
                PhaseResult(tally: good, times: Times(), start: 0),
                beside: PhaseResult(tally: tally, times: Times(), start: 0))
            let result = rounds.measurement([], byteCount: 1)
            #expect(result.checked == isRight, "\(result.notes)")
            #expect(result.notes.contains { $0.hasPrefix("the bare server: ") } == !isRight)
        }
    }
}
