// Bytes of a header on their way out, in memory that is used again and again.
//
// What is written comes in runs, and each is checked for room once: byte by byte, an array asks
// each time whether it is the only owner of its memory.

internal import ApusFormat

/// Bytes, one behind the other.
struct ByteSink {
    /// Longer than what was written; what stands behind that means nothing.
    private var memory: [UInt8] = []
    private(set) var count = 0

    var capacity: Int { memory.capacity }

    /// All that was written since the memory was last let go of.
    var bytes: RawSpan {
        @_lifetime(borrow self) get { memory.rawSpan.extracting(0..<count) }
    }

    /// Begins anew, and keeps the memory if it is not more than so many bytes.
    mutating func removeAll(keeping limit: Int) {
        count = 0
        if memory.count > limit { memory = [] }
    }

    @inline(__always)
    private mutating func makeRoom(_ more: Int) {
        if memory.count &- count < more { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        let wanted = max(512, memory.count * 2, count + more)
        // Safe: what was written is copied, and what stands behind it is written before it is read.
        memory = unsafe [UInt8](unsafeUninitializedCapacity: wanted) { target, filled in
            unsafe bytes.withUnsafeBytes { written in
                unsafe UnsafeMutableRawBufferPointer(target).copyMemory(from: written)
            }
            filled = wanted
        }
    }

    mutating func append(_ byte: UInt8) {
        makeRoom(1)
        var place = count
        var span = memory.mutableRawSpan
        span.put(byte, at: &place)
        count = place
    }

    mutating func append(_ bytes: RawSpan) {
        makeRoom(bytes.byteCount)
        var place = count
        var span = memory.mutableRawSpan
        span.put(bytes, at: &place)
        count = place
    }

    /// Has `write` put bytes behind what is there, from the place that it is given on; it moves
    /// that behind what it wrote, which is not more than `limit`.
    @inline(__always)
    mutating func append(
        atMost limit: Int, _ write: (inout MutableRawSpan, inout Int) -> Void
    ) {
        makeRoom(limit)
        var place = count
        var span = memory.mutableRawSpan
        write(&span, &place)
        count = place
    }

    /// Appends the bytes of a literal.
    mutating func append(_ text: StaticString) { append(FieldName.bytes(of: text)) }

    mutating func append(_ text: String) {
        let utf8 = text.utf8
        // Safe: every bit pattern of a byte is one.
        unsafe append(utf8.span.bytes)
    }

    mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(bigEndian value: Value) {
        makeRoom(MemoryLayout<Value>.size)
        var place = count
        var span = memory.mutableRawSpan
        span.put(value, at: &place)
        count = place
    }

    /// Appends the length of `text` and its bytes, as binary headers hold it.
    mutating func append(counted text: String) {
        append(bigEndian: Int32(truncatingIfNeeded: text.utf8.count))
        append(text)
    }

    /// Writes over what was written.
    mutating func put<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int) {
        var span = memory.mutableRawSpan
        span.storeBigEndian(value, at: offset)
    }

    /// Appends the digits of `value`.
    mutating func append(decimal value: Int64) {
        makeRoom(MutableRawSpan.decimalLimit)
        var place = count
        var span = memory.mutableRawSpan
        span.put(decimal: value, at: &place)
        count = place
    }

    /// Appends `head`, the digits of `value`, and `tail`.
    @inline(__always)
    mutating func append(_ head: StaticString, decimal value: Int64, _ tail: StaticString) {
        let head = FieldName.bytes(of: head)
        let tail = FieldName.bytes(of: tail)
        makeRoom(head.byteCount &+ tail.byteCount &+ MutableRawSpan.decimalLimit)
        var place = count
        var span = memory.mutableRawSpan
        span.put(head, at: &place)
        span.put(decimal: value, at: &place)
        span.put(tail, at: &place)
        count = place
    }
}

