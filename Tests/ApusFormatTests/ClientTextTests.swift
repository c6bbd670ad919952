// What clients write and read without making text of it: expressions of tags, ids.

import TestSupport
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

@Test("an id counts from the start of its month, also when days and months pass")
func monthsOfIDs() {
    let generator = UniqueIDGenerator(host: .loopback(port: 0), processID: 1, instance: 2)
    var numbers = SeededNumbers.printed()
    var time: Int64 = 1_700_000_000_000
    for _ in 0..<2_000 {
        let id = generator.nextID(milliseconds: time)
        let month = Month(containing: time, secondsFromUTC: 0)
        #expect(Int64(id.millisecondsOfMonth) == time - month.start)
        // Forward by up to two days, and at times back: clocks are set.
        time += Int64.random(in: -10_000_000...172_800_000, using: &numbers)
    }
    let early = generator.nextID(milliseconds: -1)
    #expect(Int64(early.millisecondsOfMonth) == 31 * 86_400_000 - 1)
}
