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

    /// Reads the digits that `text` spells, as bytes; nil for anything else. Allocates nothing.
    package init?(utf8 text: RawSpan) {
        let isIPv6 = text.byteCount == 56
        guard isIPv6 || text.byteCount == 32 else { return nil }
        let hostCount = isIPv6 ? 16 : 4
        guard let port = Hexadecimal.number(text, at: 2 * hostCount, UInt32.self),
            let offset = Hexadecimal.number(text, at: 2 * hostCount + 8, UInt64.self)
        else { return nil }
        let signedPort = Int32(bitPattern: port)
        if isIPv6 {
            guard let high = Hexadecimal.number(text, at: 0, UInt64.self),
                let low = Hexadecimal.number(text, at: 16, UInt64.self)
            else { return nil }
            storeHost = HostAddress(high: high, low: low, port: signedPort)
        } else {
            guard let address = Hexadecimal.number(text, at: 0, UInt32.self) else { return nil }
            storeHost = HostAddress(ipv4: address, port: signedPort)
        }
        physicalOffset = Int64(bitPattern: offset)
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
