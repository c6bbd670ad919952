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
