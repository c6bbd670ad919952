// The name of a field, made so that it is compared eight bytes at a time.

internal import ApusFormat

/// The name of a field, from a literal: `request.int32("queueId")`.
public struct FieldName: ExpressibleByStringLiteral, Sendable, CustomStringConvertible {
    let text: StaticString
    /// The first eight bytes, zeros behind a shorter name.
    let tag: UInt64
    let count: Int

    public init(stringLiteral text: StaticString) {
        self.text = text
        precondition(text.hasPointerRepresentation, "the name of a field is a string literal")
        count = text.utf8CodeUnitCount
        tag = Self.tag(Self.bytes(of: text))
    }

    var hash: Int { Self.hash(of: tag) }

    public var description: String { text.description }

    var bytes: RawSpan {
        @_lifetime(immortal) get { Self.bytes(of: text) }
    }

    @_lifetime(immortal)
    static func bytes(of text: StaticString) -> RawSpan {
        // Safe: a literal's bytes are there for as long as the program is.
        let span = unsafe RawSpan(
            _unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount)
        return unsafe _overrideLifetime(span, copying: ())
    }

    /// The first eight bytes as a number, zeros behind a shorter name.
    @inline(__always)
    static func tag(_ name: RawSpan) -> UInt64 {
        let count = name.byteCount
        if count >= 8 { return name.loadBigEndian(UInt64.self, at: 0) }
        var tag: UInt64 = 0
        for offset in 0..<count {
            tag |= UInt64(name.loadBigEndian(UInt8.self, at: offset)) << UInt64(56 &- offset &* 8)
        }
        return tag
    }

    /// The same of a name amid other bytes: by a single load, where eight of them are there.
    @inline(__always)
    static func tag(_ bytes: RawSpan, from start: Int, to end: Int) -> UInt64 {
        guard bytes.byteCount &- start >= 8 else { return tag(bytes.extracting(start..<end)) }
        let word = bytes.loadBigEndian(UInt64.self, at: start)
        let count = end &- start
        return count >= 8 ? word : word & ~(UInt64.max &>> UInt64(truncatingIfNeeded: count &* 8))
    }

    /// A number below 64 for each tag. The names of one letter in a send have one each.
    @inline(__always)
    static func hash(of tag: UInt64) -> Int { Int((tag &* 0x9E37_79B9_7F4A_7C15) >> 58) }
}
