// What the bytes at a place in the CommitLog are. Untrusted bytes are values here, never traps.

/// Why bytes where a record should be are not one.
public enum RecordDamage: Error, Hashable, Sendable {
    /// Neither a record's magic number nor the blank marker's.
    case unknownMagic(UInt32)
    /// The total size is smaller than any record or reaches past the end of the file.
    case sizeOutOfBounds(Int32)
    /// The lengths of body, topic and properties do not add up to the total size.
    case lengthsDisagree
    /// The stored physical offset is not the record's place: bytes of an earlier life.
    case positionMismatch(stored: Int64)
    /// The body's CRC-32 differs from the stored one.
    case bodyChecksumMismatch
    /// The `__CRC32#` property disagrees with the record, or a required one is absent.
    case recordChecksumMismatch
    /// A sector holds nothing but zeros where a part of topic or properties should be: a power cut
    /// came before it was written.
    case sectorMissing
    /// The blank marker's length does not reach the end of the file.
    case paddingOutOfBounds(Int32)
}

/// Which checks an inspection makes beyond magic number, size and lengths.
public struct RecordChecks: OptionSet, Sendable {
    public let rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The stored physical offset must be the record's place.
    @inlinable public static var position: RecordChecks { RecordChecks(rawValue: 1) }
    /// The body's CRC-32.
    @inlinable public static var bodyChecksum: RecordChecks { RecordChecks(rawValue: 2) }
    /// The `__CRC32#` property where there is one.
    @inlinable public static var recordChecksum: RecordChecks { RecordChecks(rawValue: 4) }
    /// A record without a `__CRC32#` property is damaged (RocketMQ's `forceVerifyPropCRC`).
    @inlinable public static var recordChecksumRequired: RecordChecks { RecordChecks(rawValue: 8) }

    /// Each 512-byte sector of the file that topic and properties reach into holds something of
    /// them. No checksum of RocketMQ's format covers them; this tells a record that a power cut
    /// left unfinished. The bytes must be those of the file from its start.
    @inlinable public static var writtenSectors: RecordChecks { RecordChecks(rawValue: 16) }

    /// Position, body and, where present, whole-record checksum.
    @inlinable public static var all: RecordChecks { [.position, .bodyChecksum, .recordChecksum] }
}

/// What an inspection found.
public enum RecordOutcome: Hashable, Sendable {
    /// A whole record.
    case record(RecordFrame)
    /// A blank marker: nothing follows in this file, which ends this many bytes further on.
    case padding(byteCount: Int)
    /// Unwritten space.
    case end
    /// Neither; the log cannot be followed through here.
    case damaged(RecordDamage)
}

/// Inspects the bytes of a CommitLog file.
public enum RecordInspection: Sendable {
    /// What starts at `offset` in `bytes`, the contents of a file up to its end.
    ///
    /// `physicalOffset` is the place of `offset` in the whole log, which a record repeats.
    @inlinable
    public static func inspect(
        _ bytes: RawSpan, at offset: Int, physicalOffset: Int64, checks: RecordChecks
    ) -> RecordOutcome {
        if let frame = plainFrame(
            of: bytes, at: offset, physicalOffset: physicalOffset,
            checks: checks.subtracting(.writtenSectors))
        {
            let isWhole =
                !checks.contains(.writtenSectors) || !lacksSector(frame, in: bytes, at: offset)
            return isWhole ? .record(frame) : .damaged(.sectorMissing)
        }
        return inspectAny(bytes, at: offset, physicalOffset: physicalOffset, checks: checks)
    }

    /// The same for whatever may be there.
    @usableFromInline
    package static func inspectAny(
        _ bytes: RawSpan, at offset: Int, physicalOffset: Int64, checks: RecordChecks
    ) -> RecordOutcome {
        let room = bytes.byteCount &- offset
        guard offset >= 0, room >= BlankMarker.byteCount else { return .end }
        let size = RecordLayout.totalSize.load(from: bytes, at: offset)
        let magic = RecordLayout.magic.load(from: bytes, at: offset)
        let version: RecordVersion
        switch magic {
        case RecordVersion.v1.magic: version = .v1
        case RecordVersion.v2.magic: version = .v2
        case BlankMarker.magicValue:
            return Int(size) == room
                ? .padding(byteCount: room) : .damaged(.paddingOutOfBounds(size))
        case 0 where size == 0: return .end
        default: return .damaged(.unknownMagic(magic))
        }
        guard Int(size) >= RecordLayout.minimumSize, Int(size) <= room else {
            return .damaged(.sizeOutOfBounds(size))
        }
        guard
            let frame = frame(
                of: bytes, at: offset, totalSize: Int(size), version: version)
        else { return .damaged(.lengthsDisagree) }
        if checks.contains(.position) {
            let stored = RecordLayout.physicalOffset.load(from: bytes, at: offset)
            guard stored == physicalOffset else {
                return .damaged(.positionMismatch(stored: stored))
            }
        }
        if checks.rawValue & ~RecordChecks.position.rawValue != 0,
            let damage = checksumDamage(frame, in: bytes, at: offset, checks: checks)
        {
            return .damaged(damage)
        }
        return .record(frame)
    }

