// Compressing and decompressing message bodies: one front for three libraries.
//
// What is written is what RocketMQ's Java client writes and reads: an LZ4 frame of independent
// blocks without checksum, a Zstandard frame without checksum, a zlib stream. The record's body CRC
// covers the compressed bytes.

/// Why a body could not be compressed or decompressed.
public enum CompressionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes are not what the codec writes, are damaged, or end too early.
    case malformed(BodyCodec)
    /// The body has more bytes than the caller allows.
    case exceedsBound(BodyCodec, limit: Int)
    /// The codec has no such level.
    case invalidLevel(BodyCodec, Int)
    /// The library found no memory.
    case outOfMemory(BodyCodec)

    public var description: String {
        switch self {
        case .malformed(let codec): "the bytes are not a whole \(codec) stream"
        case .exceedsBound(let codec, let limit):
            "the \(codec) stream holds more than the \(limit) bytes that are allowed"
        case .invalidLevel(let codec, let level):
            "\(codec) has no level \(level), only \(BodyCompression.levels(codec))"
        case .outOfMemory(let codec): "no memory for \(codec)"
        }
    }
}

/// Codecs of message bodies.
public enum BodyCompression: Sendable {
    /// The levels that a codec takes, from fast to small. LZ4 knows only two ways below 3.
    public static func levels(_ codec: BodyCodec) -> ClosedRange<Int> {
        switch codec {
        case .lz4: LZ4Frame.levels
        case .zstd: Zstandard.levels
        case .zlib: Zlib.levels
        }
    }

    /// Compresses a body; without a level LZ4 takes 0, Zstandard 3 and zlib 5. (RocketMQ's client
    /// passes 5 to all of them, and its LZ4 ignores it.)
    public static func encode(
        _ body: RawSpan, codec: BodyCodec, level: Int? = nil
    ) throws(CompressionError) -> [UInt8] {
        if let level, !levels(codec).contains(level) { throw .invalidLevel(codec, level) }
        return switch codec {
        case .lz4: try LZ4Frame.encode(body, level: level ?? 0)
        case .zstd: try Zstandard.encode(body, level: level ?? 3)
        case .zlib: try Zlib.encode(body, level: level ?? 5)
        }
    }

    /// Decompresses a body of at most `limit` bytes; a longer one is `.exceedsBound`, found without
    /// ever allocating more than `limit` bytes and the codec's working memory (at most 9 MiB, for
    /// an LZ4 frame with 4 MiB blocks).
    ///
    /// The end is where RocketMQ sees it. A zlib stream ends by itself, and bytes behind it are
    /// ignored. LZ4 and Zstandard frames may follow each other, with skippable ones between, and
    /// make one body; fewer than four bytes behind the last are ignored, and others must be a whole
    /// frame.
    public static func decode(
        _ body: RawSpan, codec: BodyCodec, limit: Int
    ) throws(CompressionError) -> [UInt8] {
        guard body.byteCount > 0 else { throw .malformed(codec) }
        return switch codec {
        case .lz4: try LZ4Frame.decode(body, limit: limit)
        case .zstd: try Zstandard.decode(body, limit: limit)
        case .zlib: try Zlib.decode(body, limit: limit)
        }
    }
}
