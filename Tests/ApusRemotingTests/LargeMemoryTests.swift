// Memory for large frames: used again, bounded, and never by two at a time.

import ApusFormat
import CAllocationCounter
import NIOCore
import Testing

@testable import ApusRemoting

@Suite("memory for large frames", .serialized) struct LargeMemoryTests {
    private static let numbers = HeaderNumbers(code: 0, version: 479, opaque: 7, flags: 1)

    /// Nobody asks between the two.
    private static func empty() {
        for _ in 0..<2 { SpareMemory.shrink() }
    }

    private static func answer(_ body: [UInt8], expecting count: Int, in outbound: inout Outbound) {
        outbound.append(numbers, remark: "FOUND", .json, expecting: count) {
            $0.append("maxOffset", 12)
        } body: { writer in
            // In pieces, as records come.
            var rest = body[...]
            while !rest.isEmpty {
                writer.append(Array(rest.prefix(40_000)))
                rest = rest.dropFirst(40_000)
            }
        }
    }

    private static func commands(in ready: ByteBuffer) throws -> [RemotingCommand] {
        var commands: [RemotingCommand] = []
        var stream = CommandStream()
        try stream.take(ready.readableBytesSpan, into: &commands)
        #expect(!stream.isInFrame)
        return commands
    }

    @Test("large and small answers go out in order, whatever was expected of their bodies")
    func order() throws {
        let sizes = [0, 10, 100_000, 5, 16 << 10, 300_000, 1, 2_000_000, 3]
        for expected in [0, 1, 16 << 10, 500_000, nil] {
            var outbound = Outbound()
            let bodies = sizes.enumerated().map { number, size in
                [UInt8](repeating: UInt8(number), count: size)
            }
            for body in bodies {
                Self.answer(body, expecting: expected ?? body.count, in: &outbound)
            }
            let count = outbound.byteCount
            let taken = outbound.take()
            let ready = try #require(taken)
            #expect(ready.readableBytes == count)
            #expect(outbound.byteCount == 0)
            let commands = try Self.commands(in: ready)
            let isWhole = commands.map(\.body) == bodies
            #expect(isWhole, "expecting \(expected ?? -1)")
            #expect(commands.allSatisfy { $0.fields == ["maxOffset": "12"] && $0.opaque == 7 })
            outbound.giveBack(ready)
        }
    }

    @Test("an answer with a large body allocates nothing when there was one before")
    func reuse() throws {
        guard callocationcounter_thread() >= 0 else { return }
        Self.empty()
        let body = [UInt8](repeating: 7, count: 40_000)
        func run(_ outbound: inout Outbound) {
            outbound.append(Self.numbers, remark: nil, .json, expecting: 3 * body.count) {
                $0.append("maxOffset", 12)
            } body: {
                for _ in 0..<3 { $0.append(body) }
            }
            if let ready = outbound.take() { outbound.giveBack(ready) }
        }
        var outbound = Outbound()
        run(&outbound)
        // Its header's memory comes with the second.
        run(&outbound)
        let before = callocationcounter_thread()
        for _ in 0..<10 { run(&outbound) }
        #expect(callocationcounter_thread() == before)
        Self.empty()
    }

    @Test("what a channel still writes is not written over")
    func held() throws {
        Self.empty()
        var outbound = Outbound()
        let first = [UInt8](repeating: 1, count: 100_000)
        Self.answer(first, expecting: first.count, in: &outbound)
        let firstTaken = outbound.take()
        let held = try #require(firstTaken)
        outbound.giveBack(held)
        let second = [UInt8](repeating: 2, count: 100_000)
        Self.answer(second, expecting: second.count, in: &outbound)
        let secondTaken = outbound.take()
        let next = try #require(secondTaken)
        let isHeld = try Self.commands(in: held).map(\.body) == [first]
        let isNext = try Self.commands(in: next).map(\.body) == [second]
        #expect(isHeld && isNext)
        Self.empty()
    }

    @Test("a large frame that comes in pieces goes on in the memory of an earlier one")
    func frames() throws {
        Self.empty()
        func frame(_ count: Int) -> [UInt8] {
            RemotingCommand.request(
                .sendMessage, body: (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7) }
            ).frame
        }
        var decoder = FrameDecoder(limits: HeaderLimits())
        func take(_ bytes: ArraySlice<UInt8>) throws -> [[UInt8]] {
            var bodies: [[UInt8]] = []
            _ = try decoder.take(Array(bytes).rawSpan) { frame throws(FrameError) in
                bodies.append(frame.body.bytes)
                return true
            }
            return bodies
        }
        let first = frame(800_000)
        #expect(try take(first[..<50_000]).isEmpty)
        #expect(try take(first[50_000...]) == [Array(first.suffix(800_000))])
        #expect(SpareMemory.frames.count == 1)
        #expect(decoder.keptCapacity <= 64 << 10)
        let second = frame(100_000)
        #expect(try take(second[..<60_000]).isEmpty)
        #expect(SpareMemory.frames.count == 1, "little is kept where it is")
        #expect(try take(second[60_000..<90_000]).isEmpty)
        #expect(SpareMemory.frames.count == 0)
        #expect(decoder.keptCapacity >= 800_000)
        #expect(try take(second[90_000...]) == [Array(second.suffix(100_000))])
        #expect(SpareMemory.frames.count == 1)
        Self.empty()
    }

    @Test("little is kept, and nothing where nobody asks while connections are idle")
    func bounds() {
        let pool = LargeMemory<[UInt8]>()
        for number in 0..<10 { pool.giveBack([UInt8(number)], capacity: 1) }
        #expect(pool.count == pool.countLimit)
        #expect(pool.take() == [3])
        pool.giveBack([9], capacity: pool.capacityLimit + 1)
        #expect(pool.take() == [2])
        // Of those at work nothing is taken away by those that are not.
        pool.shrink()
        #expect(pool.count == 2)
        pool.shrink()
        #expect(pool.count == 0)
        #expect(pool.take() == nil)
    }
}

extension RawSpan {
    fileprivate var bytes: [UInt8] {
        var all: [UInt8] = []
        all.append(copyOf: self)
        return all
    }
}
