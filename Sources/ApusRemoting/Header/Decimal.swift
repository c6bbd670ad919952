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
        if byteCount &- offset <= Self.harmlessDigits(Value.bitWidth), !isNegative {
            return harmlessDecimal(from: offset)
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

    /// As many digits as fit a signed integer of this width, whatever they are.
    @inline(__always)
    private static func harmlessDigits(_ bitWidth: Int) -> Int {
        bitWidth == 64 ? 18 : bitWidth == 32 ? 9 : 0
    }

    /// The same for so few digits that nothing can overflow.
    @inline(__always)
    private func harmlessDecimal<Value: FixedWidthInteger>(from start: Int) -> Value? {
        var value: Value = 0
        for offset in start..<byteCount {
            let digit = loadBigEndian(UInt8.self, at: offset) &- 0x30
            guard digit < 10 else { return nil }
            value = value &* 10 &+ Value(truncatingIfNeeded: digit)
        }
        return value
    }
}
