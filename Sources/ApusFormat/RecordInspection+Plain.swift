// The short way through an inspection, for records as nearly all are.

extension RecordInspection {
    /// The frame of a record as nearly all are: version 1, IPv4 hosts, no checksum of its own, and
    /// right in all that is to be checked. Nil for every other: `inspect` says what it is.
    ///
    /// The bounds are looked at before the fixed fields and before the parts, not at each load.
    @inlinable @inline(__always)
    public static func plainFrame(
        of bytes: RawSpan, at offset: Int, physicalOffset: Int64, checks: RecordChecks
    ) -> RecordFrame? {
        typealias Layout = RecordLayout
        let room = bytes.byteCount &- offset
        guard offset >= 0, room >= Layout.minimumSize, checks.isSubset(of: .all) else {
            return nil
        }
        // Safe: the fixed fields lie within.
        let head = unsafe Field<UInt64>(at: 0).loadUnchecked(from: bytes, at: offset)
        let place = unsafe Layout.physicalOffset.loadUnchecked(from: bytes, at: offset)
        let flag = SystemFlag(
            rawValue: unsafe Layout.systemFlag.loadUnchecked(from: bytes, at: offset))
        let bodyLength = Int(unsafe Layout.bodyLength.loadUnchecked(from: bytes, at: offset))
        let totalSize = Int(Int32(truncatingIfNeeded: head >> 32))
        let parts = totalSize &- Layout.minimumSize
        guard UInt32(truncatingIfNeeded: head) == RecordVersion.v1.magic, flag.hasIPv4Hosts,
            place == physicalOffset || !checks.contains(.position), totalSize <= room,
            bodyLength >= 0, bodyLength <= parts
        else { return nil }
        // Safe: as long as topic and properties are empty both lengths lie within, and that of the
        // properties does behind a topic which leaves room for it.
        let bodyEnd = offset &+ Layout.body &+ bodyLength
        let topicLength = Int(unsafe Field<UInt8>(at: 0).loadUnchecked(from: bytes, at: bodyEnd))
        let propertiesLength = parts &- bodyLength &- topicLength
        guard propertiesLength >= 0,
            unsafe Int(
                Field<Int16>(at: 1).loadUnchecked(from: bytes, at: bodyEnd &+ topicLength))
                == propertiesLength
        else { return nil }
        // Safe: that many bytes of properties end where the record does.
        if checks.contains(.recordChecksum), propertiesLength >= ChecksumProperty.byteCount,
            unsafe Field<UInt64>(at: -ChecksumProperty.byteCount).loadUnchecked(
                from: bytes, at: offset &+ totalSize) == ChecksumProperty.name
        {
            return nil
        }
        if checks.contains(.bodyChecksum) {
            let body = unsafe bytes.extracting(unchecked: bodyEnd &- bodyLength..<bodyEnd)
            guard
                unsafe Layout.bodyChecksum.loadUnchecked(from: bytes, at: offset)
                    == CRC32.stored(body)
            else { return nil }
        }
        return RecordFrame(
            plain: flag, bodyLength: bodyLength, topicLength: topicLength,
            propertiesLength: propertiesLength)
    }
}