// Fields of JSON.
extension ByteSink {
    /// Appends `"extFields":{` or a comma, `name`, and the value as the inside of a string.
    mutating func append(
        field name: StaticString, quoting value: RawSpan, isFirst: Bool
    ) {
        guard !value.hasEscapes else {
            append(isFirst ? ",\"extFields\":{\"" : ",\"")
            append(name)
            append("\":\"")
            append(escaping: value)
            return append(UInt8(ascii: "\""))
        }
        append(field: name, plain: value, isFirst: isFirst)
    }

    /// The same for a value that needs no escapes.
    mutating func append(field name: StaticString, plain value: RawSpan, isFirst: Bool) {
        let name = FieldName.bytes(of: name)
        makeRoom(name.byteCount &+ value.byteCount &+ MutableRawSpan.fieldLimit)
        var place = count
        var span = memory.mutableRawSpan
        span.put(field: name, isFirst: isFirst, at: &place)
        span.put(value, at: &place)
        span.put(UInt8(ascii: "\""), at: &place)
        count = place
    }

    /// The same for a number.
    mutating func append(field name: StaticString, decimal value: Int64, isFirst: Bool) {
        let name = FieldName.bytes(of: name)
        makeRoom(name.byteCount &+ MutableRawSpan.fieldLimit &+ MutableRawSpan.decimalLimit)
        var place = count
        var span = memory.mutableRawSpan
        span.put(field: name, isFirst: isFirst, at: &place)
        span.put(decimal: value, at: &place)
        span.put(UInt8(ascii: "\""), at: &place)
        count = place
    }

    /// Appends `text` as a string.
    mutating func append(quoted text: String) {
        let utf8 = text.utf8
        append(UInt8(ascii: "\""))
        // Safe: every bit pattern of a byte is one.
        unsafe append(escaping: utf8.span.bytes)
        append(UInt8(ascii: "\""))
    }

    /// Appends `bytes` as the inside of a string.
    mutating func append(escaping bytes: RawSpan) {
        guard bytes.hasEscapes else { return append(bytes) }
        var escaped: [UInt8] = []
        for offset in 0..<bytes.byteCount {
            escaped.append(escaping: bytes.loadBigEndian(UInt8.self, at: offset))
        }
        append(escaped.rawSpan)
    }
}

extension RawSpan {
    /// Whether some of the bytes cannot stand in a string of JSON as they are: `"`, `\`, DEL and
    /// control characters, as fastjson has it.
    var hasEscapes: Bool {
        var place = 0
        while place &+ 8 <= byteCount {
            if Self.escapes(in: loadBigEndian(UInt64.self, at: place)) { return true }
            place &+= 8
        }
        if place == byteCount { return false }
        if byteCount >= 8 {
            // The last eight, some of which were looked at already.
            return Self.escapes(in: loadBigEndian(UInt64.self, at: byteCount &- 8))
        }
        if byteCount >= 4 {
            let first = UInt64(loadBigEndian(UInt32.self, at: 0))
            let last = UInt64(loadBigEndian(UInt32.self, at: byteCount &- 4))
            return Self.escapes(in: first << 32 | last)
        }
        while place < byteCount {
            if Self.isEscaped(loadBigEndian(UInt8.self, at: place)) { return true }
            place &+= 1
        }
        return false
    }

    /// Whether `byte` is such a one.
    @inline(__always)
    static func isEscaped(_ byte: UInt8) -> Bool {
        escapes(in: UInt64(byte) &* 0x0101_0101_0101_0101)
    }

    /// Whether one of eight bytes is such a one. By subtraction, which borrows only from bytes
    /// above one that is.
    @inline(__always)
    private static func escapes(in word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quote = word ^ 0x2222_2222_2222_2222
        let backslash = word ^ 0x5C5C_5C5C_5C5C_5C5C
        let delete = word ^ 0x7F7F_7F7F_7F7F_7F7F
        let found =
            (word &- 0x2020_2020_2020_2020) & ~word | (quote &- ones) & ~quote
            | (backslash &- ones) & ~backslash | (delete &- ones) & ~delete
        return found & 0x8080_8080_8080_8080 != 0
    }
}

