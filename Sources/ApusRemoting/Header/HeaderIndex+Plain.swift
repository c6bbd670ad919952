// Fields of JSON as clients write them, `"name":"value",`: no blanks, no names with escapes, and no
// escapes in values but those of 01 and 02, which stand between properties.
//
// Gone over from quote to quote, without a look at what else JSON may be; whatever is not like
// that, is beyond a bound or may have come before goes the general way, from the beginning of its
// field.

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
    /// scanner is where the first field begins that is not plain, or has nothing behind it.
    mutating func readPlainFields(
        _ scanner: inout JSONScanner, _ limits: HeaderLimits
    ) -> Bool {
        let bytes = scanner.bytes
        var place = scanner.position
        var marks = JSONMarks(bytes, from: place)
        // Moved out and held for all fields: an array asks at each access who else has it.
        var memory: [FieldSlot] = []
        swap(&memory, &self.memory)
        defer { swap(&memory, &self.memory) }
        var slots = memory.mutableSpan
        let first = count
        var next = first
        // As many as there may be, of which there is memory for so many.
        let end = first &+ min(slots.count &- first, limits.fields &- fieldCount)
        defer {
            count = next
            fieldCount &+= next &- first
        }
        guard marks.next() == place, bytes.word(at: place) >> 24 == 0x22 else { return false }
        while true {
            // The quote at `place` is behind us. `":"`, of which the second one is passed over.
            let nameEnd = marks.next()
            guard bytes.word(at: nameEnd) >> 8 == 0x22_3A22 else { break }
            _ = marks.next()
            var valueEnd = marks.next()
            var slot = FieldSlot(from: nameEnd &+ 3, to: valueEnd)
            var behind = bytes.word(at: valueEnd)
            var unescapedEnd = unescapedCount
            if behind >> 24 == 0x5C {
                (valueEnd, unescapedEnd) = Self.unescape(
                    bytes, from: nameEnd &+ 3, backslash: valueEnd, into: &unescaped,
                    unescapedCount)
                slot = FieldSlot(from: unescapedCount, to: unescapedEnd)
                slot.isValueElsewhere = true
                behind = bytes.word(at: valueEnd)
                marks = JSONMarks(bytes, from: valueEnd &+ 1)
            }
            // `"}` or `","`
            let isLast = behind >> 16 == 0x227D
            slot.setName(from: place &+ 1, to: nameEnd)
            slot.tag = FieldName.tag(bytes, from: place &+ 1, to: nameEnd)
            let hash = FieldName.hash(of: slot.tag)
            guard isLast || behind >> 8 == 0x22_2C22, next < end, places[hash] == 0,
                slot.isWithin(limits)
            else { break }
            slots[next] = slot
            next &+= 1
            places[hash] = UInt8(truncatingIfNeeded: min(next, 255))
            unescapedCount = unescapedEnd
            place = valueEnd &+ 2
            if isLast {
                scanner.move(to: place)
                return true
            }
            _ = marks.next()
        }
        scanner.move(to: place)
        return false
    }

    /// Writes the value from `start` on, whose first backslash is known, without its escapes behind
    /// `count` bytes. Answers where its quote stands, and where what was written ends. For escapes
    /// other than those of 01 and 02, and without a quote, the first is the number of bytes.
    @inline(never)
    private static func unescape(
        _ bytes: RawSpan, from start: Int, backslash: Int, into unescaped: inout [UInt8],
        _ count: Int
    ) -> (end: Int, unescapedEnd: Int) {
        makeRoom(toUnescape: bytes, in: &unescaped)
        var out = unescaped.mutableRawSpan
        var written = count
        var start = start
        var mark = backslash
        var marks = JSONMarks(bytes, from: mark &+ 1)
        while true {
            out.copy(bytes.extracting(start..<mark), at: written)
            written &+= mark &- start
            let word = bytes.word(at: mark)
            if word >> 24 == 0x22 { return (mark, written) }
            // `\u00`, and two digits behind it.
            let meant = bytes.word(at: mark &+ 4) >> 16 &- 0x3030
            guard word == 0x5C75_3030, meant == 1 || meant == 2 else {
                return (bytes.byteCount, written)
            }
            out.storeBigEndian(UInt8(truncatingIfNeeded: meant), at: written)
            written &+= 1
            start = mark &+ 6
            mark = marks.next()
        }
    }
}

extension RawSpan {
    /// The four bytes from `place` on, the first one highest; 0 where they are not all there. Asked
    /// as a load asks, so that the load asks no more.
    @inline(__always)
    fileprivate func word(at place: Int) -> UInt32 {
        guard UInt(bitPattern: place) <= UInt(bitPattern: byteCount), byteCount &- place >= 4 else {
            return 0
        }
        return loadBigEndian(UInt32.self, at: place)
    }
}
