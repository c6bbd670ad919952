// The layout of one CommitLog record, written once.
//
//   0        4        8        12       16       20                28
//   +--------+--------+--------+--------+--------+-----------------+-----------------+
//   | total  | magic  | body   | queue  | flag   | queue offset    | physical offset |
//   | size   |        | CRC    | id     |        |                 |                 |
//   +--------+--------+--------+--------+--------+-----------------+-----------------+
//   36       40                48                    56+b              64+b
//   +--------+-----------------+---------------------+-----------------+-------------+
//   | sys    | born timestamp  | born host (8 | 20)  | store timestamp | store host  |
//   | flag   |                 |                     |                 | (8 | 20)    |
//   +--------+-----------------+---------------------+-----------------+-------------+
//   72+b+s   76+b+s            84+b+s   88+b+s
//   +--------+-----------------+--------+------+-------------+-------+--------+------------+
//   | recon- | prepared trans- | body   | body | topic       | topic | prop.  | properties |
//   | sumed  | action offset   | length |      | length 1|2  |       | length |            |
//   +--------+-----------------+--------+------+-------------+-------+--------+------------+
//
// b and s are 12 when the born host and the store host are IPv6, else 0. The topic length takes one
// byte in version 1 and two in version 2.

/// The two versions of the record format: they differ in the width of the topic length.
public enum RecordVersion: Sendable, Hashable {
    case v1
    case v2

    /// The number that stands at bytes 4 to 7 of a record.
    @inlinable public var magic: UInt32 { self == .v1 ? 0xDAA3_20A7 : 0xDAA3_20AB }

    /// Bytes of the topic length.
    @inlinable public var topicLengthWidth: Int { self == .v1 ? 1 : 2 }

    /// The version that RocketMQ writes for a topic of this many characters.
    @inlinable public init(topicCharacterCount: Int) {
        self = topicCharacterCount > 127 ? .v2 : .v1
    }
}

/// Field positions of a record.
public enum RecordLayout: Sendable {
    @inlinable public static var totalSize: Field<Int32> { Field(at: 0) }
    @inlinable public static var magic: Field<UInt32> { Field(at: 4) }
    @inlinable public static var bodyChecksum: Field<Int32> { Field(at: 8) }
    @inlinable public static var queueID: Field<Int32> { Field(at: 12) }
    @inlinable public static var flag: Field<Int32> { Field(at: 16) }
    @inlinable public static var queueOffset: Field<Int64> { Field(at: 20) }
    @inlinable public static var physicalOffset: Field<Int64> { Field(at: 28) }
    @inlinable public static var systemFlag: Field<Int32> { Field(at: 36) }
    @inlinable public static var bornTimestamp: Field<Int64> { Field(at: 40) }
    @inlinable public static var bornHost: Int { 48 }

    // The fields from here on are for IPv4 hosts: add `hostShift`s for IPv6 ones.
    @inlinable public static var storeTimestamp: Field<Int64> { Field(at: 56) }
    @inlinable public static var storeHost: Int { 64 }
    @inlinable public static var reconsumeTimes: Field<Int32> { Field(at: 72) }
    @inlinable public static var preparedTransactionOffset: Field<Int64> { Field(at: 76) }
    @inlinable public static var bodyLength: Field<Int32> { Field(at: 84) }
    @inlinable public static var body: Int { 88 }

    /// How far an IPv6 host moves the fields behind it.
    @inlinable public static var hostShift: Int { 12 }
    /// Bytes of the properties length.
    @inlinable public static var propertiesLengthWidth: Int { 2 }
    /// The most bytes of properties that a record can hold.
    @inlinable public static var maximumPropertiesLength: Int { 32_767 }
    /// The smallest record: version 1, IPv4 hosts, nothing in it.
    @inlinable public static var minimumSize: Int { body + 1 + propertiesLengthWidth }

    /// How far the fields behind the born host stand from their IPv4 places.
    @inlinable public static func bornShift(_ flag: SystemFlag) -> Int {
        flag.rawValue & 16 == 0 ? 0 : hostShift
    }

    /// How far the fields behind the store host stand from their IPv4 places.
    @inlinable public static func hostsShift(_ flag: SystemFlag) -> Int {
        bornShift(flag) &+ (flag.rawValue & 32 == 0 ? 0 : hostShift)
    }
}

/// The mark that fills the rest of a CommitLog file when the next record does not fit.
///
///     0          4          8
///     +----------+----------+ - - - - - - - - - - - - +
///     | bytes to | magic    | whatever the file held  |
///     | the end  | CBD43194 |                         |
///     +----------+----------+ - - - - - - - - - - - - +
public enum BlankMarker: Sendable {
    @inlinable public static var remaining: Field<Int32> { Field(at: 0) }
    @inlinable public static var magic: Field<UInt32> { Field(at: 4) }
    @inlinable public static var magicValue: UInt32 { 0xCBD4_3194 }
    /// Bytes that a record leaves free behind it in its file, so that the mark always fits.
    @inlinable public static var byteCount: Int { 8 }

    /// Writes the mark at `offset`, for a file that ends `remaining` bytes further on.
    @inlinable
    public static func store(remaining: Int32, into bytes: inout MutableRawSpan, at offset: Int) {
        Self.remaining.store(remaining, into: &bytes, at: offset)
        Self.magic.store(magicValue, into: &bytes, at: offset)
    }
}