    /// The frame of a record whose total size lies within the bytes, or nil when its lengths do not
    /// add up to that size.
    @inlinable @inline(__always)
    static func frame(
        of bytes: RawSpan, at offset: Int, totalSize: Int, version: RecordVersion
    ) -> RecordFrame? {
        let flag = SystemFlag(rawValue: RecordLayout.systemFlag.load(from: bytes, at: offset))
        let shift = RecordLayout.hostsShift(flag)
        let fixed = RecordLayout.body &+ shift
        let tail = version.topicLengthWidth &+ RecordLayout.propertiesLengthWidth
        guard fixed &+ tail <= totalSize else { return nil }
        let bodyLength = Int(
            RecordLayout.bodyLength.load(from: bytes, at: offset &+ shift))
        guard bodyLength >= 0, bodyLength <= totalSize &- fixed &- tail else { return nil }
        let topicLengthOffset = offset &+ fixed &+ bodyLength
        let topicLength =
            version == .v1
            ? Int(bytes.loadBigEndian(UInt8.self, at: topicLengthOffset))
            : Int(bytes.loadBigEndian(Int16.self, at: topicLengthOffset))
        guard topicLength >= 0, topicLength <= totalSize &- fixed &- tail &- bodyLength else {
            return nil
        }
        let propertiesLength = Int(
            bytes.loadBigEndian(
                Int16.self, at: topicLengthOffset &+ version.topicLengthWidth &+ topicLength))
        guard propertiesLength == totalSize &- fixed &- tail &- bodyLength &- topicLength else {
            return nil
        }
        return RecordFrame(
            version: version, systemFlag: flag, bodyLength: bodyLength, topicLength: topicLength,
            propertiesLength: propertiesLength)
    }

    /// The checksum that fails, if one does.
    @usableFromInline
    static func checksumDamage(
        _ frame: RecordFrame, in bytes: RawSpan, at offset: Int, checks: RecordChecks
    ) -> RecordDamage? {
        if !checks.isDisjoint(with: [.recordChecksum, .recordChecksumRequired]) {
            let record = bytes.extracting(offset..<offset + frame.totalSize)
            switch ChecksumProperty.verify(
                record: record, propertiesLength: frame.propertiesLength)
            {
            case .some(true): break
            case .some(false): return .recordChecksumMismatch
            case .none:
                if checks.contains(.recordChecksumRequired) { return .recordChecksumMismatch }
            }
        }
        if checks.contains(.bodyChecksum) {
            let stored = RecordLayout.bodyChecksum.load(from: bytes, at: offset)
            // A body-less record carries 0, as RocketMQ writes it.
            let actual = CRC32.stored(frame.body(in: bytes, at: offset))
            guard stored == actual else { return .bodyChecksumMismatch }
        }
        if checks.contains(.writtenSectors), lacksSector(frame, in: bytes, at: offset) {
            return .sectorMissing
        }
        return nil
    }

    @usableFromInline
    static func lacksSector(
        _ frame: RecordFrame, in bytes: RawSpan, at offset: Int
    ) -> Bool {
        let end = offset + frame.totalSize
        // Topic and properties; the length between them may be zero, and those before are in the
        // sector of the byte that stands before the topic, which is not.
        let topicEnd = offset + frame.propertiesOffset - RecordLayout.propertiesLengthWidth
        let topicStart = topicEnd - frame.topicLength
        var sector = ((topicStart - 1) / 512 + 1) * 512
        while sector < end {
            let isCovered = sector < topicEnd || end > max(sector, topicEnd + 2)
            if isCovered, bytes.extracting(sector..<min(sector + 512, end)).isZero { return true }
            sector += 512
        }
        return false
    }
}
