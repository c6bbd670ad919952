// Message ids: RocketMQ's texts, and what they are made of.

import ApusFormat
import Foundation
import Testing

@Test("an offset message id is RocketMQ's text, and reads back from either case")
func offsetMessageIDs() {
    let version4 = OffsetMessageID(
        storeHost: HostAddress(ipv4: 0x0A00_0002, port: 10911), physicalOffset: 4096)
    #expect(version4.text == "0A00000200002A9F0000000000001000")
    let version6 = OffsetMessageID(
        storeHost: HostAddress(high: 0x2001_0DB8_0000_0000, low: 2, port: 10911),
        physicalOffset: -1)
    #expect("\(version6)" == "20010DB800000000000000000000000200002A9FFFFFFFFFFFFFFFFF")
    for id in [version4, version6] {
        #expect(OffsetMessageID(id.text) == id)
        #expect(OffsetMessageID(id.text.lowercased()) == id)
        #expect(OffsetMessageID(String(id.text.dropLast())) == nil)
        #expect(OffsetMessageID(id.text + "0") == nil)
        #expect(OffsetMessageID("G" + id.text.dropFirst()) == nil)
    }
    #expect(OffsetMessageID("") == nil)
    #expect(OffsetMessageID(String(repeating: "é", count: 16)) == nil)
}

@Test("any byte but a digit makes an id none, wherever it stands")
func digitsOfIDs() {
    let text = Array("20010DB80000ABCDEFabcdef00000000000000000200002A9FFFFFFF".utf8)
    for text in [text, Array(text.prefix(32))] {
        for place in text.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = text
                changed[place] = byte
                let isDigit = Character(UnicodeScalar(byte)).isHexDigit && byte < 128
                let id = OffsetMessageID(utf8: changed.rawSpan)
                #expect((id != nil) == isDigit, "\(byte) at \(place)")
                if let id {
                    #expect(id.text == String(decoding: changed, as: UTF8.self).uppercased())
                }
            }
        }
    }
}

@Test("the digits of numbers are those that Foundation writes")
func digits() {
    var random = SeededGenerator(for: "digits")
    let some = (0..<500).map { _ in UInt32.random(in: 0 ... .max, using: &random) }
    for word in some + (0..<16).map({ $0 << 28 | $0 }) {
        let text = withUnsafeBytes(of: word.hexadecimalDigits.bigEndian) { Array($0) }
        #expect(String(decoding: text, as: UTF8.self) == String(format: "%08X", word))
        let short = UInt16(truncatingIfNeeded: word)
        let few = withUnsafeBytes(of: short.hexadecimalDigits.bigEndian) { Array($0) }
        #expect(String(decoding: few, as: UTF8.self) == String(format: "%04X", short))
    }
}

@Test("a unique id has RocketMQ's fields in their order")
func uniqueIDs() throws {
    // Made by a client on 192.0.2.2 in process 5344 with RocketMQ 5.3.3.
    let text = "C000020214E05FFD2B276EA319670001"
    let id = try #require(UniqueID(text))
    #expect(id.host == HostAddress(ipv4: 0xC000_0202, port: 0))
    #expect(id.processID == 5344 && id.instance == 0x5FFD_2B27 && id.counter == 1)
    #expect(id.millisecondsOfMonth == 0x6EA3_1967)
    #expect(id.text == text && "\(id)" == text)
    let longer = UniqueID(
        host: HostAddress(high: 0x2001_0DB8_0000_0000, low: 1, port: 99), processID: 0xFFFF,
        instance: -1, millisecondsOfMonth: 0, counter: 2)
    #expect(longer.text == "20010DB8000000000000000000000001FFFFFFFFFFFF000000000002")
    #expect(UniqueID(longer.text) == longer && longer.host.port == 0)
    #expect(UniqueID(String(text.dropLast())) == nil && UniqueID("") == nil)
}

