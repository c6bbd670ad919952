// One pass over a record's properties for where the values stand that the store must know.
//
// It neither allocates nor decodes: it looks for the ends of items 64 bytes at a time and compares
// the first eight bytes of those whose first letter matters.

private import CApus

/// What the properties of a message say about its tags, keys and checksum.
///
/// Small enough to stay in registers: places are kept in 16 bits, as much as a record can hold.
@frozen public struct PropertyScan: Sendable {
    /// Where a value stands: its start in the lower half, its end in the upper one; 0 for none.
    @frozen @usableFromInline struct Place: Sendable {
        @usableFromInline var bounds: UInt32 = 0

        @inlinable init() {}

        @inlinable var range: Range<Int> {
            // Safe: no place is noted that ends before it starts.
            unsafe Range(uncheckedBounds: (Int(bounds & 0xFFFF), Int(bounds >> 16)))
        }
        @inlinable var isEmpty: Bool { bounds == 0 }
    }

    @usableFromInline let tagsPlace: Place
    @usableFromInline let keysPlace: Place
    @usableFromInline let uniqueKeyPlace: Place
    @usableFromInline let delayPlace: Place
    /// Whether an item is named `__CRC32#`, which only the store itself may write.
    public let hasChecksum: Bool
    /// Whether the properties are empty or end with the separator that ends an item.
    public let isTerminated: Bool
    /// Whether an item's name begins with TR or TI, as those do which ask for a transaction or a
    /// time.
    public let mayAsk: Bool

    /// Where the value of TAGS stands; empty without tags. The last item of that name counts.
    @inlinable public var tags: Range<Int> { tagsPlace.range }
    /// Where the value of KEYS stands: words with spaces between.
    @inlinable public var keys: Range<Int> { keysPlace.range }
    /// Where the value of UNIQ_KEY stands.
    @inlinable public var uniqueKey: Range<Int> { uniqueKeyPlace.range }
    /// Where the value of DELAY stands.
    @inlinable public var delay: Range<Int> { delayPlace.range }

    /// Whether the message can be found by a key.
    @inlinable public var isKeyed: Bool {
        keysPlace.bounds | uniqueKeyPlace.bounds != 0
    }

    /// The most bytes that are looked at: twice of what a record can hold.
    public static var limit: Int { 0xFFFF }

    /// Scans `bytes`, the properties as a record holds them: `name 01 value 02`, repeated. What
    /// stands behind the first `limit` bytes is not seen.
    ///
    /// Never inlined: in a call of its own all that it keeps fits into registers.
    @inline(never)
    public init(_ bytes: RawSpan) {
        var items = PropertyItems()
        let count = min(bytes.byteCount, Self.limit)
        if count <= 64 {
            items.classify(bytes, at: 0, to: count)
        } else {
            items = PropertyItems.long(bytes, count)
        }
        let isOpen = items.start < count
        if isOpen { items = items.withLast(bytes, count) }
        tagsPlace = items.tags
        keysPlace = items.keys
        uniqueKeyPlace = items.uniqueKey
        delayPlace = items.delay
        hasChecksum = items.hasChecksum
        isTerminated = !isOpen
        mayAsk = items.mayAsk
    }
}

/// What a scan has found so far. Apart from `PropertyScan`, which is put together in words.
private struct PropertyItems {
    var tags = PropertyScan.Place()
    var keys = PropertyScan.Place()
    var uniqueKey = PropertyScan.Place()
    var delay = PropertyScan.Place()
    var hasChecksum = false
    var mayAsk = false
    /// Where the next item begins.
    var start = 0

    // The first bytes of names, the first one least significant.
    private static let tagsName: UInt64 = 0x01_5347_4154  // "TAGS" 01
    private static let keysName: UInt64 = 0x01_5359_454B  // "KEYS" 01
    private static let delayName: UInt64 = 0x0159_414C_4544  // "DELAY" 01
    private static let uniqueName: UInt64 = 0x5945_4B5F_5149_4E55  // "UNIQ_KEY"
    private static let checksumName: UInt64 = 0x2332_3343_5243_5F5F  // "__CRC32#"
    private static let transactionName: UInt64 = 0x5254  // "TR"
    private static let timeName: UInt64 = 0x4954  // "TI"
    /// D, K, T, U and _, as bits counted from D.
    private static let firstLetters: UInt32 = 1 << 0 | 1 << 7 | 1 << 16 | 1 << 17 | 1 << 27

