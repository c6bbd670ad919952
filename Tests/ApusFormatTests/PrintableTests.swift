// Text from elsewhere, as tools show it; and the digits that they read.

import Testing

@testable import ApusFormat

@Suite("What tools show and read")
struct PrintableTests {
    /// An escape, one of one character, a turn of the direction, and a line.
    private let evil = "a\u{1B}[2J\u{9B}1m\u{202E}\u{2066}\r\nb\t\u{7F}"

    @Test("control characters are shown by their numbers, everything else as it is")
    func text() {
        let shown = #"a\u{1b}[2J\u{9b}1m\u{202e}\u{2066}\u{d}\u{a}b\u{9}\u{7f}"#
        #expect(Printable.text(evil) == shown)
        #expect(Printable.text(shown) == shown)
        #expect(Printable.text("Grüße 🐦 \\ \u{A0}") == "Grüße 🐦 \\ \u{A0}")
        #expect(Printable.text("") == "")
    }

    @Test("in JSON only what may stand raw in its strings is, as JSON escapes it")
    func json() {
        #expect(
            Printable.json("{\n\t\"a\u{9B}\u{202E}\u{7F}\": 1}\r")
                == "{\n\t\"a\\u009b\\u202e\\u007f\": 1}\r")
    }

    @Test("groups of digits have the widths that are asked for")
    func digits() {
        #expect(DigitGroups.numbers("2026-01-09", "-", [4, 2, 2]) == [2026, 1, 9])
        for text in ["", "2026-1-09", "2026-01", "2026-01-09-1", "2026-0x-09", "2026-01-٠٩"] {
            #expect(DigitGroups.numbers(text[...], "-", [4, 2, 2]) == nil, "\(text)")
        }
        #expect(Hexadecimal.lowerText([0, 0xAF, 16]) == "00af10")
        #expect(TopicName.group(ofRetryTopic: "%RETRY%g") == "g")
        #expect(TopicName.group(ofRetryTopic: "%DLQ%g") == nil)
    }
}
