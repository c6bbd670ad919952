// Java's String.hashCode, computed from UTF-8 without making a string.

/// h = 31·h + unit over the UTF-16 code units of a text, wrapping at 32 bits.
public enum JavaHash: Sendable {
    /// The hash of the text in `utf8`, continuing from that of a text before it (0 to start).
    ///
    /// Each maximal ill-formed part counts as U+FFFD, and so does a surrogate half in three bytes,
    /// as when Java decodes it (Swift takes such a half for three ill-formed bytes).
    public static func hashCode(utf8: RawSpan, continuing seed: Int32 = 0) -> Int32 {
        var hash = seed
        let count = utf8.byteCount
        var offset = 0
        while offset &+ 8 <= count {
            let eight = utf8.loadLittleEndian(at: offset)
            if !isASCII(eight) { return hashCode(utf8, from: offset, continuing: hash) }
            hash = hash &* thirtyOneToTheEighth &+ ofASCII(eight)
            offset &+= 8
        }
        while offset < count {
            let byte = utf8.loadBigEndian(UInt8.self, at: offset)
            if byte >= 0x80 { return hashCode(utf8, from: offset, continuing: hash) }
            hash = hash &<< 5 &- hash &+ Int32(truncatingIfNeeded: byte)
            offset &+= 1
        }
        return hash
    }

    @inline(__always)
    static func isASCII(_ eight: UInt64) -> Bool { eight & 0x8080_8080_8080_8080 == 0 }

    private static let thirtyOneToTheEighth: Int32 = 923_521 &* 923_521

    /// The hash of eight ASCII characters, the first one least significant: neighbours are joined
    /// to pairs in 16 bits each, pairs to fours in 32 bits, and these to the hash.
    @inline(__always)
    static func ofASCII(_ eight: UInt64) -> Int32 {
        let pairs = (eight & 0xFF_00FF_00FF_00FF) &* 31 &+ (eight >> 8 & 0xFF_00FF_00FF_00FF)
        let fours = (pairs & 0xFFFF_0000_FFFF) &* 961 &+ (pairs >> 16 & 0xFFFF_0000_FFFF)
        return Int32(truncatingIfNeeded: fours) &* 923_521
            &+ Int32(truncatingIfNeeded: fours >> 32)
    }

    /// The rest of a text from its first character on that is not ASCII.
    @inline(never)
    private static func hashCode(_ utf8: RawSpan, from start: Int, continuing seed: Int32) -> Int32
    {
        var hash = seed
        var offset = start
        while offset < utf8.byteCount {
            let byte = utf8.loadBigEndian(UInt8.self, at: offset)
            if byte < 0x80 {
                hash = 31 &* hash &+ Int32(byte)
                offset += 1
                continue
            }
            let (scalar, count) = scalar(in: utf8, at: offset, lead: byte)
            offset += count
            if scalar < 0x10000 {
                hash = 31 &* hash &+ scalar
            } else {
                hash = 31 &* hash &+ (0xD7C0 + scalar >> 10)
                hash = 31 &* hash &+ (0xDC00 + scalar & 0x3FF)
            }
        }
        return hash
    }

    /// The scalar that starts with the byte `lead`, which is not ASCII, and the bytes it takes;
    /// U+FFFD with the bytes of the ill-formed part.
    ///
    /// The bounds of the second byte are those of the Unicode Standard, table 3-7, but for
    /// surrogates, which are decoded first and replaced then.
    private static func scalar(
        in utf8: RawSpan, at offset: Int, lead: UInt8
    ) -> (scalar: Int32, byteCount: Int) {
        let length: Int
        var allowed: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0...0xEF:
            length = 3
            if lead == 0xE0 { allowed = 0xA0...0xBF }
        case 0xF0...0xF4:
            length = 4
            if lead == 0xF0 { allowed = 0x90...0xBF }
            if lead == 0xF4 { allowed = 0x80...0x8F }
        default: return (0xFFFD, 1)
        }
        var value = Int32(lead) & (0x7F >> Int32(length))
        for step in 1..<length {
            guard offset + step < utf8.byteCount else { return (0xFFFD, step) }
            let byte = utf8.loadBigEndian(UInt8.self, at: offset + step)
            guard allowed.contains(byte) else { return (0xFFFD, step) }
            value = value << 6 | Int32(byte & 0x3F)
            allowed = 0x80...0xBF
        }
        return (value & ~0x7FF == 0xD800 ? 0xFFFD : value, length)
    }
}

/// What a ConsumeQueue entry holds of a message's tags.
public enum TagsCode: Sendable {
    /// Java's hash of the TAGS property, sign-extended; 0 for none.
    public static func code(tags: RawSpan) -> Int64 {
        Int64(JavaHash.hashCode(utf8: tags))
    }
}

/// How the key index hashes.
public enum IndexKey: Sendable {
    /// The hash under which RocketMQ's IndexFile keeps `topic` + "#" + `key`: Java's, without its
    /// sign; the smallest integer, which has no positive twin, becomes 0.
    public static func hash(topic: RawSpan, key: RawSpan) -> Int32 {
        let separated = 31 &* JavaHash.hashCode(utf8: topic) &+ Int32(UInt8(ascii: "#"))
        let hash = JavaHash.hashCode(utf8: key, continuing: separated)
        return hash == .min ? 0 : abs(hash)
    }
}
