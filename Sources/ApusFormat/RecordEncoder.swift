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

    /// A record of version 1 with IPv4 hosts and no checksum of its own, as nearly all are: every
    /// field before the body has one place, and the shifts are gone. That `frame` is of such a one
    /// is for the caller to see to; traps where a host is not, where parts are not as long as
    /// `frame` says, and where the room is not there.
    @_transparent
    public static func encodePlain(
        _ fields: RecordFields, frame: RecordFrame, topic: RawSpan, properties: RawSpan,
        body: RawSpan, into bytes: inout MutableRawSpan, at offset: Int
    ) {
        precondition(
            offset >= 0 && frame.totalSize <= bytes.byteCount &- offset
                && body.byteCount == frame.bodyLength && topic.byteCount == frame.topicLength
                && properties.byteCount == frame.propertiesLength
                && !fields.bornHost.isIPv6 && !fields.storeHost.isIPv6)
        unsafe storeFields(fields, frame: frame, into: &bytes, at: offset, born: 0, both: 0)
        unsafe storeParts(
            topic: topic, properties: properties, body: body, version: .v1,
            propertiesLength: properties.byteCount, into: &bytes, at: offset &+ RecordLayout.body)
        unsafe Field<UInt64>(at: 0).storeUnchecked(head(of: frame), into: &bytes, at: offset)
    }

    /// A record by itself, without a checksum of its own: for whoever passes one on that is not in
    /// the log. The parts must be as long as `frame` says.
    public static func bytes(
        _ fields: RecordFields, frame: RecordFrame, topic: RawSpan, properties: RawSpan,
        body: RawSpan
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: frame.totalSize)
        var span = bytes.mutableSpan
        // Safe: a byte may have any value.
        var raw = unsafe span.mutableBytes
        encode(
            fields, frame: frame, topic: topic, properties: properties, body: body,
            appendsChecksum: false, into: &raw, at: 0)
        return bytes
    }

    /// A record of any kind.
    @inlinable @inline(never)
    static func encodeAny(
        _ fields: RecordFields, frame: RecordFrame, topic: RawSpan, properties: RawSpan,
        body: RawSpan, appendsChecksum: Bool, into bytes: inout MutableRawSpan, at offset: Int
    ) {
        // Every part lies within the record, and the hosts are as long as the flag says.
        precondition(
            offset >= 0 && frame.totalSize <= bytes.byteCount &- offset
                && body.byteCount == frame.bodyLength && topic.byteCount == frame.topicLength
                && properties.byteCount <= frame.propertiesLength
                && fields.bornHost.isIPv6 == frame.systemFlag.contains(.bornHostIPv6)
                && fields.storeHost.isIPv6 == frame.systemFlag.contains(.storeHostIPv6))
        unsafe storeFields(
            fields, frame: frame, into: &bytes, at: offset,
            born: RecordLayout.bornShift(frame.systemFlag),
            both: RecordLayout.hostsShift(frame.systemFlag))
        unsafe storeParts(
            topic: topic, properties: properties, body: body, version: frame.version,
            propertiesLength: frame.propertiesLength, into: &bytes,
            at: offset &+ frame.bodyOffset)
        if appendsChecksum {
            appendChecksum(
                frame: frame,
                separatorAt: offset &+ frame.propertiesOffset &+ properties.byteCount,
                into: &bytes, at: offset)
        } else {
            storeHead(frame: frame, into: &bytes, at: offset)
        }
    }

    /// Everything between the head and the body. `born` and `both` say how far the hosts move what
    /// is behind them. The caller has made sure that all of it lies within.
    @unsafe @inlinable @inline(__always)
    static func storeFields(
        _ fields: RecordFields, frame: RecordFrame, into bytes: inout MutableRawSpan,
        at offset: Int, born bornShift: Int, both bothShift: Int
    ) {
        typealias Layout = RecordLayout
        let born = offset &+ bornShift
        let both = offset &+ bothShift
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
    }

    /// Body, topic and properties with the lengths of the last two, from `start` on. The caller has
    /// made sure that all of it lies within.
    @unsafe @inlinable @inline(__always)
    static func storeParts(
        topic: RawSpan, properties: RawSpan, body: RawSpan, version: RecordVersion,
        propertiesLength: Int, into bytes: inout MutableRawSpan, at start: Int
    ) {
        unsafe bytes.copyUnchecked(body, at: start)
        var place = start &+ body.byteCount
        if version == .v1 {
            unsafe Field<UInt8>(at: 0).storeUnchecked(
                UInt8(truncatingIfNeeded: topic.byteCount), into: &bytes, at: place)
        } else {
            unsafe Field<UInt16>(at: 0).storeUnchecked(
                UInt16(truncatingIfNeeded: topic.byteCount), into: &bytes, at: place)
        }
        place &+= version.topicLengthWidth
        unsafe bytes.copyUnchecked(topic, at: place)
        place &+= topic.byteCount
        unsafe Field<UInt16>(at: 0).storeUnchecked(
            UInt16(truncatingIfNeeded: propertiesLength), into: &bytes, at: place)
        unsafe bytes.copyUnchecked(properties, at: place &+ RecordLayout.propertiesLengthWidth)
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
