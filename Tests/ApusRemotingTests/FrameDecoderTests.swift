// The stream of bytes, cut into frames: whatever the pieces are in which it comes.

import ApusFormat
import TestSupport
import Testing

@testable import ApusRemoting

/// Feeds `pieces` to one decoder and collects the commands.
private func commands(in pieces: [[UInt8]]) throws -> [RemotingCommand] {
    var decoder = FrameDecoder(limits: HeaderLimits())
    var index = HeaderIndex()
    var found: [RemotingCommand] = []
    for piece in pieces {
        let used = try decoder.take(piece.rawSpan) { frame throws(FrameError) in
            try index.read(frame.header, frame.serialization, HeaderLimits())
            found.append(Request(index, frame).command)
            return true
        }
        #expect(used == piece.count)
    }
    #expect(!decoder.isInFrame)
    return found
}

@Suite("the stream of frames") struct FrameDecoderTests {
    private let sent: [RemotingCommand]
    private let stream: [UInt8]

    init() {
        var random = SeededNumbers.printed()
        sent = (0..<3).map { _ in Samples.command(&random) }
        stream = sent.flatMap(\.frame)
    }

    @Test("two pieces, cut at every byte, give the same commands")
    func everySplit() throws {
        for cut in 0...stream.count {
            let pieces = [Array(stream[..<cut]), Array(stream[cut...])]
            #expect(try commands(in: pieces) == sent, "cut at \(cut)")
        }
    }

    @Test("three pieces of one frame, cut at every two bytes, give the same command")
    func everyDoubleSplit() throws {
        var command = RemotingCommand.request(.sendMessage, fields: ["a": "1"], body: [1, 2, 3])
        command.serialization = .binary
        let frame = command.frame
        for first in 0...frame.count {
            for second in first...frame.count {
                let pieces = [frame[..<first], frame[first..<second], frame[second...]].map(
                    Array.init)
                #expect(try commands(in: pieces) == [command])
            }
        }
    }

    @Test("pieces of any one size give the same commands")
    func equalPieces() throws {
        for size in [1, 2, 3, 5, 7, 8, 9, 64, 1000] {
            let pieces = stride(from: 0, to: stream.count, by: size).map {
                Array(stream[$0..<min($0 + size, stream.count)])
            }
            #expect(try commands(in: pieces) == sent, "pieces of \(size)")
        }
    }

    @Test("a decoder that is told to stop has used what it showed, and goes on from there")
    func stops() throws {
        var decoder = FrameDecoder(limits: HeaderLimits())
        var place = 0
        var seen = 0
        // The first frame comes in two pieces, so that both ways to a frame are stopped.
        let cut = sent[0].frame.count - 1
        place = try decoder.take(stream.rawSpan.extracting(0..<cut)) { _ throws(FrameError) in true
        }
        while place < stream.count {
            place += try decoder.take(stream.rawSpan.extracting(place...)) {
                _ throws(FrameError) in
                seen += 1
                return false
            }
            let whole = sent.prefix(seen).reduce(0) { $0 + $1.frame.count }
            #expect(place == whole)
        }
        #expect(seen == sent.count)
    }

    @Test("a bad length is an error as soon as it is there, not when the frame would be")
    func earlyRefusal() {
        let cases: [([UInt8], FrameError)] = [
            (Samples.number(17 << 20), .frameTooLong((17 << 20) + 4, limit: 16 << 20)),
            (Samples.number(-5), .frameTooShort(-1)),
            (Samples.number(1000) + [0, 15, 0, 0], .headerTooLong(0xF0000, limit: 256 << 10)),
            (Samples.number(1000) + [0, 0, 4, 0], .headerOutOfFrame(1024, frame: 1004)),
            (Samples.number(1000) + [7, 0, 0, 0], .unknownSerialization(7)),
        ]
        for (bytes, expected) in cases {
            for size in [1, bytes.count] {
                var decoder = FrameDecoder(limits: HeaderLimits())
                var found: FrameError?
                for start in stride(from: 0, to: bytes.count, by: size) {
                    do {
                        let piece = bytes.rawSpan.extracting(start..<min(start + size, bytes.count))
                        _ = try decoder.take(piece) { _ throws(FrameError) in true }
                    } catch { found = error }
                }
                #expect(found == expected)
            }
        }
    }

    @Test("the memory of a large frame is not kept for the next one, that of a small one is")
    func keptMemory() throws {
        for (count, isKept) in [(1 << 20, false), (1000, true)] {
            var command = RemotingCommand.request(.sendMessage)
            command.body = [UInt8](repeating: 7, count: count)
            let frame = command.frame
            var decoder = FrameDecoder(limits: HeaderLimits())
            for piece in [0..<100, 100..<frame.count] {
                _ = try decoder.take(frame.rawSpan.extracting(piece)) { _ throws(FrameError) in true
                }
            }
            #expect((decoder.keptCapacity > 0) == isKept, "\(count)")
        }
    }

    @Test("what a length announces is not allocated before it comes")
    func announced() throws {
        var decoder = FrameDecoder(limits: HeaderLimits())
        let start = Samples.number(16_000_000) + Samples.number(10)
        _ = try decoder.take(start.rawSpan) { _ throws(FrameError) in true }
        #expect(decoder.keptCapacity < 4096)
    }
}
