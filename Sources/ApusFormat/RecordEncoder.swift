// Writes a record straight into its place.
//
// The size and the magic number go in last: a process killed in the middle leaves zeros there,
// which every reader takes for the end of the log and none for a record.

/// Encodes records.
public enum RecordEncoder: Sendable {
    /// Writes the record that `frame` and `fields` describe to `offset` in `bytes`.
    ///
    /// `frame` gives the lengths: `topic`, `body` and `properties` must be as long as it says, less
    /// `ChecksumProperty.byteCount` and a missing last separator where `appendsChecksum` is set.
    /// The room must be there; nothing in here fails.
    ///
    /// Transparent: the optimiser of Swift 6.3.1 leaves a call of this size in the middle of an
    /// append, which then passes all fields through memory.
    @_transparent
    public static func encode(
        _ fields: RecordFields, frame: RecordFrame, topic: RawSpan, properties: RawSpan,
        body: RawSpan, appendsChecksum: Bool, into bytes: inout MutableRawSpan, at offset: Int
    ) {
        if frame.isPlain, !appendsChecksum {
            encodePlain(
                fields, frame: frame, topic: topic, properties: properties, body: body,
                into: &bytes, at: offset)
        } else {
            encodeAny(
                fields, frame: frame, topic: topic, properties: properties, body: body,
                appendsChecksum: appendsChecksum, into: &bytes, at: offset)
        }
    }

    /// A record of version 1 with IPv4 hosts and no checksum of its own: every field before the
    /// body has one place, and one check covers all bytes.
    @inlinable @inline(__always)
    static func encodePlain(
        _ fields: RecordFields, frame: RecordFrame, topic: RawSpan, properties: RawSpan,
        body: RawSpan, into bytes: inout MutableRawSpan, at offset: Int
    ) {
        typealias Layout = RecordLayout
        precondition(
            offset >= 0 && frame.totalSize <= bytes.byteCount &- offset
                && body.byteCount == frame.bodyLength && topic.byteCount == frame.topicLength
                && properties.byteCount == frame.propertiesLength
                && !fields.bornHost.isIPv6 && !fields.storeHost.isIPv6)
        // Neighbours of 32 bits go in together.
        unsafe Field<UInt64>(at: Layout.bodyChecksum.offset).storeUnchecked(
            pair(fields.bodyChecksum, fields.queueID), into: &bytes, at: offset)
        unsafe Layout.flag.storeUnchecked(fields.flag, into: &bytes, at: offset)
        unsafe Layout.queueOffset.storeUnchecked(fields.queueOffset, into: &bytes, at: offset)
        unsafe Layout.physicalOffset.storeUnchecked(fields.physicalOffset, into: &bytes, at: offset)
        unsafe Layout.systemFlag.storeUnchecked(
            frame.systemFlag.rawValue, into: &bytes, at: offset)
        unsafe Layout.bornTimestamp.storeUnchecked(fields.bornTimestamp, into: &bytes, at: offset)
        unsafe fields.bornHost.storeIPv4Unchecked(into: &bytes, at: offset &+ Layout.bornHost)
        unsafe Layout.storeTimestamp.storeUnchecked(fields.storeTimestamp, into: &bytes, at: offset)
        unsafe fields.storeHost.storeIPv4Unchecked(into: &bytes, at: offset &+ Layout.storeHost)
        unsafe Layout.reconsumeTimes.storeUnchecked(fields.reconsumeTimes, into: &bytes, at: offset)
        unsafe Layout.preparedTransactionOffset.storeUnchecked(
            fields.preparedTransactionOffset, into: &bytes, at: offset)
        unsafe Layout.bodyLength.storeUnchecked(
            Int32(truncatingIfNeeded: body.byteCount), into: &bytes, at: offset)
        var place = offset &+ Layout.body
        unsafe bytes.copyUnchecked(body, at: place)
        place &+= body.byteCount
        unsafe Field<UInt8>(at: 0).storeUnchecked(
            UInt8(truncatingIfNeeded: topic.byteCount), into: &bytes, at: place)
        unsafe bytes.copyUnchecked(topic, at: place &+ 1)
        place &+= 1 &+ topic.byteCount
        unsafe Field<UInt16>(at: 0).storeUnchecked(
            UInt16(truncatingIfNeeded: properties.byteCount), into: &bytes, at: place)
        unsafe bytes.copyUnchecked(properties, at: place &+ Layout.propertiesLengthWidth)
        unsafe Field<UInt64>(at: 0).storeUnchecked(head(of: frame), into: &bytes, at: offset)
    }

