// The address of a host as records hold it: 4 or 16 bytes, then the port as 32 bits.

/// An IPv4 or IPv6 address with a port, held inline so that it costs no allocation.
public struct HostAddress: Hashable, Sendable {
    /// The first 8 bytes of an IPv6 address; 0 for IPv4.
    public let high: UInt64
    /// The last 8 bytes of an IPv6 address; an IPv4 address in its low 32 bits.
    public let low: UInt64
    /// The port as stored: RocketMQ keeps 32 bits and checks none of them.
    public let port: Int32
    /// Whether the address takes 16 bytes in a record instead of 4. Last, so that the value has no
    /// hole in it, which would be copied in pieces.
    public let isIPv6: Bool

    /// An IPv6 address from its two halves, most significant first.
    @inlinable public init(high: UInt64, low: UInt64, port: Int32) {
        self.high = high
        self.low = low
        self.isIPv6 = true
        self.port = port
    }

    /// The same address, known to be an IPv4 one: what depends on its kind is decided where this is
    /// called. Of an IPv6 address, another one.
    @inlinable @inline(__always) public var asIPv4: HostAddress {
        HostAddress(ipv4: UInt32(truncatingIfNeeded: low), port: port)
    }

    /// An IPv4 address from its 32 bits: 127.0.0.1 is `0x7F00_0001`.
    @inlinable public init(ipv4: UInt32, port: Int32) {
        self.high = 0
        self.low = UInt64(ipv4)
        self.isIPv6 = false
        self.port = port
    }

    /// 127.0.0.1 with the given port.
    @inlinable public static func loopback(port: Int32) -> HostAddress {
        HostAddress(ipv4: 0x7F00_0001, port: port)
    }

    /// Bytes that this address and its port take in a record: 8 or 20.
    @inlinable public var byteCount: Int { isIPv6 ? 20 : 8 }

    /// Reads an address with its port; the caller has checked that the bytes are there.
    @inlinable public init(loadingFrom bytes: RawSpan, at offset: Int, isIPv6: Bool) {
        if isIPv6 {
            self.init(
                high: bytes.loadBigEndian(at: offset), low: bytes.loadBigEndian(at: offset + 8),
                port: bytes.loadBigEndian(at: offset + 16))
        } else {
            self.init(
                ipv4: bytes.loadBigEndian(at: offset), port: bytes.loadBigEndian(at: offset + 4))
        }
    }

    /// The same without a check, for a caller that has made sure that `byteCount` bytes are there.
    @unsafe @inlinable @inline(__always)
    func storeUnchecked(into bytes: inout MutableRawSpan, at offset: Int) {
        if isIPv6 {
            unsafe Field<UInt64>(at: 0).storeUnchecked(high, into: &bytes, at: offset)
            unsafe Field<UInt64>(at: 8).storeUnchecked(low, into: &bytes, at: offset)
            unsafe Field<Int32>(at: 16).storeUnchecked(port, into: &bytes, at: offset)
        } else {
            unsafe Field<UInt32>(at: 0).storeUnchecked(
                UInt32(truncatingIfNeeded: low), into: &bytes, at: offset)
            unsafe Field<Int32>(at: 4).storeUnchecked(port, into: &bytes, at: offset)
        }
    }

    /// Writes the address and its port from `offset` on.
    @inlinable @inline(__always)
    public func store(into bytes: inout MutableRawSpan, at offset: Int) {
        if isIPv6 {
            bytes.storeBigEndian(high, at: offset)
            bytes.storeBigEndian(low, at: offset &+ 8)
            bytes.storeBigEndian(port, at: offset &+ 16)
        } else {
            bytes.storeBigEndian(UInt32(truncatingIfNeeded: low), at: offset)
            bytes.storeBigEndian(port, at: offset &+ 4)
        }
    }
}

extension HostAddress: CustomStringConvertible {
    /// `10.0.0.1:10911`, or `[2001:db8:0:0:0:0:0:1]:10911` with no group left out.
    public var description: String {
        "\(isIPv6 ? "[\(addressText)]" : addressText):\(port)"
    }

    /// The address without its port; IPv6 as eight groups without leading zeros, as Java prints it.
    public var addressText: String {
        if isIPv6 {
            return [high, low].flatMap { half in
                stride(from: 48, through: 0, by: -16).map {
                    String(UInt16(truncatingIfNeeded: half >> UInt64($0)), radix: 16)
                }
            }.joined(separator: ":")
        }
        return stride(from: 24, through: 0, by: -8)
            .map { String(UInt8(truncatingIfNeeded: low >> UInt64($0))) }
            .joined(separator: ".")
    }

    /// Reads `a.b.c.d:port`; nil for anything else. IPv6 text is not read.
    public init?(ipv4Text text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let port = UInt16(parts[1]) else { return nil }
        let octets = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        guard octets.count == 4 else { return nil }
        var address: UInt32 = 0
        for octet in octets {
            guard let value = UInt8(octet) else { return nil }
            address = address << 8 | UInt32(value)
        }
        self.init(ipv4: address, port: Int32(port))
    }
}
