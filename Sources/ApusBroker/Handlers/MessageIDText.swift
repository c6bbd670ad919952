// The offset message id of each answer to a send, as text that costs no allocation.

import ApusFormat

/// The 32 digits of an id, or 56 for an IPv6 host.
struct MessageIDText {
    /// Eight digits each, as they stand in memory.
    private var words = InlineArray<7, UInt64>(repeating: 0)
    private var count = 0

    /// What all ids of a store begin with: as much of an id as stands before the offset.
    init(hostOf host: HostAddress) {
        if host.isIPv6 {
            append(host.high)
            append(host.low)
        } else {
            append(UInt32(truncatingIfNeeded: host.low))
        }
        append(UInt32(bitPattern: host.port))
    }

    /// The id of a message of that host.
    func with(offset: Int64) -> MessageIDText {
        var text = self
        text.append(UInt64(bitPattern: offset))
        return text
    }

    private mutating func append(_ value: UInt64) {
        append(UInt32(truncatingIfNeeded: value >> 32))
        append(UInt32(truncatingIfNeeded: value))
    }

    private mutating func append(_ value: UInt32) {
        words[count] = Self.digits(value).bigEndian
        count += 1
    }

    /// The eight digits of base 16, the highest in the highest byte.
    private static func digits(_ value: UInt32) -> UInt64 {
        // Four bits to a byte.
        var digits = UInt64(value)
        digits = (digits | digits << 16) & 0x0000_FFFF_0000_FFFF
        digits = (digits | digits << 8) & 0x00FF_00FF_00FF_00FF
        digits = (digits | digits << 4) & 0x0F0F_0F0F_0F0F_0F0F
        // One where the digit is a letter, which are seven characters farther.
        let letters = (digits &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return digits &+ 0x3030_3030_3030_3030 &+ letters &* 7
    }

    var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // Safe: the span borrows the words, which live as long as this value, and every bit
            // pattern of a byte is one.
            unsafe words.span.bytes.extracting(0..<count * 8)
        }
    }
}