    @inlinable @inline(__always)
    static func pair(_ first: Int32, _ second: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second))
    }

    /// A record of any kind.
    @inlinable @inline(never)
    static func encodeAny(
        _ fields: RecordFields, frame: RecordFrame, topic: RawSpan, properties: RawSpan,
        body: RawSpan, appendsChecksum: Bool, into bytes: inout MutableRawSpan, at offset: Int
    ) {
        typealias Layout = RecordLayout
        let born = offset &+ Layout.bornShift(frame.systemFlag)
        let both = offset &+ Layout.hostsShift(frame.systemFlag)
        // Every fixed field ends before the body, and the hosts are as long as the flag says: with
        // this one check all stores down to the body length lie within.
        precondition(
            offset >= 0 && frame.totalSize <= bytes.byteCount &- offset
                && fields.bornHost.isIPv6 == frame.systemFlag.contains(.bornHostIPv6)
                && fields.storeHost.isIPv6 == frame.systemFlag.contains(.storeHostIPv6))
        unsafe Layout.bodyChecksum.storeUnchecked(fields.bodyChecksum, into: &bytes, at: offset)
        unsafe Layout.queueID.storeUnchecked(fields.queueID, into: &bytes, at: offset)
        unsafe Layout.flag.storeUnchecked(fields.flag, into: &bytes, at: offset)
        unsafe Layout.queueOffset.storeUnchecked(fields.queueOffset, into: &bytes, at: offset)
        unsafe Layout.physicalOffset.storeUnchecked(fields.physicalOffset, into: &bytes, at: offset)
        unsafe Layout.systemFlag.storeUnchecked(
            frame.systemFlag.rawValue, into: &bytes, at: offset)
        unsafe Layout.bornTimestamp.storeUnchecked(fields.bornTimestamp, into: &bytes, at: offset)
        unsafe fields.bornHost.storeUnchecked(into: &bytes, at: offset &+ Layout.bornHost)
        unsafe Layout.storeTimestamp.storeUnchecked(fields.storeTimestamp, into: &bytes, at: born)
        unsafe fields.storeHost.storeUnchecked(into: &bytes, at: born &+ Layout.storeHost)
        unsafe Layout.reconsumeTimes.storeUnchecked(fields.reconsumeTimes, into: &bytes, at: both)
        unsafe Layout.preparedTransactionOffset.storeUnchecked(
            fields.preparedTransactionOffset, into: &bytes, at: both)
        unsafe Layout.bodyLength.storeUnchecked(
            Int32(truncatingIfNeeded: frame.bodyLength), into: &bytes, at: both)
        bytes.copy(body, at: offset &+ frame.bodyOffset)
        let topicOffset = offset &+ frame.topicOffset
        if frame.version == .v1 {
            bytes.storeBigEndian(
                UInt8(truncatingIfNeeded: frame.topicLength), at: topicOffset &- 1)
        } else {
            bytes.storeBigEndian(
                UInt16(truncatingIfNeeded: frame.topicLength), at: topicOffset &- 2)
        }
        bytes.copy(topic, at: topicOffset)
        let propertiesOffset = offset &+ frame.propertiesOffset
        bytes.storeBigEndian(
            UInt16(truncatingIfNeeded: frame.propertiesLength), at: propertiesOffset &- 2)
        bytes.copy(properties, at: propertiesOffset)
        if appendsChecksum {
            appendChecksum(
                frame: frame, separatorAt: propertiesOffset &+ properties.byteCount,
                into: &bytes, at: offset)
        } else {
            storeHead(frame: frame, into: &bytes, at: offset)
        }
    }

    /// The two numbers that make the bytes behind them a record.
    @inlinable @inline(__always)
    static func storeHead(frame: RecordFrame, into bytes: inout MutableRawSpan, at offset: Int) {
        bytes.storeBigEndian(head(of: frame), at: offset)
    }

    @inlinable @inline(__always)
    static func head(of frame: RecordFrame) -> UInt64 {
        UInt64(UInt32(truncatingIfNeeded: frame.totalSize)) << 32 | UInt64(frame.version.magic)
    }

    /// Ends the properties with the `__CRC32#` property over all bytes of the record before it.
    @usableFromInline
    static func appendChecksum(
        frame: RecordFrame, separatorAt: Int, into bytes: inout MutableRawSpan, at offset: Int
    ) {
        let checksumOffset = offset + frame.totalSize - ChecksumProperty.byteCount
        if separatorAt < checksumOffset {
            bytes.storeBigEndian(UInt8(2), at: separatorAt)
        }
        // The checksum covers the head, which stays unwritten until the record is whole.
        var checksum = CRC32.checksum(bigEndian: head(of: frame))
        checksum = CRC32.checksum(
            bytes.bytes.extracting(offset + 8..<checksumOffset), continuing: checksum)
        ChecksumProperty.write(checksum, into: &bytes, at: checksumOffset)
        storeHead(frame: frame, into: &bytes, at: offset)
    }
}
