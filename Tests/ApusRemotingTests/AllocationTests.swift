// What a request and its response allocate between the bytes that come and those that go: nothing.

import ApusFormat
import CAllocationCounter
import Testing

@testable import ApusRemoting

@Suite("allocations", .serialized) struct AllocationTests {
    /// A send as Java's client makes it, and an answer as a broker makes it.
    private static func round(
        _ bytes: RawSpan, _ decoder: inout FrameDecoder, _ index: inout HeaderIndex,
        _ outbound: inout Outbound
    ) throws -> Int {
        let limits = HeaderLimits()
        var sum = 0
        _ = try decoder.take(bytes) { frame throws(FrameError) in
            try index.read(frame.header, frame.serialization, limits)
            let request = Request(index, frame)
            guard let topic = request.bytes("b"), let properties = request.bytes("i") else {
                throw .badNumber("a test's field")
            }
            sum += topic.byteCount + properties.byteCount + request.body.byteCount
            sum += Int((try? request.int32("e")) ?? -1000)
            sum += Int((try? request.int64("g")) ?? -1000) & 1
            sum += request.bool("k", or: true) ? 1 : 0
            let key = request.replyKey
            let numbers = HeaderNumbers(code: 0, version: 479, opaque: key.opaque, flags: 1)
            outbound.append(numbers, remark: nil, key.serialization) {
                $0.append("queueId", 3)
                $0.append("msgId", topic)
                $0.append("queueOffset", 1_234_567_890)
            } body: {
                $0.append(request.body)
            }
            return true
        }
        if let ready = outbound.take() { outbound.giveBack(ready) }
        return sum
    }

    @Test("decoding a request and encoding its response allocate nothing", arguments: [0, 1, 2])
    func codec(way: Int) throws {
        guard callocationcounter_thread() >= 0 else { return }
        var command = RemotingCommand.request(
            .sendMessageV2,
            fields: [
                "a": "group", "b": "Topic", "c": "TBW102", "d": "4", "e": "1", "f": "0",
                "g": "1795350725540", "h": "0", "k": "false", "n": "broker-a",
                "i": "KEYS\u{1}k27\u{2}UNIQ_KEY\u{1}C00002021FBC5FFD2B276ED61BA4001B\u{2}",
            ], body: [UInt8](repeating: 7, count: 128))
        command.serialization = way == 1 ? .binary : .json
        let frame = command.frame
        var decoder = FrameDecoder(limits: HeaderLimits())
        var index = HeaderIndex()
        var outbound = Outbound()
        // In the third way each frame comes in two pieces.
        let cut = way == 2 ? 100 : 0
        var sum = 0
        func run() throws {
            if cut > 0 {
                sum += try Self.round(
                    frame.rawSpan.extracting(0..<cut), &decoder, &index, &outbound)
            }
            sum += try Self.round(frame.rawSpan.extracting(cut...), &decoder, &index, &outbound)
        }
        for _ in 0..<10 { try run() }
        let before = callocationcounter_thread()
        for _ in 0..<100 { try run() }
        let count = callocationcounter_thread() - before
        #expect(sum > 0)
        #expect(count == 0, "\(Double(count) / 100) a request")
    }
}
