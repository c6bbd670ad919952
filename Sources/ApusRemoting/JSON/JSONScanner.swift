// The words of JSON, found in place: nothing is copied or allocated here.
//
// Tolerant where fastjson is: names without quotes, single quotes, commas too many. Any bytes may
// come in; what they are not is said by an error with its place.

internal import ApusFormat

/// Goes over the bytes of a text, word by word.
struct JSONScanner: ~Escapable {
    let bytes: RawSpan
    private(set) var position = 0

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) { self.bytes = bytes }

    /// Where a string stands, without its quotes.
    struct Text {
        let range: Range<Int>
        /// Whether `unescape` has something to do.
        let isEscaped: Bool
    }

    @inline(__always)
    func byte(_ offset: Int) -> UInt8 { bytes.loadBigEndian(UInt8.self, at: offset) }

    /// The byte that comes next, behind white space; nil at the end.
    @inline(__always) @_lifetime(self: copy self)
    mutating func next() -> UInt8? {
        while position < bytes.byteCount {
            let found = byte(position)
            // 20, 0A, 0D, 09, and 0C and 08, which fastjson passes over too.
            if found > 0x20 || (found != 0x20 && !(0x08...0x0D).contains(found)) { return found }
            position &+= 1
        }
        return nil
    }

    /// The same, where there must be one.
    @inline(__always) @_lifetime(self: copy self)
    mutating func expectNext() throws(JSONError) -> UInt8 {
        guard let found = next() else { throw JSONError(.unexpectedEnd, at: position) }
        return found
    }

    /// Goes over one byte that `next` has shown.
    @inline(__always) @_lifetime(self: copy self)
    mutating func skip() { position &+= 1 }

    @inline(__always) @_lifetime(self: copy self)
    mutating func move(to place: Int) { position = place }

    @_lifetime(self: copy self)
    mutating func expect(_ wanted: UInt8) throws(JSONError) {
        guard try expectNext() == wanted else { throw JSONError(.unexpectedByte, at: position) }
        position &+= 1
    }

    /// Goes over `wanted` and says so, if it comes next.
    @_lifetime(self: copy self)
    mutating func take(_ wanted: UInt8) -> Bool {
        guard next() == wanted else { return false }
        position &+= 1
        return true
    }

    /// Goes over any commas.
    @inline(__always) @_lifetime(self: copy self)
    mutating func skipCommas() { while take(0x2C) {} }

    /// A string in quotes of either kind; its quote comes next.
    @_lifetime(self: copy self)
    mutating func string() throws(JSONError) -> Text {
        let quote = byte(position)
        let start = position &+ 1
        let pattern = UInt64(quote) &* 0x0101_0101_0101_0101
        var place = start
        var isEscaped = false
        while true {
            // Eight bytes at a time as long as none of them is a quote or a backslash.
            while place &+ 8 <= bytes.byteCount {
                let word = bytes.loadBigEndian(UInt64.self, at: place)
                let hits =
                    Self.zeroBytes(word ^ pattern)
                    | Self.zeroBytes(word ^ 0x5C5C_5C5C_5C5C_5C5C)
                if hits != 0 {
                    place &+= hits.leadingZeroBitCount >> 3
                    break
                }
                place &+= 8
            }
            guard place < bytes.byteCount else { throw JSONError(.unexpectedEnd, at: place) }
            switch byte(place) {
            case quote:
                position = place &+ 1
                return Text(range: start..<place, isEscaped: isEscaped)
            case 0x5C:
                isEscaped = true
                place &+= 2
            default: place &+= 1
            }
        }
    }

    /// A bit for each zero byte. Exact: no carry runs from one byte into the next.
    @inline(__always)
    static func zeroBytes(_ word: UInt64) -> UInt64 {
        let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        return ~(((word & low) &+ low) | word | low)
    }

    /// The name of a member: in quotes, or as it stands before the colon.
    @_lifetime(self: copy self)
    mutating func name() throws(JSONError) -> Text {
        let first = try expectNext()
        return first == 0x22 || first == 0x27
            ? try string() : Text(range: try word(), isEscaped: false)
    }

    /// Letters, digits and signs up to something that ends them; at least one.
    @_lifetime(self: copy self)
    mutating func word() throws(JSONError) -> Range<Int> {
        let start = position
        while position < bytes.byteCount {
            switch byte(position) {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E, 0x5F, 0x24, 0x80...0xFF:
                position &+= 1
                continue
            default: break
            }
            break
        }
        guard position > start else {
            throw JSONError(
                position == bytes.byteCount ? .unexpectedEnd : .unexpectedByte, at: position)
        }
        return start..<position
    }

    /// Goes over the value that comes next, whatever it is.
    @_lifetime(self: copy self)
    mutating func skipValue(depth: Int) throws(JSONError) {
        var open = 0
        repeat {
            switch try expectNext() {
            case 0x7B, 0x5B:
                open &+= 1
                if open > depth { throw JSONError(.tooDeep, at: position) }
                position &+= 1
            case 0x7D, 0x5D:
                if open == 0 { throw JSONError(.unexpectedByte, at: position) }
                open &-= 1
                position &+= 1
            case 0x22, 0x27: _ = try string()
            case 0x2C, 0x3A:
                if open == 0 { throw JSONError(.unexpectedByte, at: position) }
                position &+= 1
            default: _ = try word()
            }
        } while open > 0
    }
}
