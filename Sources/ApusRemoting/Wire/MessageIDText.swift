// The offset message ids in answers to sends, as text that costs no allocation.

public import ApusFormat

/// The 32 digits of an id, or 56 for an IPv6 host.
public struct MessageIDText: Sendable {
    /// Eight digits each, as they stand in memory.
    private var words = InlineArray<7, UInt64>(repeating: 0)
    private var count = 0

    /// What all ids of a store begin with: as much of an id as stands before the offset.
    public init(hostOf host: HostAddress) {
        if host.isIPv6 {
            append(host.high)
            append(host.low)
        } else {
            append(UInt32(truncatingIfNeeded: host.low))
        }
        append(UInt32(bitPattern: host.port))
    }

    /// The id of a message of that host.
    public func with(offset: Int64) -> MessageIDText {
        var text = self
        text.append(UInt64(bitPattern: offset))
        return text
    }

    private mutating func append(_ value: UInt64) {
        append(UInt32(truncatingIfNeeded: value >> 32))
        append(UInt32(truncatingIfNeeded: value))
    }

    private mutating func append(_ value: UInt32) {
        words[count] = value.hexadecimalDigits.bigEndian
        count += 1
    }

    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            // Safe: the span borrows the words, which live as long as this value, and every bit
            // pattern of a byte is one.
            unsafe words.span.bytes.extracting(0..<count * 8)
        }
    }
}
