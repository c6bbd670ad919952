// Which bodies are compressed, and how.

public import ApusFormat

/// How a producer compresses bodies. Consumers of any language read all three codecs from
/// RocketMQ 5 on; older ones read zlib alone.
public struct Compression: Sendable, Hashable {
    public var codec: BodyCodec
    /// Bodies from so many bytes on are compressed. What does not get smaller goes as it is.
    public var threshold: Int
    /// From fast to small, see `BodyCompression.levels`; nil: the codec's usual one.
    public var level: Int?

    public init(_ codec: BodyCodec = .lz4, from threshold: Int = 4096, level: Int? = nil) {
        self.codec = codec
        self.threshold = threshold
        self.level = level
    }

    /// The body as it goes over the wire, and whether it is compressed.
    func apply(to body: [UInt8]) throws(CompressionError) -> (body: [UInt8], isCompressed: Bool) {
        guard body.count >= threshold else { return (body, false) }
        let smaller = try BodyCompression.encode(body.rawSpan, codec: codec, level: level)
        return smaller.count < body.count ? (smaller, true) : (body, false)
    }
}
