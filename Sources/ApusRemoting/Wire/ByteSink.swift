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

    /// All that was written since the memory was last let go of.
    var bytes: RawSpan {
        @_lifetime(borrow self) get { memory.rawSpan.extracting(0..<count) }
    }

    /// Begins anew and keeps the memory.
    mutating func removeAll() { count = 0 }

    @inline(__always)
    private mutating func makeRoom(_ more: Int) {
        if memory.count &- count < more { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        let wanted = max(512, memory.count * 2, count + more)
        memory.append(contentsOf: repeatElement(0, count: wanted - memory.count))
    }

    mutating func append(_ byte: UInt8) {
        makeRoom(1)
        memory[count] = byte
        count &+= 1
    }

    mutating func append(_ bytes: RawSpan) {
        let start = count
        makeRoom(bytes.byteCount)
        var span = memory.mutableRawSpan
        span.copy(bytes, at: start)
        count = start &+ bytes.byteCount
    }

    /// Appends the bytes of a literal.
    mutating func append(_ text: StaticString) { append(FieldName.bytes(of: text)) }

    mutating func append(_ text: String) {
        let utf8 = text.utf8
        // Safe: every bit pattern of a byte is one.
        unsafe append(utf8.span.bytes)
    }

    mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(bigEndian value: Value) {
        let start = count
        makeRoom(MemoryLayout<Value>.size)
        put(value, at: start)
        count = start &+ MemoryLayout<Value>.size
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
        var rest = value.magnitude
        var digits = 1
        var limit: UInt64 = 10
        while digits < 19, rest >= limit {
            digits &+= 1
            limit &*= 10
        }
        makeRoom(20)
        // Magnitudes of an Int64 have nineteen digits at most.
        let start = count
        let end = start &+ digits &+ (value < 0 ? 1 : 0)
        count = end
        var span = memory.mutableRawSpan
        if value < 0 { span.storeBigEndian(UInt8(ascii: "-"), at: start) }
        var place = end
        repeat {
            place &-= 1
            span.storeBigEndian(0x30 &+ UInt8(truncatingIfNeeded: rest % 10), at: place)
            rest /= 10
        } while rest > 0
    }
}

// Fields of JSON.
extension ByteSink {
    /// Appends `head`, `name`, `":"`, the value as the inside of a string, and `"`.
    mutating func append(_ head: StaticString, _ name: StaticString, quoting value: RawSpan) {
        guard !value.hasEscapes else {
            append(head)
            append(name)
            append("\":\"")
            append(escaping: value)
            return append(UInt8(ascii: "\""))
        }
        let head = FieldName.bytes(of: head)
        let name = FieldName.bytes(of: name)
        makeRoom(head.byteCount &+ name.byteCount &+ value.byteCount &+ 8)
        var place = count
        count = place &+ head.byteCount &+ name.byteCount &+ value.byteCount &+ 4
        var span = memory.mutableRawSpan
        span.copy(head, at: place)
        place &+= head.byteCount
        span.copy(name, at: place)
        place &+= name.byteCount
        // ":"
        span.storeBigEndian(0x223A_2200 as UInt32, at: place)
        place &+= 3
        span.copy(value, at: place)
        place &+= value.byteCount
        span.storeBigEndian(UInt8(ascii: "\""), at: place)
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