    /// The items that end in the 64 bytes from `offset` on, as far as `count` goes.
    @inline(__always)
    mutating func classify(_ bytes: RawSpan, at offset: Int, to count: Int) {
        // Safe: the bytes from `offset` to `count` are there, and no others are looked at.
        var ends = unsafe bytes.withUnsafeBytes { all -> UInt64 in
            guard let base = all.baseAddress else { return 0 }
            return unsafe capus_matches_of_64(base, offset, count, 2)
        }
        while ends != 0 {
            let end = offset &+ ends.trailingZeroBitCount
            classify(bytes, to: end)
            start = end &+ 1
            ends &= ends &- 1
        }
    }

    /// All items but the last one of more than 64 bytes.
    @inline(never)
    static func long(_ bytes: RawSpan, _ count: Int) -> PropertyItems {
        var items = PropertyItems()
        var offset = 0
        while offset < count {
            items.classify(bytes, at: offset, to: count)
            offset &+= 64
        }
        return items
    }

    /// The same with the last item, when no separator ends it.
    @inline(never)
    func withLast(_ bytes: RawSpan, _ count: Int) -> PropertyItems {
        var items = self
        items.classify(bytes, to: count)
        return items
    }

    /// Few names matter, and their first letters tell them from nearly all others.
    @inline(__always)
    private mutating func classify(_ bytes: RawSpan, to end: Int) {
        let prefix: UInt64
        if start &+ 8 <= bytes.byteCount {
            // Safe: eight bytes from `start`, which is not negative, are there.
            prefix = unsafe UInt64(
                littleEndian: bytes.unsafeLoadUnaligned(
                    fromUncheckedByteOffset: start, as: UInt64.self))
        } else {
            prefix = Self.lastBytes(of: bytes, at: start)
        }
        let letter = prefix & 0xFF &- UInt64(UInt8(ascii: "D"))
        guard letter < 32, Self.firstLetters >> UInt32(truncatingIfNeeded: letter) & 1 != 0
        else { return }
        if prefix & 0xFF_FFFF_FFFF == Self.tagsName {
            Self.take(&tags, from: start &+ 5, to: end)
        } else if prefix & 0xFF_FFFF_FFFF == Self.keysName {
            Self.take(&keys, from: start &+ 5, to: end)
        } else if prefix == Self.uniqueName {
            if end &- start > 8, bytes.loadBigEndian(UInt8.self, at: start &+ 8) == 1 {
                Self.take(&uniqueKey, from: start &+ 9, to: end)
            }
        } else if prefix & 0xFFFF_FFFF_FFFF == Self.delayName {
            Self.take(&delay, from: start &+ 6, to: end)
        } else if prefix == Self.checksumName {
            hasChecksum = true
        } else if prefix & 0xFFFF == Self.transactionName || prefix & 0xFFFF == Self.timeName {
            mayAsk = true
        }
    }

    /// Notes where a value stands. RocketMQ takes an item with an empty one for none, so an earlier
    /// item of that name goes on to count.
    @inline(__always)
    private static func take(_ value: inout PropertyScan.Place, from start: Int, to end: Int) {
        guard start < end else { return }
        value.bounds = UInt32(truncatingIfNeeded: start | end &<< 16)
    }

    /// The bytes from `offset` on, fewer than eight, the first one least significant.
    @inline(never)
    private static func lastBytes(of bytes: RawSpan, at offset: Int) -> UInt64 {
        var value: UInt64 = 0
        var place = bytes.byteCount
        while place > offset {
            place &-= 1
            value = value << 8 | UInt64(bytes.loadBigEndian(UInt8.self, at: place))
        }
        return value
    }
}
