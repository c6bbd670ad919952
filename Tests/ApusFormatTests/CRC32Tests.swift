// The checksum against another implementation, at every length.

import ApusFormat
import CApus
import CDeflate
import Testing

@Test("the checksum has the known values")
func knownChecksums() {
    #expect(CRC32.checksum(Array("123456789".utf8).span.bytes) == 0xCBF4_3926)
    #expect(CRC32.checksum(Array("Hello RocketMQ".utf8).span.bytes) == 0x69C8_65ED)
    #expect(CRC32.checksum(bigEndian: 0x3132_3334_3536_3738) == 0x9AE0_DAAF)
    #expect(CRC32.checksum([UInt8]().span.bytes) == 0)
}

@Test("both forms agree with libdeflate at every length, alignment and split")
func everyLength() {
    let bytes = (0..<4300).map { UInt8(truncatingIfNeeded: $0 &* 197 ^ $0 >> 3) }
    bytes.withUnsafeBytes { all in
        guard let base = all.baseAddress else { return }
        for count in 0...4200 {
            let start = base + count % 17
            let expected = libdeflate_crc32(0, start, count)
            let half = capus_crc32(0, start, count / 3)
            let agrees =
                capus_crc32(0, start, count) == expected
                && capus_crc32_portable(0, start, count) == expected
                && capus_crc32(half, start + count / 3, count - count / 3) == expected
            #expect(agrees, "length \(count)")
        }
    }
}
