// Compressed bodies: round trips, bounds, damage, and frames of other makers.

import ApusFormat
import Testing

private let sentence = Array("Apus reads what RocketMQ wrote. ".utf8)
private let threefold = sentence + sentence + sentence

/// An LZ4 frame with linked blocks: the second one copies from the first.
private let linked = bytes(
    hex: """
        04224d184040c02000008041707573207265616473207768617420526f636b65744d512077726f74652e200a
        0000000f20002d50417075732100000000
        """)
/// `Hello RocketMQ` three times, with checksums of the blocks and of the content, and its size.
private let checkedLZ4 = bytes(
    hex: """
        04224d187c402a000000000000009218000000ef48656c6c6f20526f636b65744d510e0004506b65744d51e0
        5c4d3e000000005158df01
        """)
/// Zstandard: with a checksum and the size; without the size; without it, with a window of 128 MiB.
private let checkedZstd = bytes(
    hex: """
        28b52ffd2460450100040241707573207265616473207768617420526f636b65744d512077726f74652e2001
        00e890d4133db5bf62
        """)
private let sizelessZstd = bytes(
    hex: """
        28b52ffd0000450100040241707573207265616473207768617420526f636b65744d512077726f74652e2001
        00e890d413
        """)
private let wideZstd = bytes(
    hex: """
        28b52ffd0088450100040241707573207265616473207768617420526f636b65744d512077726f74652e2001
        00e890d413
        """)
/// A frame to be skipped, in LZ4 and in Zstandard: three bytes of anything.
private let skippable = bytes(hex: "502a4d18 03000000 010203")

private func decode(
    _ bytes: [UInt8], _ codec: BodyCodec, limit: Int = 100_000
) throws(CompressionError) -> [UInt8] {
    try BodyCompression.decode(bytes.rawSpan, codec: codec, limit: limit)
}

/// The error of a decoding; nil when it succeeds.
private func failure(
    _ bytes: [UInt8], _ codec: BodyCodec, limit: Int = 100_000
) -> CompressionError? {
    do throws(CompressionError) {
        _ = try decode(bytes, codec, limit: limit)
        return nil
    } catch { return error }
}

@Test("bodies of all sizes and kinds survive each codec", arguments: BodyCodec.allCases)
func bodiesRoundTrip(codec: BodyCodec) throws {
    var random = SeededGenerator(for: "bodiesRoundTrip")
    for count in [0, 1, 2, 15, 1000, 4096, 65_535, 65_536, 65_537, 300_000] {
        let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        let words = Array((0..<count).map { sentence[$0 * $0 % 31] })
        for body in [noise, words, [UInt8](repeating: 7, count: count)] {
            let stored = try BodyCompression.encode(body.rawSpan, codec: codec)
            #expect(try decode(stored, codec, limit: count) == body)
            if count > 0 {
                let bound = CompressionError.exceedsBound(codec, limit: count - 1)
                #expect(failure(stored, codec, limit: count - 1) == bound)
            }
        }
    }
}

@Test("each level of each codec is taken, and no other", arguments: BodyCodec.allCases)
func levels(codec: BodyCodec) throws {
    let levels = BodyCompression.levels(codec)
    for level in levels {
        let stored = try BodyCompression.encode(threefold.rawSpan, codec: codec, level: level)
        #expect(try decode(stored, codec) == threefold, "level \(level)")
    }
    for level in [levels.lowerBound - 1, levels.upperBound + 1, .min, .max] {
        #expect(throws: CompressionError.invalidLevel(codec, level)) {
            try BodyCompression.encode(threefold.rawSpan, codec: codec, level: level)
        }
    }
}

@Test("a bomb is refused, whatever its bound", arguments: BodyCodec.allCases)
func bombs(codec: BodyCodec) throws {
    let zeros = [UInt8](repeating: 0, count: 32 << 20)
    let bomb = try BodyCompression.encode(zeros.rawSpan, codec: codec)
    #expect(bomb.count < 200_000)
    for limit in [0, 1, 100, 65_536, 4 << 20, zeros.count - 1] {
        #expect(failure(bomb, codec, limit: limit) == .exceedsBound(codec, limit: limit))
    }
    #expect(try decode(bomb, codec, limit: .max).count == zeros.count)
    #expect(failure(bomb, codec, limit: -1) == .exceedsBound(codec, limit: -1))
}

@Test("a stream cut anywhere is malformed, at its bound too", arguments: BodyCodec.allCases)
func truncations(codec: BodyCodec) throws {
    let stored = try BodyCompression.encode(threefold.rawSpan, codec: codec)
    for count in 0..<stored.count {
        for limit in [threefold.count, 100_000] {
            let cut = Array(stored.prefix(count))
            #expect(failure(cut, codec, limit: limit) == .malformed(codec), "\(count), \(limit)")
        }
    }
}

@Test("a flipped bit in a stream with checksums never gives another body")
func flippedStreamBits() throws {
    let zlib = try BodyCompression.encode(threefold.rawSpan, codec: .zlib)
    let streams: [([UInt8], BodyCodec)] = [
        (zlib, .zlib), (checkedLZ4, .lz4), (checkedZstd, .zstd),
    ]
    for (stored, codec) in streams {
        let body = try decode(stored, codec)
        var noticed = 0
        for position in stored.indices {
            for bit in 0..<8 {
                var flipped = stored
                flipped[position] ^= 1 << UInt8(bit)
                let result = try? decode(flipped, codec)
                if result == nil { noticed += 1 }
                // What a single bit can turn into a frame to be skipped holds nothing.
                #expect(result == nil || result == body || result == [], "byte \(position)")
            }
        }
        #expect(noticed > stored.count * 7)
    }
}

