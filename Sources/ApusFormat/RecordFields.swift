// The fixed fields of a record as one plain value, and the sizes that follow from its parts.

/// Everything in a record but its body, topic and properties. Times are milliseconds since 1970.
public struct RecordFields: Hashable, Sendable {
    public var queueID: Int32
    public var flag: Int32
    public var queueOffset: Int64
    public var physicalOffset: Int64
    public var systemFlag: SystemFlag
    public var bornTimestamp: Int64
    public var bornHost: HostAddress
    public var storeTimestamp: Int64
    public var storeHost: HostAddress
    public var reconsumeTimes: Int32
    public var preparedTransactionOffset: Int64
    /// CRC-32 of the stored body without its sign bit.
    public var bodyChecksum: Int32

    @inlinable public init(
        queueID: Int32, flag: Int32 = 0, queueOffset: Int64 = 0, physicalOffset: Int64 = 0,
        systemFlag: SystemFlag = [], bornTimestamp: Int64 = 0,
        bornHost: HostAddress = .loopback(port: 0), storeTimestamp: Int64 = 0,
        storeHost: HostAddress = .loopback(port: 0), reconsumeTimes: Int32 = 0,
        preparedTransactionOffset: Int64 = 0, bodyChecksum: Int32 = 0
    ) {
        self.queueID = queueID
        self.flag = flag
        self.queueOffset = queueOffset
        self.physicalOffset = physicalOffset
        self.systemFlag = systemFlag
        self.bornTimestamp = bornTimestamp
        self.bornHost = bornHost
        self.storeTimestamp = storeTimestamp
        self.storeHost = storeHost
        self.reconsumeTimes = reconsumeTimes
        self.preparedTransactionOffset = preparedTransactionOffset
        self.bodyChecksum = bodyChecksum
    }
}

/// The lengths of a record's parts and where they stand, all from the record's first byte.
public struct RecordFrame: Hashable, Sendable {
    public let version: RecordVersion
    public let systemFlag: SystemFlag
    public let bodyLength: Int
    public let topicLength: Int
    /// Bytes of the properties as stored, a checksum property included.
    public let propertiesLength: Int
    /// Bytes of the whole record.
    public let totalSize: Int

    @inlinable public init(
        version: RecordVersion, systemFlag: SystemFlag, bodyLength: Int, topicLength: Int,
        propertiesLength: Int
    ) {
        self.version = version
        self.systemFlag = systemFlag
        self.bodyLength = bodyLength
        self.topicLength = topicLength
        self.propertiesLength = propertiesLength
        totalSize =
            RecordLayout.body &+ RecordLayout.hostsShift(systemFlag) &+ bodyLength
            &+ version.topicLengthWidth &+ topicLength &+ RecordLayout.propertiesLengthWidth
            &+ propertiesLength
    }

    /// The frame of a record of version 1 with IPv4 hosts, which `systemFlag` must not deny.
    @inlinable @inline(__always)
    public init(
        plain systemFlag: SystemFlag, bodyLength: Int, topicLength: Int, propertiesLength: Int
    ) {
        version = .v1
        self.systemFlag = systemFlag
        self.bodyLength = bodyLength
        self.topicLength = topicLength
        self.propertiesLength = propertiesLength
        totalSize = RecordLayout.minimumSize &+ bodyLength &+ topicLength &+ propertiesLength
    }

    /// The frame of a record with another body and other properties.
    @inlinable public func with(bodyLength: Int, propertiesLength: Int) -> RecordFrame {
        RecordFrame(
            version: version, systemFlag: systemFlag, bodyLength: bodyLength,
            topicLength: topicLength, propertiesLength: propertiesLength)
    }

    /// Version 1 with IPv4 hosts: every field before the body has one place.
    @inlinable @inline(__always) var isPlain: Bool { version == .v1 && systemFlag.hasIPv4Hosts }

    /// Where the 4 bytes of the body length stand.
    @inlinable public var bodyLengthOffset: Int {
        RecordLayout.bodyLength.offset &+ RecordLayout.hostsShift(systemFlag)
    }
    @inlinable @inline(__always) public var bodyOffset: Int {
        RecordLayout.body &+ RecordLayout.hostsShift(systemFlag)
    }
    @inlinable @inline(__always) public var topicOffset: Int {
        bodyOffset &+ bodyLength &+ version.topicLengthWidth
    }
    @inlinable @inline(__always) public var propertiesOffset: Int {
        topicOffset &+ topicLength &+ RecordLayout.propertiesLengthWidth
    }

    /// The body's bytes in a record that starts at `base` in `bytes`.
    @inlinable @inline(__always) @_lifetime(copy bytes)
    public func body(in bytes: RawSpan, at base: Int = 0) -> RawSpan {
        bytes.extracting(base &+ bodyOffset..<base &+ bodyOffset &+ bodyLength)
    }

    /// The topic's bytes in a record that starts at `base` in `bytes`.
    @inlinable @inline(__always) @_lifetime(copy bytes)
    public func topic(in bytes: RawSpan, at base: Int = 0) -> RawSpan {
        bytes.extracting(base &+ topicOffset..<base &+ topicOffset &+ topicLength)
    }

    /// The properties' bytes in a record that starts at `base` in `bytes`.
    @inlinable @inline(__always) @_lifetime(copy bytes)
    public func properties(in bytes: RawSpan, at base: Int = 0) -> RawSpan {
        bytes.extracting(base &+ propertiesOffset..<base &+ propertiesOffset &+ propertiesLength)
    }

    /// The fixed fields of a record that starts at `base` in `bytes`.
    @inlinable public func fields(in bytes: RawSpan, at base: Int = 0) -> RecordFields {
        let born = RecordLayout.bornShift(systemFlag)
        let both = RecordLayout.hostsShift(systemFlag)
        return RecordFields(
            queueID: RecordLayout.queueID.load(from: bytes, at: base),
            flag: RecordLayout.flag.load(from: bytes, at: base),
            queueOffset: RecordLayout.queueOffset.load(from: bytes, at: base),
            physicalOffset: RecordLayout.physicalOffset.load(from: bytes, at: base),
            systemFlag: systemFlag,
            bornTimestamp: RecordLayout.bornTimestamp.load(from: bytes, at: base),
            bornHost: HostAddress(
                loadingFrom: bytes, at: base + RecordLayout.bornHost, isIPv6: born != 0),
            storeTimestamp: RecordLayout.storeTimestamp.load(from: bytes, at: base + born),
            storeHost: HostAddress(
                loadingFrom: bytes, at: base + RecordLayout.storeHost + born,
                isIPv6: both != born),
            reconsumeTimes: RecordLayout.reconsumeTimes.load(from: bytes, at: base + both),
            preparedTransactionOffset: RecordLayout.preparedTransactionOffset.load(
                from: bytes, at: base + both),
            bodyChecksum: RecordLayout.bodyChecksum.load(from: bytes, at: base))
    }

    /// The store timestamp of a record that starts at `base` in `bytes`.
    @inlinable public func storeTimestamp(in bytes: RawSpan, at base: Int = 0) -> Int64 {
        RecordLayout.storeTimestamp.load(
            from: bytes, at: base + RecordLayout.bornShift(systemFlag))
    }
}
