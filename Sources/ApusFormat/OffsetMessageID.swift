// The offset message id: where a message stands, as text.
//
//     0              4|16       8|20              16|28
//     +--------------+----------+-----------------+
//     | store host   | port     | physical offset |      each byte as two hexadecimal digits
//     +--------------+----------+-----------------+

/// The id that a broker gives a message: the host that stores it and its place in the CommitLog.
public struct OffsetMessageID: Hashable, Sendable {
    /// The host that stored the message, as its record has it.
    public var storeHost: HostAddress
    /// Where the record starts in the CommitLog.
    public var physicalOffset: Int64

    @inlinable public init(storeHost: HostAddress, physicalOffset: Int64) {
        self.storeHost = storeHost
        self.physicalOffset = physicalOffset
    }

    /// 32 upper-case hexadecimal digits, 56 for an IPv6 host.
    public var text: String {
        var bytes: [UInt8] = []
        bytes.append(address: storeHost)
        bytes.append(bigEndian: storeHost.port)
        bytes.append(bigEndian: physicalOffset)
        return Hexadecimal.text(bytes)
    }

    /// Reads 32 or 56 hexadecimal digits, of either case; nil for anything else.
    public init?(_ text: String) {
        guard [32, 56].contains(text.utf8.count), let bytes = Hexadecimal.bytes(text) else {
            return nil
        }
        let host = HostAddress(loadingFrom: bytes.rawSpan, at: 0, isIPv6: bytes.count == 28)
        self.init(
            storeHost: host,
            physicalOffset: bytes.rawSpan.loadBigEndian(at: host.byteCount))
    }
}

extension OffsetMessageID: CustomStringConvertible {
    public var description: String { text }
}
