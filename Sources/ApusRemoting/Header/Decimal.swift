// Numbers in the fields of headers.

internal import ApusFormat

extension RawSpan {
    /// The number that the bytes spell in decimal digits, with a sign or without; nil for anything
    /// else, and for what `Value` does not hold.
    func decimal<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) -> Value? {
        var offset = 0
        var isNegative = false
        if byteCount > 0 {
            let first = loadBigEndian(UInt8.self, at: 0)
            isNegative = first == UInt8(ascii: "-")
            if isNegative || first == UInt8(ascii: "+") { offset = 1 }
        }
        guard offset < byteCount else { return nil }
        if byteCount &- offset <= Self.harmlessDigits {
            guard let value = digits(from: offset) else { return nil }
            return Value(exactly: isNegative ? -value : value)
        }
        var value: Value = 0
        while offset < byteCount {
            let digit = loadBigEndian(UInt8.self, at: offset) &- 0x30
            guard digit < 10 else { return nil }
            let product = value.multipliedReportingOverflow(by: 10)
            let sum =
                isNegative
                ? product.partialValue.subtractingReportingOverflow(Value(digit))
                : product.partialValue.addingReportingOverflow(Value(digit))
            if product.overflow || sum.overflow { return nil }
            value = sum.partialValue
            offset &+= 1
        }
        return value
    }

    /// So many digits fit an `Int64`, whatever they are.
    static var harmlessDigits: Int { 18 }

    /// The number that the bytes from `start` on spell, of which there are no more than that; nil
    /// when one of them is no digit. Eight at a time.
    @inline(__always)
    func digits(from start: Int) -> Int64? {
        var value: UInt64 = 0
        var offset = start
        while offset &+ 8 <= byteCount {
            let eight = loadBigEndian(UInt64.self, at: offset)
            guard Self.areDigits(eight) else { return nil }
            value = value &* 100_000_000 &+ Self.number(eight)
            offset &+= 8
        }
        while offset < byteCount {
            let digit = loadBigEndian(UInt8.self, at: offset) &- 0x30
            guard digit < 10 else { return nil }
            value = value &* 10 &+ UInt64(digit)
            offset &+= 1
        }
        return Int64(truncatingIfNeeded: value)
    }

    @inline(__always)
    private static func areDigits(_ eight: UInt64) -> Bool {
        // The high half of each byte is 3, also with 6 added to the low one.
        let high: UInt64 = 0xF0F0_F0F0_F0F0_F0F0
        let wanted: UInt64 = 0x3030_3030_3030_3030
        return (eight & high ^ wanted) | ((eight &+ 0x0606_0606_0606_0606) & high ^ wanted) == 0
    }

    /// The number that eight digits spell, the first one in the highest byte: neighbours are joined
    /// to pairs, pairs to fours, and these to the number.
    @inline(__always)
    private static func number(_ eight: UInt64) -> UInt64 {
        let digits = eight & 0x0F0F_0F0F_0F0F_0F0F
        let pairs = (digits >> 8 & 0xFF_00FF_00FF_00FF) &* 10 &+ (digits & 0xFF_00FF_00FF_00FF)
        let fours = (pairs >> 16 & 0xFFFF_0000_FFFF) &* 100 &+ (pairs & 0xFFFF_0000_FFFF)
        return (fours >> 32) &* 10_000 &+ (fours & 0xFFFF_FFFF)
    }
}
