// Takes an input apart from front to back; behind its end everything is zero.

import ApusFormat

/// What is left of an input.
struct ByteReader {
    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position >= bytes.count }

    mutating func byte() -> UInt8 {
        guard position < bytes.count else { return 0 }
        defer { position += 1 }
        return bytes[position]
    }

    /// Up to `count` bytes, as many as there are.
    mutating func take(_ count: Int) -> [UInt8] {
        let end = min(bytes.count, position + max(0, count))
        defer { position = end }
        return Array(bytes[position..<end])
    }

    /// Exactly `count` bytes, zeros where the input has ended.
    mutating func padded(_ count: Int) -> [UInt8] {
        let taken = take(count)
        return taken + [UInt8](repeating: 0, count: count - taken.count)
    }

    mutating func rest() -> [UInt8] { take(bytes.count) }

    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type = Value.self
    ) -> Value {
        padded(MemoryLayout<Value>.size).rawSpan.loadBigEndian(Value.self, at: 0)
    }
}

extension [UInt8] {
    /// The big-endian number at `offset`, read byte by byte: the second way to what `Field` does.
    func number(at offset: Int, count: Int) -> Int64 {
        var value: UInt64 = 0
        for byte in self[offset..<offset + count] { value = value << 8 | UInt64(byte) }
        let shift = 64 - count * 8
        return Int64(bitPattern: value << UInt64(shift)) >> Int64(shift)
    }

    /// Puts `value` big-endian to `offset`.
    mutating func put<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int) {
        var target = mutableRawSpan
        target.storeBigEndian(value, at: offset)
    }
}
