// The copy that is inlined into each append, and the comparison that is made in each read.

import ApusFormat
import CApus
import Testing

@Test("a short copy copies every byte of every length, and none beside them")
func copiesEveryLength() {
    let source = (0..<200).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
    for length in 0...200 {
        for shift in [0, 1, 7] {
            var target = [UInt8](repeating: 0xEE, count: 216)
            target.withUnsafeMutableBytes { to in
                source.withUnsafeBytes { from in
                    guard let base = to.baseAddress, let start = from.baseAddress else { return }
                    capus_copy(base + 8 + shift, start, length)
                }
            }
            let expected =
                [UInt8](repeating: 0xEE, count: 8 + shift) + source.prefix(length)
                + [UInt8](repeating: 0xEE, count: 216 - 8 - shift - length)
            #expect(target == expected)
        }
    }
}

@Test("bytes are equal when all are, whatever their number and place")
func equality() {
    func isEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.span.bytes.isEqual(to: other.span.bytes)
    }
    for count in 0...41 {
        let one = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 5) }
        #expect(isEqual(one, Array(one)))
        #expect(!isEqual(one, one + [0]))
        for place in 0..<count {
            var other = one
            other[place] ^= 0x10
            #expect(!isEqual(one, other), "\(count) bytes, at \(place)")
        }
    }
}
