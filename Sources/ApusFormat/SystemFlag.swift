// The system flag of a record: what the body is, which hosts are IPv6, where a transaction stands.

/// A record's `sysFlag` (RocketMQ's `MessageSysFlag`). Unknown bits pass through untouched.
public struct SystemFlag: OptionSet, Hashable, Sendable {
    public let rawValue: Int32

    @inlinable public init(rawValue: Int32) { self.rawValue = rawValue }

    /// The body is compressed; bits 8 to 10 name the codec.
    @inlinable public static var compressed: SystemFlag { SystemFlag(rawValue: 1 << 0) }
    /// The TAGS property holds several tags.
    @inlinable public static var multiTags: SystemFlag { SystemFlag(rawValue: 1 << 1) }
    /// The born host takes 16 bytes.
    @inlinable public static var bornHostIPv6: SystemFlag { SystemFlag(rawValue: 1 << 4) }
    /// The store host takes 16 bytes.
    @inlinable public static var storeHostIPv6: SystemFlag { SystemFlag(rawValue: 1 << 5) }
    /// The body is a batch that a consumer unwraps.
    @inlinable public static var needUnwrap: SystemFlag { SystemFlag(rawValue: 1 << 6) }
    /// One record that holds several messages (topics with `queue.type=BatchCQ`).
    @inlinable public static var innerBatch: SystemFlag { SystemFlag(rawValue: 1 << 7) }

    /// Where a record stands in a transaction: bits 2 and 3.
    public enum Transaction: Int32, Sendable {
        case none = 0
        case prepared = 4
        case commit = 8
        case rollback = 12
    }

    /// The transaction state.
    @inlinable public var transaction: Transaction {
        Transaction(rawValue: rawValue & 12) ?? .none
    }

    /// Whether the record belongs in a ConsumeQueue: not when it is a prepared or rolled-back half.
    @inlinable public var isDispatched: Bool {
        let state = rawValue & 12
        return state == 0 || state == 8
    }

    /// Whether both hosts take 4 bytes.
    @inlinable @inline(__always) public var hasIPv4Hosts: Bool { rawValue & (16 | 32) == 0 }

    /// Whether both hosts take 4 bytes, and the record is neither a half of a transaction nor an
    /// inner batch.
    @inlinable @inline(__always) public var isPlain: Bool {
        rawValue & (16 | 32 | 12 | 128) == 0
    }

    /// The codec number in bits 8 to 10: 1 LZ4, 2 Zstandard, 3 zlib, 0 none or, with `.compressed`,
    /// zlib from before the field existed.
    @inlinable public var compressionNumber: Int32 { (rawValue >> 8) & 7 }

    /// The same flag with the body marked as compressed by codec `number`.
    @inlinable public func withCompression(number: Int32) -> SystemFlag {
        SystemFlag(rawValue: (rawValue & ~0x700) | 1 | (number & 7) << 8)
    }

    /// The same flag with the host bits as the addresses need them.
    @inlinable public func withHosts(born: HostAddress, store: HostAddress) -> SystemFlag {
        let cleared = rawValue & ~(16 | 32)
        return SystemFlag(rawValue: cleared | (born.isIPv6 ? 16 : 0) | (store.isIPv6 ? 32 : 0))
    }
}