@Test("no bytes make a decoder trap or exceed its bound", arguments: BodyCodec.allCases)
func hostileStreams(codec: BodyCodec) throws {
    var random = SeededGenerator(for: "hostileStreams")
    let stored = try BodyCompression.encode(threefold.rawSpan, codec: codec)
    for _ in 0..<3_000 {
        var changed = stored
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            changed[Int.random(in: 0..<changed.count, using: &random)] =
                UInt8.random(in: 0...255, using: &random)
        }
        let body = try? decode(changed, codec, limit: 1000)
        #expect(body?.count ?? 0 <= 1000)
    }
    for garbage in [[], [0], [UInt8](repeating: 0, count: 100), sentence] {
        #expect(failure(garbage, codec) == .malformed(codec))
    }
}

@Test("frames of other makers are read: linked blocks, checksums, sizes, wide windows")
func otherMakers() throws {
    #expect(try decode(linked, .lz4) == threefold + Array("Apus!".utf8))
    #expect(
        try decode(checkedLZ4, .lz4) == Array("Hello RocketMQHello RocketMQHello RocketMQ".utf8))
    for frame in [checkedZstd, sizelessZstd, wideZstd] {
        #expect(try decode(frame, .zstd) == threefold)
        #expect(try decode(frame, .zstd, limit: threefold.count) == threefold)
    }
    var wrong = checkedLZ4
    wrong[wrong.count - 1] ^= 1
    #expect(failure(wrong, .lz4) == .malformed(.lz4))
}

@Test("LZ4 frames are written for Java's decoder: independent blocks, nothing optional")
func lz4Header() throws {
    let small = try BodyCompression.encode(threefold.rawSpan, codec: .lz4)
    #expect(small.prefix(7) == bytes(hex: "04224d18 6040 82")[...])
    let large = [UInt8](repeating: 1, count: 5_000_000)
    let stored = try BodyCompression.encode(large.rawSpan, codec: .lz4)
    #expect(stored.prefix(7) == bytes(hex: "04224d18 6070 73")[...])
    #expect(try decode(stored, .lz4, limit: large.count) == large)
}

@Test("frames behind each other make one body, and skippable ones nothing")
func severalFrames() throws {
    let streams: [([UInt8], BodyCodec)] = [(linked, .lz4), (sizelessZstd, .zstd)]
    for (frame, codec) in streams {
        let body = try decode(frame, codec)
        #expect(try decode(frame + frame, codec) == body + body)
        let spaced = skippable + frame + skippable + frame + skippable
        #expect(try decode(spaced, codec, limit: body.count * 2) == body + body)
        let bound = CompressionError.exceedsBound(codec, limit: body.count * 2 - 1)
        #expect(failure(spaced, codec, limit: body.count * 2 - 1) == bound)
    }
}

@Test("bytes behind the end are ignored where RocketMQ ignores them, else malformed")
func trailingBytes() throws {
    let zlib = try BodyCompression.encode(threefold.rawSpan, codec: .zlib)
    #expect(try decode(zlib + zlib + [1, 2, 3], .zlib) == threefold)
    let streams: [([UInt8], BodyCodec)] = [(linked, .lz4), (sizelessZstd, .zstd)]
    for (frame, codec) in streams {
        let body = try decode(frame, codec)
        for count in 0...3 {
            #expect(try decode(frame + [UInt8](repeating: 9, count: count), codec) == body)
        }
        #expect(failure(frame + [9, 9, 9, 9], codec) == .malformed(codec))
        #expect(failure(frame + frame.prefix(9), codec) == .malformed(codec))
    }
}

@Test("each error says what is wrong in words")
func errorTexts() {
    let errors: [(CompressionError, String)] = [
        (.malformed(.lz4), "the bytes are not a whole lz4 stream"),
        (
            .exceedsBound(.zstd, limit: 7),
            "the zstd stream holds more than the 7 bytes that are allowed"
        ),
        (.invalidLevel(.zlib, 10), "zlib has no level 10, only 0...9"),
        (.outOfMemory(.zlib), "no memory for zlib"),
    ]
    for (error, text) in errors { #expect("\(error)" == text) }
}

@Test("the compressed bodies of a golden store are the manifest's once decompressed")
func goldenBodies() throws {
    let store = try GoldenStore("rocketmq-5.3.3-clean")
    var codecs: [BodyCodec] = []
    for message in store.manifest.messages {
        guard let codec = BodyCodec(SystemFlag(rawValue: message.sysFlag)) else { continue }
        let base =
            message.physicalOffset / GoldenStore.segmentByteCount * GoldenStore.segmentByteCount
        let segment = try #require(store.segments[base])
        let place = Int(message.physicalOffset - base)
        let outcome = RecordInspection.inspect(
            segment.rawSpan, at: place, physicalOffset: message.physicalOffset, checks: .all)
        guard case .record(let frame) = outcome else {
            Issue.record("\(outcome) at \(message.physicalOffset)")
            continue
        }
        let body = try BodyCompression.decode(
            frame.body(in: segment.rawSpan, at: place), codec: codec, limit: message.bodyLen)
        #expect(try sha256(body) == message.bodySha256)
        codecs.append(codec)
    }
    #expect(codecs.count == 10 && Set(codecs) == Set(BodyCodec.allCases))
}
