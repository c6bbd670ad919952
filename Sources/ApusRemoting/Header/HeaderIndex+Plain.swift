// Fields of JSON as clients write them, `"name":"value",`: no blanks, no names with escapes, and no
// escapes in values but those of 01 and 02, which stand between properties.
//
// Gone over from quote to quote, without a look at what else JSON may be; whatever is not like that
// goes the general way, from the beginning of its field.

internal import ApusFormat

/// Goes from one quote or backslash to the next, 64 bytes at a time.
private struct JSONMarks: ~Escapable {
    private let bytes: RawSpan
    /// The first of the bytes that are looked at, and which of them are to come.
    private var base: Int
    private var marks: UInt64

    @inline(__always) @_lifetime(copy bytes)
    init(_ bytes: RawSpan, from start: Int) {
        self.bytes = bytes
        base = start
        marks = start < bytes.byteCount ? Self.marks(in: bytes, at: start) : 0
    }

    /// Where the next one stands; the number of bytes when there is none.
    @inline(__always) @_lifetime(self: copy self)
    mutating func next() -> Int {
        while marks == 0 {
            guard bytes.byteCount &- base > 64 else { return bytes.byteCount }
            base &+= 64
            marks = Self.marks(in: bytes, at: base)
        }
        let place = base &+ marks.trailingZeroBitCount
        marks &= marks &- 1
        return place
    }

    /// Never inlined: there are many calls of `next`.
    @inline(never)
    private static func marks(in bytes: RawSpan, at offset: Int) -> UInt64 {
        bytes.matches(of: UInt8(ascii: "\""), or: UInt8(ascii: "\\"), at: offset)
    }
}

extension HeaderIndex {
    /// Goes over the plain fields that come next. True where the object ended with them; else the
    /// scanner is at the first field that is not plain, or where an object may end behind a comma.
    mutating func readPlainFields(
        _ scanner: inout JSONScanner, _ limits: HeaderLimits
    ) throws(FrameError) -> Bool {
        let bytes = scanner.bytes
        var place = scanner.position
        var marks = JSONMarks(bytes, from: place)
        while marks.next() == place {
            let nameEnd = marks.next()
            // `":"`
            guard nameEnd &+ 4 <= bytes.byteCount,
                bytes.loadBigEndian(UInt8.self, at: place) == 0x22,
                bytes.loadBigEndian(UInt32.self, at: nameEnd) >> 8 == 0x22_3A22
            else { break }
            _ = marks.next()
            var end = marks.next()
            var slot = FieldSlot(valueAt: nameEnd &+ 3..<end)
            var unescapedEnd = unescapedCount
            if end < bytes.byteCount, bytes.loadBigEndian(UInt8.self, at: end) == 0x5C {
                guard unescape(bytes, slot.value.lowerBound, &end, &marks, to: &unescapedEnd)
                else { break }
                slot = FieldSlot(valueAt: unescapedCount..<unescapedEnd)
                slot.isValueElsewhere = true
            }
            slot.setName(place &+ 1..<nameEnd)
            guard end &+ 2 <= bytes.byteCount else { break }
            let behind = bytes.loadBigEndian(UInt16.self, at: end)
            // `",` or `"}`
            guard behind == 0x222C || behind == 0x227D else { break }
            unescapedCount = unescapedEnd
            try append(slot, of: bytes, limits)
            place = end &+ 2
            if behind == 0x227D {
                scanner.move(to: place)
                return true
            }
        }
        scanner.move(to: place)
        return false
    }

    /// Writes a value whose first backslash stands at `end` without its escapes, and moves `end` to
    /// where its quote stands; false when there are others than those of 01 and 02.
    @inline(__always)
    private mutating func unescape(
        _ bytes: RawSpan, _ start: Int, _ end: inout Int, _ marks: inout JSONMarks,
        to unescapedEnd: inout Int
    ) -> Bool {
        makeRoomToUnescape(bytes.byteCount)
        var out = unescaped.mutableRawSpan
        var start = start
        repeat {
            // `\u00`, and two digits behind it.
            guard end &+ 6 <= bytes.byteCount,
                bytes.loadBigEndian(UInt32.self, at: end) == 0x5C75_3030
            else { return false }
            let meant = bytes.loadBigEndian(UInt16.self, at: end &+ 4) &- 0x3030
            guard meant == 1 || meant == 2 else { return false }
            out.copy(bytes.extracting(start..<end), at: unescapedEnd)
            unescapedEnd &+= end &- start &+ 1
            out.storeBigEndian(UInt8(truncatingIfNeeded: meant), at: unescapedEnd &- 1)
            start = end &+ 6
            end = marks.next()
        } while end < bytes.byteCount && bytes.loadBigEndian(UInt8.self, at: end) == 0x5C
        out.copy(bytes.extracting(start..<end), at: unescapedEnd)
        unescapedEnd &+= end &- start
        return true
    }
}
