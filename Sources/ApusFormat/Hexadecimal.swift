// Bytes as hexadecimal digits, two a byte: RocketMQ's ids in upper case,
// what tools print in lower.

/// Text of hexadecimal digits, read in either case.
package enum Hexadecimal: Sendable {
    private static let digits = Array("0123456789ABCDEF".utf8)
    private static let lowerDigits = Array("0123456789abcdef".utf8)

    /// In upper case.
    static func text(_ bytes: [UInt8]) -> String { text(bytes, digits) }

    package static func lowerText(_ bytes: [UInt8]) -> String { text(bytes, lowerDigits) }

    private static func text(_ bytes: [UInt8], _ digits: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends all digits of a number, in upper case.
    static func append<Value: FixedWidthInteger & UnsignedInteger>(
        _ value: Value, to bytes: inout [UInt8]
    ) {
        var shift = Value.bitWidth
        while shift > 0 {
            shift -= 4
            let digit = UInt8(truncatingIfNeeded: value >> Value(truncatingIfNeeded: shift)) & 15
            // Letters stand behind the digits, with seven other characters between.
            bytes.append(digit &+ (digit < 10 ? 48 : 55))
        }
    }

    /// The number that eight digits spell, the first one in the highest byte.
    private static func number(_ digits: UInt64) -> UInt32? {
        // The lower four bits, and nine more for letters.
        let letters = digits >> 6 & 0x0101_0101_0101_0101
        let value = (digits & 0x0F0F_0F0F_0F0F_0F0F) &+ letters &* 9
        guard value & 0xF0F0_F0F0_F0F0_F0F0 == 0 else { return nil }
        var word = (value | value >> 4) & 0x00FF_00FF_00FF_00FF
        word = (word | word >> 8) & 0x0000_FFFF_0000_FFFF
        let number = UInt32(truncatingIfNeeded: word | word >> 16)
        // Whatever is no digit is written otherwise: letters may have the bit of lower case.
        return number.hexadecimalDigits == digits & ~((digits & letters << 6) >> 1)
            ? number : nil
    }

    /// The bytes that `text` spells; nil when a character is no digit or their number is odd.
    static func bytes(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text.utf8 {
            guard let digit = value(character) else { return nil }
            if let upper = high {
                bytes.append(upper << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return high == nil ? bytes : nil
    }

    /// The number whose digits start at `offset`, which must be there; nil when one is none.
    static func number<Value: FixedWidthInteger>(
        _ text: RawSpan, at offset: Int, _ type: Value.Type
    ) -> Value? {
        if Value.bitWidth == 32 || Value.bitWidth == 64 {
            guard let first = Self.number(text.loadBigEndian(UInt64.self, at: offset)) else {
                return nil
            }
            if Value.bitWidth == 32 { return Value(truncatingIfNeeded: first) }
            guard let second = Self.number(text.loadBigEndian(UInt64.self, at: offset + 8)) else {
                return nil
            }
            return Value(truncatingIfNeeded: UInt64(first) << 32 | UInt64(second))
        }
        var number: Value = 0
        for place in offset..<offset + Value.bitWidth / 4 {
            guard let digit = value(text.loadBigEndian(UInt8.self, at: place)) else { return nil }
            number = number << 4 | Value(truncatingIfNeeded: digit)
        }
        return number
    }

    private static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

extension UInt32 {
    /// Its eight digits of base 16 in upper case, the highest one in the highest byte.
    @inlinable @inline(__always)
    public var hexadecimalDigits: UInt64 {
        // Four bits to a byte.
        var digits = UInt64(self)
        digits = (digits | digits << 16) & 0x0000_FFFF_0000_FFFF
        digits = (digits | digits << 8) & 0x00FF_00FF_00FF_00FF
        digits = (digits | digits << 4) & 0x0F0F_0F0F_0F0F_0F0F
        // One where the digit is a letter, which are seven characters farther.
        let letters = (digits &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return digits &+ 0x3030_3030_3030_3030 &+ letters &* 7
    }
}

extension UInt16 {
    /// Its four digits of base 16 in upper case, the highest one in the highest byte.
    @inlinable @inline(__always)
    public var hexadecimalDigits: UInt32 {
        UInt32(truncatingIfNeeded: UInt32(self).hexadecimalDigits)
    }
}
