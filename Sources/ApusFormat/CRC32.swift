// The checksum of RocketMQ's formats: CRC-32 as java.util.zip.CRC32 computes it.

public import CApus

/// CRC-32 (IEEE 802.3, reflected), the checksum of record bodies and of the `__CRC32#` property.
public enum CRC32: Sendable {
    /// The checksum of `bytes`, continuing from `seed` (0 to start).
    @inlinable @inline(__always)
    public static func checksum(_ bytes: RawSpan, continuing seed: UInt32 = 0) -> UInt32 {
        unsafe bytes.withUnsafeBytes { unsafe capus_crc32(seed, $0.baseAddress, $0.count) }
    }

    /// The checksum of the eight bytes of `value`, most significant first.
    public static func checksum(bigEndian value: UInt64) -> UInt32 {
        var bytes = value.bigEndian
        // Safe: the pointer is used within the call and covers exactly the variable.
        return unsafe withUnsafeBytes(of: &bytes) {
            unsafe capus_crc32(0, $0.baseAddress, $0.count)
        }
    }

    /// The checksum as RocketMQ stores it: without the sign bit (`UtilAll.crc32`).
    @inlinable @inline(__always)
    public static func stored(_ bytes: RawSpan) -> Int32 {
        Int32(bitPattern: checksum(bytes) & 0x7FFF_FFFF)
    }
}
