// Expressions of tags, and ids appended without making text of them.

import Testing

@testable import ApusFormat

@Test("an expression of tags is cut at double bars, and blanks around a tag do not count")
func tagExpressions() {
    #expect(TagExpression.names(in: "a || b|c||  d e ") == ["a", "b|c", "d e"])
    #expect(TagExpression.names(in: "*").isEmpty && TagExpression.names(in: "").isEmpty)
    #expect(TagExpression.names(in: " || ").isEmpty)
}

@Test("an id's digits are appended as its text has them")
func appendedIDs() {
    for host in [
        HostAddress(ipv4: 0x0A0B_0C0D, port: 0),
        HostAddress(high: 0x2001_0DB8 << 32, low: 1, port: 0),
    ] {
        let id = UniqueID(
            host: host, processID: 0xFFFE, instance: -3, millisecondsOfMonth: 12_345, counter: 9)
        var bytes: [UInt8] = [1]
        id.appendText(to: &bytes)
        #expect(bytes == [1] + Array(id.text.utf8))
        let place = OffsetMessageID(storeHost: host, physicalOffset: 0x1234_5678_9ABC)
        var text = Array(place.text.utf8)
        let whole = OffsetMessageID(utf8: text.rawSpan)
        #expect(whole == place)
        text[text.count - 1] = UInt8(ascii: "g")
        let wrong = OffsetMessageID(utf8: text.rawSpan)
        #expect(wrong == nil)
        let short = OffsetMessageID(utf8: Array(place.text.utf8.dropLast()).rawSpan)
        #expect(short == nil)
    }
}
