// Compressing and decompressing message bodies: one front for three libraries.

/// Why a body could not be compressed or decompressed.
public enum CompressionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The bytes are not what the codec writes, or end too early.
    case malformed(BodyCodec)
    /// The body would have more bytes than the caller allows.
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
            "\(codec) has no level \(level): use \(BodyCompression.levels(codec))"
        case .outOfMemory(let codec): "no memory for \(codec)"
        }
    }
}

/// Codecs of message bodies.
public enum BodyCompression: Sendable {
    /// The levels that a codec takes.
    public static func levels(_ codec: BodyCodec) -> ClosedRange<Int> {
        switch codec {
        case .lz4: LZ4Frame.levels
        case .zstd: Zstandard.levels
        case .zlib: Zlib.levels
        }
    }

    /// Compresses a body; nil stands for the codec's usual level (LZ4 0, Zstandard 3, zlib 5).
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

    /// Decompresses a body into at most `limit` bytes; more is `.exceedsBound`, and no more than
    /// about twice as many are ever allocated. Bytes behind the end of the stream are ignored, as
    /// RocketMQ does.
    public static func decode(
        _ body: RawSpan, codec: BodyCodec, limit: Int
    ) throws(CompressionError) -> [UInt8] {
        switch codec {
        case .lz4: try LZ4Frame.decode(body, limit: limit)
        case .zstd: try Zstandard.decode(body, limit: limit)
        case .zlib: try Zlib.decode(body, limit: limit)
        }
    }
}
