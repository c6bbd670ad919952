// What looks at many bytes at a time finds what a look at each byte does.

import ApusFormat
import Testing

@Suite("many bytes at a time") struct BytesAtOnceTests {
    private static let lengths = Array(0...70) + [127, 128, 129, 400]

    @Test("are alike where each byte is", arguments: lengths)
    func alike(count: Int) {
        let before = (0..<count).map { UInt8(truncatingIfNeeded: 0x61 + $0 % 20) }
        let loose = (0..<count).map { UInt8($0 % 3 == 0 ? 0xFF : 0) }
        func isAlike(_ bytes: [UInt8], mayHaveMarks: Bool = false) -> Bool {
            bytes.rawSpan.isAlike(
                before.rawSpan, loose: loose.rawSpan, mayHaveMarks: mayHaveMarks)
        }
        #expect(isAlike(before))
        for place in 0..<count {
            let isLoose = loose[place] != 0
            for byte in [UInt8(ascii: "\""), UInt8(ascii: "\\"), 0, 0xFF] {
                var bytes = before
                bytes[place] = byte
                let isMark = byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
                #expect(isAlike(bytes) == (isLoose && !isMark))
                #expect(isAlike(bytes, mayHaveMarks: true) == isLoose)
            }
        }
    }

    @Test("are zero when each byte is", arguments: lengths)
    func zero(count: Int) {
        var bytes = [UInt8](repeating: 0, count: count)
        let isZero = bytes.rawSpan.isZero
        #expect(isZero)
        for place in 0..<count {
            for bit in [UInt8(1), 0x80] {
                bytes[place] = bit
                let isZero = bytes.rawSpan.isZero
                #expect(!isZero)
            }
            bytes[place] = 0
        }
    }

    @Test("have escapes where one byte is one", arguments: lengths.filter { $0 >= 16 })
    func escapes(count: Int) {
        let plain = [UInt8](repeating: UInt8(ascii: "x"), count: count)
        let hasNone = !plain.rawSpan.hasEscapesOfJSON
        #expect(hasNone)
        for place in 0..<count {
            for byte in UInt8.min ... .max {
                var bytes = plain
                bytes[place] = byte
                let isEscaped = byte < 0x20 || byte == 0x7F || byte == 0x22 || byte == 0x5C
                if bytes.rawSpan.hasEscapesOfJSON != isEscaped {
                    Issue.record("byte \(byte) at \(place) of \(count)")
                }
            }
        }
    }

    @Test(
        "tell names that ask for a transaction or a time",
        arguments: [
            ("TRAN_MSG\u{1}true\u{2}", true), ("TIMER_DELAY_SEC\u{1}9\u{2}", true),
            ("A\u{1}b\u{2}TR", true), ("A\u{1}b\u{2}TI\u{1}", true), ("TAGS\u{1}TR\u{2}", false),
            ("A\u{1}TRAN_MSG\u{2}", false), ("T\u{2}R", false), ("TR\u{2}", true), ("", false),
            ("A\u{1}\(String(repeating: "b", count: 90))\u{2}TIMER\u{1}x\u{2}KEYS\u{1}k", true),
            ("UNIQ_KEY\u{1}TRAN_MSG\u{2}TOPIC\u{1}x\u{2}", false),
        ])
    func asking(properties: String, asks: Bool) {
        let bytes = Array(properties.utf8)
        let scan = PropertyScan(bytes.rawSpan)
        #expect(scan.mayAsk == asks)
    }
}
