// The offset message id of each answer to a send, as text that costs no allocation.

import ApusFormat

/// The 32 digits of an id, or 56 for an IPv6 host.
struct MessageIDText {
    private var digits = InlineArray<56, UInt8>(repeating: 0)
    private let count: Int

    init(_ id: OffsetMessageID) {
        var place = 0
        func append(_ value: UInt64, bytes: Int, to digits: inout InlineArray<56, UInt8>) {
            for shift in stride(from: bytes * 8 - 4, through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 15
                digits[place] = digit &+ (digit < 10 ? 48 : 55)
                place += 1
            }
        }
        let host = id.storeHost
        if host.isIPv6 { append(host.high, bytes: 8, to: &digits) }
        append(host.low, bytes: host.isIPv6 ? 8 : 4, to: &digits)
        append(UInt64(UInt32(bitPattern: host.port)), bytes: 4, to: &digits)
        append(UInt64(bitPattern: id.physicalOffset), bytes: 8, to: &digits)
        count = place
    }

    var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // Safe: the span borrows the digits, which live as long as this value.
            unsafe digits.span.bytes.extracting(0..<count)
        }
    }
}
