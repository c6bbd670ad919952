// Headers as clients write them: double quotes, no blanks, few escapes. Gone over without a look at
// what else JSON may be; whatever is not like that goes the general way.

internal import ApusFormat

extension JSONScanner {
    /// A name in quotes and its colon, with nothing between them and no escape. For anything else
    /// nil, with nothing gone over.
    @inline(__always) @_lifetime(self: copy self)
    mutating func plainName() -> Range<Int>? {
        guard let range = plainRange(), range.upperBound &+ 1 < bytes.byteCount,
            byte(range.upperBound &+ 1) == 0x3A
        else { return nil }
        move(to: range.upperBound &+ 2)
        return range
    }

    /// A string in quotes without an escape. For anything else nil, with nothing gone over.
    @inline(__always) @_lifetime(self: copy self)
    mutating func plainString() -> Range<Int>? {
        guard let range = plainRange() else { return nil }
        move(to: range.upperBound &+ 1)
        return range
    }

    /// Goes over a comma before a quote, and says whether that comes next.
    @inline(__always) @_lifetime(self: copy self)
    mutating func takePlainComma() -> Bool {
        guard position &+ 2 <= bytes.byteCount,
            bytes.loadBigEndian(UInt16.self, at: position) == 0x2C22
        else { return false }
        skip()
        return true
    }

    /// Goes over a literal and says so, if its bytes come next as they are.
    @inline(__always) @_lifetime(self: copy self)
    mutating func take(_ text: StaticString) -> Bool {
        let wanted = FieldName.bytes(of: text)
        let end = position &+ wanted.byteCount
        guard end <= bytes.byteCount, bytes.extracting(position..<end).isEqual(to: wanted) else {
            return false
        }
        move(to: end)
        return true
    }

    /// A number of digits alone before a comma or the end of its object. For anything else, and
    /// for what does not fit, nil, with nothing gone over.
    @_lifetime(self: copy self)
    mutating func plainNumber() -> Int32? {
        var place = position
        let limit = min(bytes.byteCount, position &+ 18)
        var value: Int64 = 0
        while place < limit {
            let digit = byte(place) &- 0x30
            if digit > 9 { break }
            value = value &* 10 &+ Int64(digit)
            place &+= 1
        }
        guard place > position, place < limit, byte(place) == 0x2C || byte(place) == 0x7D,
            let number = Int32(exactly: value)
        else { return nil }
        move(to: place)
        return number
    }

    /// The same, with where its digits stand.
    @inline(__always) @_lifetime(self: copy self)
    mutating func plainNumber(at range: inout Range<Int>) -> Int32? {
        let start = position
        guard let number = plainNumber() else { return nil }
        range = start..<position
        return number
    }

    /// What stands in the quotes that come next.
    @inline(__always)
    private func plainRange() -> Range<Int>? {
        guard position < bytes.byteCount, byte(position) == 0x22 else { return nil }
        let start = position &+ 1
        let end = Self.plainEnd(of: bytes, from: start)
        return end < 0 ? nil : start..<end
    }

    /// Where the quote stands that ends a string which begins at `start`; below zero where a
    /// backslash comes first. Eight bytes at a time: the last few of a text are not looked at, and
    /// no header of ours ends in a string.
    @inline(__always)
    static func plainEnd(of bytes: RawSpan, from start: Int) -> Int {
        var place = start
        while place &+ 8 <= bytes.byteCount {
            let word = bytes.loadBigEndian(UInt64.self, at: place)
            let quotes = zeroBytes(word ^ 0x2222_2222_2222_2222)
            let hits = quotes | zeroBytes(word ^ 0x5C5C_5C5C_5C5C_5C5C)
            if hits != 0 {
                let bits = hits.leadingZeroBitCount
                return quotes.leadingZeroBitCount == bits ? place &+ bits >> 3 : -1
            }
            place &+= 8
        }
        return -1
    }

    /// Where the next backslash stands from `place` on, or `end`.
    @inline(__always)
    func backslash(from place: Int, end: Int) -> Int {
        var place = place
        while place &+ 8 <= end {
            let word = bytes.loadBigEndian(UInt64.self, at: place)
            let hits = Self.zeroBytes(word ^ 0x5C5C_5C5C_5C5C_5C5C)
            if hits != 0 { return place &+ hits.leadingZeroBitCount >> 3 }
            place &+= 8
        }
        while place < end, byte(place) != 0x5C { place &+= 1 }
        return place
    }
}