// Each of these writes at `place`, where there must be room, and moves it behind what it wrote.
extension MutableRawSpan {
    @inline(__always) @_lifetime(self: copy self)
    mutating func put(_ bytes: RawSpan, at place: inout Int) {
        copy(bytes, at: place)
        place &+= bytes.byteCount
    }

    /// Puts the bytes of a literal.
    @inline(__always) @_lifetime(self: copy self)
    mutating func put(_ text: StaticString, at place: inout Int) {
        put(FieldName.bytes(of: text), at: &place)
    }

    @inline(__always) @_lifetime(self: copy self)
    mutating func put<Value: FixedWidthInteger & BitwiseCopyable>(
        _ value: Value, at place: inout Int
    ) {
        storeBigEndian(value, at: place)
        place &+= MemoryLayout<Value>.size
    }

    /// What `put(field:)` writes besides the name, and the quote behind a value.
    fileprivate static var fieldLimit: Int { 24 }

    /// Everything before the value of a field of JSON.
    @inline(__always) @_lifetime(self: copy self)
    mutating func put(field name: RawSpan, isFirst: Bool, at place: inout Int) {
        if isFirst {
            put(FieldName.bytes(of: ",\"extFields\":{\""), at: &place)
        } else {
            put(0x2C22 as UInt16, at: &place)
        }
        put(name, at: &place)
        // `":"`
        put(0x223A as UInt16, at: &place)
        put(UInt8(ascii: "\""), at: &place)
    }

    /// Bytes that a number takes at most, those included that are written behind its end.
    fileprivate static var decimalLimit: Int { 32 }

    /// Eight digits at a time. A few bytes behind the number are written over.
    @inline(__always) @_lifetime(self: copy self)
    mutating func put(decimal value: Int64, at place: inout Int) {
        if value >= 0, value < 10 {
            return put(0x30 &+ UInt8(truncatingIfNeeded: value), at: &place)
        }
        place = putLong(decimal: value, at: place)
    }

    /// Answers where the number ends.
    @inline(never) @_lifetime(self: copy self)
    private mutating func putLong(decimal value: Int64, at start: Int) -> Int {
        var place = start
        if value < 0 { put(UInt8(ascii: "-"), at: &place) }
        let part: UInt64 = 100_000_000
        let all = value.magnitude
        if all < part { return putFirst(all, at: place) }
        let (high, low) = all.quotientAndRemainder(dividingBy: part)
        if high < part {
            place = putFirst(high, at: place)
        } else {
            let (first, middle) = high.quotientAndRemainder(dividingBy: part)
            place = putFirst(first, at: place)
            put(Self.eightDigits(middle) | Self.zeros, at: &place)
        }
        put(Self.eightDigits(low) | Self.zeros, at: &place)
        return place
    }

    /// Writes a number below 100,000,000 without zeros before it.
    @inline(__always) @_lifetime(self: copy self)
    private mutating func putFirst(_ value: UInt64, at place: Int) -> Int {
        let digits = Self.eightDigits(value)
        // The last digit is one even when it is zero.
        let leading = (digits | 1).leadingZeroBitCount >> 3
        storeBigEndian((digits | Self.zeros) << UInt64(leading &* 8), at: place)
        return place &+ 8 &- leading
    }

    /// The digits of a number below 100,000,000, the first one in the highest byte.
    @inline(__always)
    private static func eightDigits(_ value: UInt64) -> UInt64 {
        // Two numbers of four digits, four of two, and eight of one: quotients by multiplication.
        let fours = (value / 10_000) << 32 | value % 10_000
        let hundreds = (fours &* 5_243) >> 19 & 0x7F_0000_007F
        let twos = hundreds << 16 | (fours &- hundreds &* 100)
        let tens = (twos &* 103) >> 10 & 0x0F_000F_000F_000F
        return tens << 8 | (twos &- tens &* 10)
    }

    /// Eight times `0`.
    private static var zeros: UInt64 { 0x3030_3030_3030_3030 }
}
