// One pass over a record's properties for what an append must know of them.
//
// It runs for every message, so it neither allocates nor decodes: it looks for the ends of items
// eight bytes at a time and compares the first eight bytes of each item.

/// What the properties of a message say about its tags, keys and checksum.
public struct PropertyScan: Sendable {
    /// Where the value of TAGS stands; empty without tags. The last item of that name counts.
    public private(set) var tags = 0..<0
    /// Where the value of KEYS stands: words with spaces between.
    public private(set) var keys = 0..<0
    /// Where the value of UNIQ_KEY stands.
    public private(set) var uniqueKey = 0..<0
    /// Where the value of DELAY stands.
    public private(set) var delay = 0..<0
    /// Whether an item is named `__CRC32#`, which only the store itself may write.
    public private(set) var hasChecksum = false
    /// Whether the properties are empty or end with the separator that ends an item.
    public private(set) var isTerminated = true

    /// Whether the message can be found by a key.
    @inlinable public var isKeyed: Bool { !keys.isEmpty || !uniqueKey.isEmpty }

    private static let tagsName: UInt64 = 0x54_4147_5301  // "TAGS" 01
    private static let keysName: UInt64 = 0x4B_4559_5301  // "KEYS" 01
    private static let delayName: UInt64 = 0x44_454C_4159_01  // "DELAY" 01
    private static let uniqueName: UInt64 = 0x554E_4951_5F4B_4559  // "UNIQ_KEY"
    private static let checksumName: UInt64 = 0x5F5F_4352_4333_3223  // "__CRC32#"

    /// Scans `bytes`, the properties as a record holds them: `name 01 value 02`, repeated.
    public init(_ bytes: RawSpan) {
        let count = bytes.byteCount
        var start = 0
        var offset = 0
        while offset &+ 8 <= count {
            // A byte of `word` is 0 where a separator stands; the sum cannot carry from one byte
            // into the next, so that exactly the high bits of such bytes are set.
            let word = bytes.loadBigEndian(UInt64.self, at: offset) ^ 0x0202_0202_0202_0202
            let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
            var ends = ~(((word & low) &+ low) | word | low)
            while ends != 0 {
                let bit = ends.leadingZeroBitCount
                let end = offset &+ bit / 8
                classify(bytes, from: start, to: end)
                start = end &+ 1
                ends &= ~(0x8000_0000_0000_0000 &>> UInt64(truncatingIfNeeded: bit))
            }
            offset &+= 8
        }
        while offset < count {
            if bytes.loadBigEndian(UInt8.self, at: offset) == 2 {
                classify(bytes, from: start, to: offset)
                start = offset &+ 1
            }
            offset &+= 1
        }
        if start < count {
            classify(bytes, from: start, to: count)
            isTerminated = false
        }
    }

    /// Few names matter, and their first letters tell them from nearly all others.
    @inline(__always)
    private mutating func classify(_ bytes: RawSpan, from start: Int, to end: Int) {
        guard start < bytes.byteCount else { return }
        switch bytes.loadBigEndian(UInt8.self, at: start) {
        case UInt8(ascii: "T"), UInt8(ascii: "K"), UInt8(ascii: "U"), UInt8(ascii: "D"),
            UInt8(ascii: "_"):
            classifyKnown(bytes, from: start, to: end)
        default: break
        }
    }

    @inline(__always)
    private mutating func classifyKnown(_ bytes: RawSpan, from start: Int, to end: Int) {
        let prefix = Self.prefix(of: bytes, at: start)
        if prefix >> 24 == Self.tagsName {
            tags = Self.value(from: start &+ 5, to: end)
        } else if prefix >> 24 == Self.keysName {
            keys = Self.value(from: start &+ 5, to: end)
        } else if prefix == Self.uniqueName {
            if end &- start > 8, bytes.loadBigEndian(UInt8.self, at: start &+ 8) == 1 {
                uniqueKey = Self.value(from: start &+ 9, to: end)
            }
        } else if prefix >> 16 == Self.delayName {
            delay = Self.value(from: start &+ 6, to: end)
        } else if prefix == Self.checksumName {
            hasChecksum = true
        }
    }

    /// The range of a value; that of an empty one is empty, which RocketMQ takes for no item.
    @inline(__always)
    private static func value(from start: Int, to end: Int) -> Range<Int> {
        start <= end ? start..<end : 0..<0
    }

    /// The first eight bytes from `offset` on, most significant first; zeros behind the end.
    @inline(__always)
    private static func prefix(of bytes: RawSpan, at offset: Int) -> UInt64 {
        if offset &+ 8 <= bytes.byteCount { return bytes.loadBigEndian(UInt64.self, at: offset) }
        var value: UInt64 = 0
        var taken = 0
        while taken < 8 {
            let byte =
                offset &+ taken < bytes.byteCount
                ? bytes.loadBigEndian(UInt8.self, at: offset &+ taken) : 0
            value = value << 8 | UInt64(byte)
            taken &+= 1
        }
        return value
    }
}
