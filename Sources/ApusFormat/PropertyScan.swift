// One pass over a record's properties for what an append must know of them.
//
// It runs for every message, so it neither allocates nor decodes: it looks for the ends of items
// sixteen bytes at a time and compares the first eight bytes of those whose first letter matters.

private import CApus

/// What the properties of a message say about its tags, keys and checksum.
///
/// Small enough to stay in registers: places are kept in 16 bits, as much as a record can hold.
@frozen public struct PropertyScan: Sendable {
    /// Where a value stands.
    @frozen @usableFromInline struct Place: Sendable {
        @usableFromInline var start: UInt16 = 0
        @usableFromInline var end: UInt16 = 0

        @inlinable init() {}
        @inlinable var range: Range<Int> { Int(start)..<Int(end) }
        @inlinable var isEmpty: Bool { start == end }
    }

    @usableFromInline var tagsPlace = Place()
    @usableFromInline var keysPlace = Place()
    @usableFromInline var uniqueKeyPlace = Place()
    @usableFromInline var delayPlace = Place()
    /// Whether an item is named `__CRC32#`, which only the store itself may write.
    public internal(set) var hasChecksum = false
    /// Whether the properties are empty or end with the separator that ends an item.
    public internal(set) var isTerminated = true

    /// Where the value of TAGS stands; empty without tags. The last item of that name counts.
    @inlinable public var tags: Range<Int> { tagsPlace.range }
    /// Where the value of KEYS stands: words with spaces between.
    @inlinable public var keys: Range<Int> { keysPlace.range }
    /// Where the value of UNIQ_KEY stands.
    @inlinable public var uniqueKey: Range<Int> { uniqueKeyPlace.range }
    /// Where the value of DELAY stands.
    @inlinable public var delay: Range<Int> { delayPlace.range }

    /// Whether the message can be found by a key.
    @inlinable public var isKeyed: Bool { !keysPlace.isEmpty || !uniqueKeyPlace.isEmpty }

    private static let tagsName: UInt64 = 0x54_4147_5301  // "TAGS" 01
    private static let keysName: UInt64 = 0x4B_4559_5301  // "KEYS" 01
    private static let delayName: UInt64 = 0x44_454C_4159_01  // "DELAY" 01
    private static let uniqueName: UInt64 = 0x554E_4951_5F4B_4559  // "UNIQ_KEY"
    private static let checksumName: UInt64 = 0x5F5F_4352_4333_3223  // "__CRC32#"

    /// The most bytes that are looked at: twice of what a record can hold.
    @inlinable public static var limit: Int { 0xFFFF }

    /// Scans `bytes`, the properties as a record holds them: `name 01 value 02`, repeated. What
    /// stands behind the first `limit` bytes is not seen.
    public init(_ bytes: RawSpan) {
        self.init()
        let count = min(bytes.byteCount, Self.limit)
        var start = 0
        var offset = 0
        while offset < count {
            var ends = Self.separators(in: bytes, at: offset)
            while ends != 0 {
                let end = offset &+ ends.trailingZeroBitCount
                classify(bytes, from: start, to: end)
                start = end &+ 1
                ends &= ends &- 1
            }
            offset &+= 16
        }
        if start < count {
            classify(bytes, from: start, to: count)
            isTerminated = false
        }
    }

    @inlinable init() {}

    /// Which of the 16 bytes from `offset` on, as far as they are there, end an item.
    @inline(__always)
    private static func separators(in bytes: RawSpan, at offset: Int) -> UInt32 {
        let count = bytes.byteCount
        // Safe: 16 bytes from the pointer on lie within, checked here.
        if offset &+ 16 <= count {
            return unsafe bytes.withUnsafeBytes { all in
                guard let base = all.baseAddress else { return 0 }
                return unsafe capus_matches_of_16(base + offset, 2)
            }
        }
        if count >= 16 {
            // The last 16 bytes, without those that were looked at.
            let behind = UInt32(truncatingIfNeeded: offset &- (count &- 16))
            return unsafe bytes.withUnsafeBytes { all in
                guard let base = all.baseAddress else { return 0 }
                return unsafe capus_matches_of_16(base + (count - 16), 2) >> behind
            }
        }
        var mask: UInt32 = 0
        for place in offset..<count where bytes.loadBigEndian(UInt8.self, at: place) == 2 {
            mask |= 1 << UInt32(truncatingIfNeeded: place &- offset)
        }
        return mask
    }

    /// Few names matter, and their first letters tell them from nearly all others.
    @inline(__always)
    private mutating func classify(_ bytes: RawSpan, from start: Int, to end: Int) {
        guard start < bytes.byteCount else { return }
        let letter = bytes.loadBigEndian(UInt8.self, at: start) &- UInt8(ascii: "D")
        if letter < 32, Self.firstLetters >> UInt32(letter) & 1 != 0 {
            classifyKnown(bytes, from: start, to: end)
        }
    }

    /// D, K, T, U and _, as bits counted from D.
    private static let firstLetters: UInt32 = 1 << 0 | 1 << 7 | 1 << 16 | 1 << 17 | 1 << 27

    @inline(__always)
    private mutating func classifyKnown(_ bytes: RawSpan, from start: Int, to end: Int) {
        let prefix = Self.prefix(of: bytes, at: start)
        if prefix >> 24 == Self.tagsName {
            Self.take(&tagsPlace, from: start &+ 5, to: end)
        } else if prefix >> 24 == Self.keysName {
            Self.take(&keysPlace, from: start &+ 5, to: end)
        } else if prefix == Self.uniqueName {
            if end &- start > 8, bytes.loadBigEndian(UInt8.self, at: start &+ 8) == 1 {
                Self.take(&uniqueKeyPlace, from: start &+ 9, to: end)
            }
        } else if prefix >> 16 == Self.delayName {
            Self.take(&delayPlace, from: start &+ 6, to: end)
        } else if prefix == Self.checksumName {
            hasChecksum = true
        }
    }

    /// Notes where a value stands. RocketMQ takes an item with an empty one for none, so an earlier
    /// item of that name goes on to count.
    @inline(__always)
    private static func take(_ value: inout Place, from start: Int, to end: Int) {
        guard start < end else { return }
        value.start = UInt16(truncatingIfNeeded: start)
        value.end = UInt16(truncatingIfNeeded: end)
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