@Test("the unique ids of a golden store tell when their messages were born")
func goldenUniqueIDs() throws {
    let messages = try GoldenStore("rocketmq-5.3.3-clean").manifest.messages
    var checked = 0
    for message in messages {
        guard let text = message.properties[PropertyName.uniqueKey], let id = UniqueID(text),
            message.bornHost.hasPrefix("127.0.0.1")
        else { continue }
        let time = id.milliseconds(before: message.storeTimestamp + 60_000, secondsFromUTC: 0)
        #expect(abs(time - message.bornTimestamp) < 5_000, "\(text)")
        checked += 1
    }
    #expect(checked > 200)
}

@Test("the time in a unique id is the calendar's, in any month and zone")
func uniqueIDTimes() throws {
    var calendar = Calendar(identifier: .gregorian)
    var random = SeededGenerator(for: "uniqueIDTimes")
    for _ in 0..<3_000 {
        let zone = Int32.random(in: -14...14, using: &random) * 3600
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: Int(zone)))
        let now = Int64.random(in: 0...7_258_118_400_000, using: &random)  // to the year 2200
        let date = Date(timeIntervalSince1970: Double(now) / 1000)
        let month = try #require(calendar.dateInterval(of: .month, for: date))
        let start = Int64(month.start.timeIntervalSince1970) * 1000
        let generator = UniqueIDGenerator(host: .loopback(port: 1), processID: 1, instance: 2)
        let id = try #require(
            UniqueID(generator.next(milliseconds: now, secondsFromUTC: zone)))
        #expect(Int64(id.millisecondsOfMonth) == now - start, "\(now) at \(zone)")
        #expect(id.milliseconds(before: now + 1, secondsFromUTC: zone) == now)
        // Read in the next month, before the time that is as far into that.
        let later =
            Int64(month.end.timeIntervalSince1970) * 1000
            + min(Int64(id.millisecondsOfMonth), 27 * 86_400_000)
        #expect(id.milliseconds(before: later, secondsFromUTC: zone) == now)
    }
}

@Test("leap days belong to February, and centuries have none but every fourth")
func leapDays() throws {
    let generator = UniqueIDGenerator(host: .loopback(port: 1), processID: 1, instance: 2)
    let day: Int64 = 86_400_000
    let days: [(Int64, Int64)] = [
        (0, 1),  // 1970-01-01
        (68_169_600_000, 29),  // 1972-02-29
        (951_782_400_000, 29),  // 2000-02-29
        (4_107_456_000_000, 28), (4_107_542_400_000, 1),  // 2100-02-28 and the day after
        (7_263_129_600_000, 28), (7_263_216_000_000, 1),  // 2200-02-28 and the day after
        (13_574_563_200_000, 29), (13_574_649_600_000, 1),  // 2400-02-29 and the day after
        (-2_203_977_600_000, 28), (-2_203_891_200_000, 1),  // 1900-02-28 and the day after
    ]
    for (start, number) in days {
        for time in [start, start + day - 1] {
            let id = try #require(UniqueID(generator.next(milliseconds: time)))
            #expect(Int64(id.millisecondsOfMonth) / day + 1 == number, "\(time)")
        }
    }
}

@Test("extreme times make no trap")
func extremeTimes() throws {
    let generator = UniqueIDGenerator(host: .loopback(port: 1), processID: 1, instance: 2)
    for time in [Int64.min, -1, 0, Int64.max] {
        for zone in [Int32.min, 0, Int32.max] {
            let id = try #require(
                UniqueID(generator.next(milliseconds: time, secondsFromUTC: zone)))
            _ = id.milliseconds(before: time, secondsFromUTC: zone)
        }
    }
}

@Test("threads that ask at the same time get different ids")
func concurrentIDs() async {
    let generator = UniqueIDGenerator(
        host: .loopback(port: 1), processID: 70_000, instance: 7, firstCounter: 65_000)
    let all = await withTaskGroup(of: [String].self) { group in
        for _ in 0..<4 {
            group.addTask { (0..<5_000).map { _ in generator.next(milliseconds: 1000) } }
        }
        return await group.reduce(into: [String]()) { $0 += $1 }
    }
    #expect(Set(all).count == 20_000)
    #expect(all.allSatisfy { UniqueID($0)?.processID == 4464 })  // 70,000 in 16 bits
}
