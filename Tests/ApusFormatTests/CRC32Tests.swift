// The checksum against another implementation, at every length.

import ApusFormat
import CApus
import CDeflate
import Foundation
import Testing

@Test("the checksum has the known values")
func knownChecksums() {
    #expect(CRC32.checksum(Array("123456789".utf8).span.bytes) == 0xCBF4_3926)
    #expect(CRC32.checksum(Array("Hello RocketMQ".utf8).span.bytes) == 0x69C8_65ED)
    #expect(CRC32.checksum(bigEndian: 0x3132_3334_3536_3738) == 0x9AE0_DAAF)
    #expect(CRC32.checksum([UInt8]().span.bytes) == 0)
}

@Test(
    "each form agrees with libdeflate at every length, alignment and split",
    arguments: ["portable", "pclmul", "vpclmulqdq256", "vpclmulqdq"])
func everyLength(name: String) {
    // What this processor lacks cannot be run here; the portable form is always there.
    guard let form = capus_crc32_named(name) else {
        #expect(name != "portable" && name != String(cString: capus_crc32_implementation()))
        return
    }
    let bytes = (0..<8300).map { UInt8(truncatingIfNeeded: $0 &* 197 ^ $0 >> 3) }
    bytes.withUnsafeBytes { all in
        guard let base = all.baseAddress else { return }
        for count in 0...8192 {
            let start = base + count % 67
            let expected = libdeflate_crc32(0, start, count)
            let half = form(0, start, count / 3)
            let agrees =
                form(0, start, count) == expected
                && form(half, start + count / 3, count - count / 3) == expected
                && capus_crc32(0, start, count) == expected
            #expect(agrees, "length \(count)")
        }
    }
}

@Test("no form reads beyond the bytes it is given")
func staysWithin() {
    // Another byte before or behind must not change anything.
    for name in ["portable", "pclmul", "vpclmulqdq256", "vpclmulqdq"] {
        guard let form = capus_crc32_named(name) else { continue }
        for count in 0...300 {
            var padded = [UInt8](repeating: 0x55, count: count + 128)
            let first = padded.withUnsafeBytes { form(0, $0.baseAddress?.advanced(by: 64), count) }
            for index in padded.indices where index < 64 || index >= 64 + count {
                padded[index] = 0xAA
            }
            let second = padded.withUnsafeBytes { form(0, $0.baseAddress?.advanced(by: 64), count) }
            #expect(first == second, "\(name), length \(count)")
        }
    }
}

@Test("the widest form that the processor has is the one in use, and has a name")
func formInUse() throws {
    let name = String(cString: capus_crc32_implementation())
    #expect(capus_crc32_named(name) != nil)
    let names: [String] = ["portable", "pclmul", "vpclmulqdq256", "vpclmulqdq"]
    #expect(name == names.last { capus_crc32_named($0) != nil })
    #expect(capus_crc32_named("none") == nil)
    #if arch(x86_64)
        // By what the system says of the processor, not by what the forms themselves ask.
        let text = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
        let line = text.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
        let flags = Set(line.split(separator: " "))
        let needs: [(form: String, flags: Set<Substring>)] = [
            ("vpclmulqdq", ["pclmulqdq", "sse4_1", "avx512f", "avx512vl", "vpclmulqdq"]),
            ("vpclmulqdq256", ["pclmulqdq", "sse4_1", "avx2", "vpclmulqdq"]),
            ("pclmul", ["pclmulqdq", "sse4_1"]),
        ]
        #expect(name == needs.first { $0.flags.isSubset(of: flags) }?.form ?? "portable")
    #endif
}
