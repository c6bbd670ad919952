// The `__CRC32#` property: a checksum over a whole record, as its last 20 bytes.
//
//     0              8    9                        19   20
//     +--------------+----+------------------------+----+
//     | "__CRC32#"   | 01 | ten digits, last first | 02 |
//     +--------------+----+------------------------+----+

/// The property that RocketMQ appends to a record with `enabledAppendPropCRC`.
public enum ChecksumProperty: Sendable {
    /// Bytes of the property, counted in the record's properties length.
    @inlinable public static var byteCount: Int { 20 }
    @inlinable static var name: UInt64 { 0x5F5F_4352_4333_3223 }  // "__CRC32#"

    /// Writes the property for a record whose checksum is `checksum`; traps unless 20 bytes are
    /// there.
    public static func write(_ checksum: UInt32, into bytes: inout MutableRawSpan, at offset: Int) {
        bytes.storeBigEndian(name, at: offset)
        bytes.storeBigEndian(UInt8(1), at: offset + 8)
        var rest = checksum & 0x7FFF_FFFF
        for digit in 0..<10 {
            bytes.storeBigEndian(UInt8(48 + rest % 10), at: offset + 9 + digit)
            rest /= 10
        }
        bytes.storeBigEndian(UInt8(2), at: offset + 19)
    }

    /// The checksum at the end of a record whose properties take its last `propertiesLength` bytes;
    /// nil when it does not end with the property.
    ///
    /// The property is an item of its own, as RocketMQ reads it: a value of another property that
    /// ends with the same bytes is none.
    public static func value(in record: RawSpan, propertiesLength: Int) -> UInt32? {
        let start = record.byteCount - byteCount
        guard propertiesLength >= byteCount, start >= 0,
            propertiesLength == byteCount
                || start > 0
                    && record.loadBigEndian(UInt8.self, at: start - 1) == Properties.valueEnd,
            record.loadBigEndian(UInt64.self, at: start) == name,
            record.loadBigEndian(UInt8.self, at: start + 8) == Properties.nameEnd,
            record.loadBigEndian(UInt8.self, at: start + 19) == Properties.valueEnd
        else { return nil }
        var value: UInt64 = 0
        for digit in stride(from: 9, through: 0, by: -1) {
            let byte = record.loadBigEndian(UInt8.self, at: start + 9 + digit)
            guard byte >= 48, byte <= 57 else { return nil }
            value = value * 10 + UInt64(byte - 48)
        }
        return UInt32(exactly: value)
    }

    /// Whether the record's checksum holds; nil when it carries none.
    public static func verify(record: RawSpan, propertiesLength: Int) -> Bool? {
        guard let stored = value(in: record, propertiesLength: propertiesLength) else {
            return nil
        }
        let covered = record.extracting(0..<record.byteCount - byteCount)
        return stored == CRC32.checksum(covered) & 0x7FFF_FFFF
    }
}
