// Escapes in the strings of JSON.

internal import ApusFormat

extension JSONScanner {
    /// Writes what a string stands for from `written` on, and moves that behind it. Half of a
    /// surrogate pair becomes U+FFFD. What is written is no longer than the text; there must be
    /// room for so much.
    func unescape(
        _ text: Text, into out: inout MutableRawSpan, at written: inout Int
    ) throws(JSONError) {
        var place = text.range.lowerBound
        let end = text.range.upperBound
        while place < end {
            let found = byte(place)
            guard found == 0x5C else {
                let start = place
                place = backslash(from: place, end: end)
                out.copy(bytes.extracting(start..<place), at: written)
                written &+= place &- start
                continue
            }
            guard place &+ 1 < end else { throw JSONError(.badEscape, at: place) }
            switch byte(place &+ 1) {
            case 0x75:
                let (scalar, length) = try unicode(at: place, end: end)
                out.put(scalar: scalar, at: &written)
                place &+= length
            case 0x78:
                let value = try hexadecimal(at: place &+ 2, count: 2, end: end)
                out.put(scalar: value, at: &written)
                place &+= 4
            case let letter:
                guard let meant = Self.meaning(of: letter) else {
                    throw JSONError(.badEscape, at: place)
                }
                out.put(UInt32(meant), at: &written)
                place &+= 2
            }
        }
    }

    private static func meaning(of letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"), UInt8(ascii: "F"): 0x0C
        case UInt8(ascii: "v"): 0x0B
        case UInt8(ascii: "0")...UInt8(ascii: "7"): letter &- UInt8(ascii: "0")
        default: nil
        }
    }

    /// The scalar of the escape `\uXXXX` at `place`, or of two that make a pair, and their length.
    private func unicode(at place: Int, end: Int) throws(JSONError) -> (UInt32, Int) {
        let first = try hexadecimal(at: place &+ 2, count: 4, end: end)
        guard (0xD800...0xDFFF).contains(first) else { return (first, 6) }
        if first < 0xDC00, place &+ 12 <= end, byte(place &+ 6) == 0x5C, byte(place &+ 7) == 0x75 {
            let second = try hexadecimal(at: place &+ 8, count: 4, end: end)
            if (0xDC00...0xDFFF).contains(second) {
                return (0x1_0000 &+ (first &- 0xD800) << 10 &+ (second &- 0xDC00), 12)
            }
        }
        return (0xFFFD, 6)
    }

    private func hexadecimal(at place: Int, count: Int, end: Int) throws(JSONError) -> UInt32 {
        guard place &+ count <= end else { throw JSONError(.badEscape, at: place) }
        var value: UInt32 = 0
        for offset in place..<place &+ count {
            let digit = byte(offset)
            let worth: UInt8
            switch digit {
            case 0x30...0x39: worth = digit &- 0x30
            case 0x41...0x46: worth = digit &- 0x37
            case 0x61...0x66: worth = digit &- 0x57
            default: throw JSONError(.badEscape, at: offset)
            }
            value = value << 4 | UInt32(worth)
        }
        return value
    }
}

extension MutableRawSpan {
    /// Writes a scalar as UTF-8; it is no half of a pair.
    @_lifetime(self: copy self)
    fileprivate mutating func put(scalar: UInt32, at place: inout Int) {
        switch scalar {
        case 0..<0x80: put(scalar, at: &place)
        case 0x80..<0x800:
            put(0xC0 | scalar >> 6, at: &place)
            put(0x80 | scalar & 0x3F, at: &place)
        case 0x800..<0x1_0000:
            put(0xE0 | scalar >> 12, at: &place)
            put(0x80 | scalar >> 6 & 0x3F, at: &place)
            put(0x80 | scalar & 0x3F, at: &place)
        default:
            put(0xF0 | scalar >> 18, at: &place)
            put(0x80 | scalar >> 12 & 0x3F, at: &place)
            put(0x80 | scalar >> 6 & 0x3F, at: &place)
            put(0x80 | scalar & 0x3F, at: &place)
        }
    }

    /// Writes one byte.
    @inline(__always) @_lifetime(self: copy self)
    fileprivate mutating func put(_ byte: UInt32, at place: inout Int) {
        storeBigEndian(UInt8(truncatingIfNeeded: byte), at: place)
        place &+= 1
    }
}
