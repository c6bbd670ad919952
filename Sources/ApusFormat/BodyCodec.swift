// The codecs of message bodies, by the numbers that records carry in `sysFlag`.

/// How a body is compressed. The raw value stands in bits 8 to 10 of a record's system flag.
public enum BodyCodec: Int32, Hashable, Sendable, CaseIterable {
    /// The LZ4 frame format.
    case lz4 = 1
    /// Zstandard.
    case zstd = 2
    /// A zlib stream.
    case zlib = 3

    /// The codec of a record's body; nil when the body is not compressed or the number is unknown.
    /// Number 0 in a compressed record is zlib, from before the field existed.
    public init?(_ flag: SystemFlag) {
        guard flag.contains(.compressed) else { return nil }
        self.init(rawValue: flag.compressionNumber == 0 ? 3 : flag.compressionNumber)
    }
}
