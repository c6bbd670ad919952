// What an append must know of a message's properties, in one register.
//
// The same rules as in `PropertyScan`, without the places of values. Nothing but this runs over the
// properties of each message, so it is written for few instructions: no item's bounds are checked
// twice, and names are told apart by their first four bytes.

public import CApus

/// The hash of a message's tags, and what else about its properties decides how it is appended.
@frozen public struct PropertySummary: Sendable {
    /// Java's hash of the TAGS property; 0 for none.
    public let tagsHash: Int32
    /// Of several summaries, whether one of them says so.
    public let flags: PropertyFlags
    /// Where the value of UNIQ_KEY begins, and above 16 bits where it ends; 0 for none.
    @usableFromInline let unique: UInt32

    /// Never inlined: in a call of its own all that it keeps fits into registers.
    @inline(never)
    public init(_ bytes: RawSpan) {
        // Safe: the pointer is used in here only, while the span holds the bytes. All of the work
        // in the closure would be a call of its own.
        guard bytes.byteCount >= 16, bytes.byteCount <= PropertyScan.limit,
            let base = unsafe bytes.withUnsafeBytes({ $0.baseAddress })
        else {
            self.init(scanning: bytes)
            return
        }
        unsafe self.init(base, bytes.byteCount)
    }

    /// For properties that are too short to be read sixteen bytes at a time, and too long ones.
    @inline(never)
    private init(scanning bytes: RawSpan) {
        let scan = PropertyScan(bytes)
        tagsHash = JavaHash.hashCode(utf8: bytes.extracting(scan.tags))
        var flags: PropertyFlags = []
        if scan.isKeyed { flags.insert(.keyed) }
        if scan.hasChecksum { flags.insert(.checksum) }
        if !scan.isTerminated { flags.insert(.open) }
        self.flags = flags
        unique = 0
    }

    /// Whether `bytes` have the same summary as `previous`, of which this is the one. That is seen
    /// at a glance where they differ in the value of UNIQ_KEY at most, as the messages do that a
    /// client puts into a batch; of others the answer is false.
    @inlinable @inline(__always)
    public func holds(for bytes: RawSpan, as previous: RawSpan) -> Bool {
        guard bytes.byteCount == previous.byteCount else { return false }
        if bytes.byteCount < 16 { return bytes.isEqual(to: previous) }
        // Safe: both have as many bytes, and the pointers are used in here only.
        guard let base = unsafe bytes.withUnsafeBytes({ $0.baseAddress }),
            let other = unsafe previous.withUnsafeBytes({ $0.baseAddress })
        else { return false }
        return unsafe capus_has_same_items(base, other, bytes.byteCount, unique) != 0
    }

    /// Of the `count` bytes at `base`, 16 or more.
    @inline(__always)
    private init(_ base: UnsafeRawPointer, _ count: Int) {
        var items = unsafe PropertyFlagItems(base: base, count: count)
        var offset = 0
        // Nearly always all that there is, and not less than the sixteen bytes of one look.
        var ends = unsafe capus_matches_of_first_64(base, count, 2)
        while true {
            while ends != 0 {
                items.end(at: offset &+ ends.trailingZeroBitCount)
                ends &= ends &- 1
            }
            offset &+= 64
            if offset >= count { break }
            ends = unsafe capus_matches_of_64(base, offset, count, 2)
        }
        if items.start < count {
            items.end(at: count)
            items.flags.insert(.open)
        }
        tagsHash = items.tagsHash
        flags = items.flags
        unique = items.unique
    }
}

/// What a summary says besides the hash.
@frozen public struct PropertyFlags: OptionSet, Sendable {
    public let rawValue: UInt32

    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The message can be found by a key.
    @inlinable public static var keyed: PropertyFlags { PropertyFlags(rawValue: 1) }
    /// An item is named `__CRC32#`, which only the store itself may write.
    @inlinable public static var checksum: PropertyFlags { PropertyFlags(rawValue: 2) }
    /// The properties are not empty, and no separator ends the last item.
    @inlinable public static var open: PropertyFlags { PropertyFlags(rawValue: 4) }
}

/// The items of properties of 16 bytes or more, one behind the other.
@safe private struct PropertyFlagItems {
    let base: UnsafeRawPointer
    let count: Int
    var start = 0
    var flags: PropertyFlags = []
    /// Where the value of TAGS begins, and above 16 bits where it ends; 0 for none.
    var tags = 0
    /// The same of UNIQ_KEY.
    var unique: UInt32 = 0

    // The first four bytes of names, the first one least significant.
    private static let tagsName: UInt32 = 0x5347_4154
    private static let keysName: UInt32 = 0x5359_454B
    private static let uniqueName: UInt64 = 0x5945_4B5F_5149_4E55
    private static let checksumName: UInt64 = 0x2332_3343_5243_5F5F

    /// The item from `start` to `end`, which is at most `count`, is whole.
    @inline(__always)
    mutating func end(at end: Int) {
        // The eight bytes at `start`, zeros behind the end. Safe: those that are read lie within.
        let last = count &- 8
        let prefix =
            start <= last
            ? unsafe eight(at: start)
            : unsafe eight(at: last) &>> UInt64(truncatingIfNeeded: 8 &* (start &- last))
        switch UInt32(truncatingIfNeeded: prefix) {
        case Self.tagsName:
            if prefix >> 32 & 0xFF == 1, start &+ 5 < end { tags = start &+ 5 | end &<< 16 }
        case Self.keysName:
            if prefix >> 32 & 0xFF == 1, start &+ 5 < end { flags.insert(.keyed) }
        case UInt32(truncatingIfNeeded: Self.uniqueName):
            if prefix == Self.uniqueName, start &+ 9 < end,
                unsafe base.load(fromByteOffset: start &+ 8, as: UInt8.self) == 1
            {
                flags.insert(.keyed)
                unique = UInt32(truncatingIfNeeded: start &+ 9 | end &<< 16)
            }
        case UInt32(truncatingIfNeeded: Self.checksumName):
            if prefix == Self.checksumName { flags.insert(.checksum) }
        default: break
        }
        start = end &+ 1
    }

    /// Java's hash of the tags.
    @inline(__always)
    var tagsHash: Int32 {
        if tags == 0 { return 0 }
        let tagsStart = tags & 0xFFFF
        let tagsEnd = tags &>> 16
        let length = tagsEnd &- tagsStart
        if length <= 8, tagsEnd >= 8 {
            // What stands before the tags counts as zeros, which add nothing.
            let shift = UInt64(truncatingIfNeeded: 64 &- 8 &* length)
            let text = unsafe (eight(at: tagsEnd &- 8) &>> shift) &<< shift
            if JavaHash.isASCII(text) { return JavaHash.ofASCII(text) }
        }
        return unsafe Self.hash(base + tagsStart, length)
    }

    @inline(never)
    private static func hash(_ text: UnsafeRawPointer, _ count: Int) -> Int32 {
        JavaHash.hashCode(utf8: unsafe RawSpan(_unsafeStart: text, byteCount: count))
    }

    /// The eight bytes from `offset` on, the first one least significant. They must be there.
    @unsafe @inline(__always)
    private func eight(at offset: Int) -> UInt64 {
        unsafe UInt64(littleEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
}
