// Headers as clients write them are read in few steps, all others step by step: both ways find the
// same. And numbers are written eight digits at a time.

import ApusFormat
import NIOCore
import TestSupport
import Testing

@testable import ApusRemoting

@Suite("plain headers") struct PlainHeaderTests {
    /// The same document with a blank in front of one of its signs outside of strings: from there
    /// on nothing is plain.
    private static func spaced(_ header: [UInt8], sign number: Int) -> [UInt8]? {
        var left = number
        var isInString = false
        var place = 0
        while place < header.count {
            switch header[place] {
            case UInt8(ascii: "\\"): place += 1
            case UInt8(ascii: "\""): isInString.toggle()
            case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "}"):
                if isInString { break }
                if left == 0 { return header[..<place] + [0x20] + header[place...] }
                left -= 1
            default: break
            }
            place += 1
        }
        return nil
    }

    private static func text(
        _ random: inout SeededNumbers, _ letters: String, _ range: ClosedRange<Int>
    ) -> String {
        let letters = Array(letters)
        return String(
            (0..<Int.random(in: range, using: &random)).map { _ in
                letters.randomElement(using: &random) ?? "a"
            })
    }

    /// A send with names of one letter and of many, and properties of any length.
    private static func command(_ random: inout SeededNumbers) -> RemotingCommand {
        var fields: HeaderFields = [:]
        for letter in "abcdefghij" where Bool.random(using: &random) {
            fields.append(String(letter), text(&random, "0123456789TopicX_", 0...90))
        }
        for number in 0..<Int.random(in: 0...12, using: &random) {
            // Alike in their first eight bytes.
            let name = "defaultTopic" + text(&random, "QueueNums", 0...9) + "\(number)"
            fields.append(name, text(&random, "ab\u{1}\u{2}cdefghijklmnop", 0...90))
        }
        if Int.random(in: 0..<4, using: &random) == 0 {
            fields.append("z", text(&random, "ab\u{1}\"\\\u{3}\u{7F}单", 1...90))
        }
        return RemotingCommand(
            code: 310, language: .java, version: Int32.random(in: 0...500, using: &random),
            opaque: Int32.random(in: .min ... .max, using: &random),
            flags: Int32.random(in: 0...2, using: &random), fields: fields)
    }

    @Test("a header is read in few steps as it is read step by step")
    func bothWays() throws {
        var random = SeededNumbers.printed()
        for _ in 0..<300 {
            let command = Self.command(&random)
            let header = Array(command.frame.dropFirst(8))
            #expect(try RemotingCommand(decoding: command.frame.rawSpan) == command)
            for sign in 0... {
                guard let spaced = Self.spaced(header, sign: sign) else { break }
                let frame = Samples.frame(spaced)
                #expect(try RemotingCommand(decoding: frame.rawSpan) == command, "\(sign)")
            }
        }
    }

    @Test("a header that is cut anywhere is refused, and leaves nothing behind for the next one")
    func cuts() throws {
        var random = SeededNumbers.printed()
        var index = HeaderIndex()
        let limits = HeaderLimits()
        for _ in 0..<20 {
            let command = Self.command(&random)
            let header = Array(command.frame.dropFirst(8))
            for count in 0..<header.count {
                let part = Array(header[..<count])
                #expect(throws: FrameError.self) { try index.read(part.rawSpan, .json, limits) }
            }
            try index.read(header.rawSpan, .json, limits)
            let bytes = command.frame
            let frame = try Frame(bytes.rawSpan)
            let found = Request(index, frame).command
            #expect(found == command)
        }
    }

    @Test("a field is found among hundreds, and among names that are alike")
    func lookup() throws {
        var fields: HeaderFields = ["defaultTopic": "1", "defaultTopicQueueNums": "2"]
        for number in 0..<300 { fields.append("f\(number)", number) }
        for serialization in HeaderSerialization.allCases {
            var command = RemotingCommand.request(.sendMessage, fields: fields)
            command.serialization = serialization
            let found = command.withRequest { request in
                [
                    request.optionalString("f0"), request.optionalString("f63"),
                    request.optionalString("f253"), request.optionalString("f299"),
                    request.optionalString("defaultTopic"),
                    request.optionalString("defaultTopicQueueNums"),
                    request.optionalString("f300"), request.optionalString("defaultTopicQueue"),
                ]
            }
            #expect(found == ["0", "63", "253", "299", "1", "2", nil, nil])
        }
    }

    @Test("numbers are written as they are, whatever their length")
    func decimals() {
        var numbers: [Int64] = [.min, .min + 1, .max, 0]
        var power: Int64 = 1
        for _ in 0..<18 {
            numbers += [power - 1, power, power + 1, -power, power * 9]
            power *= 10
        }
        for number in numbers {
            var sink = ByteSink()
            sink.append(decimal: number)
            sink.append(decimal: 7)
            let text = "\(number)7"
            #expect(String(decodingUTF8: sink.bytes) == text)
        }
    }

    @Test("fields that were prepared stand as they would otherwise", arguments: [0, 1])
    func prepared(kind: UInt8) throws {
        let serialization = try #require(HeaderSerialization(rawValue: kind))
        let prepared = PreparedFields("a", "x\"\u{1}", ("bc", "true"))
        for isFirst in [true, false] {
            var outbound = Outbound()
            outbound.append(HeaderNumbers(), remark: nil, serialization) { fields in
                if !isFirst { fields.append("n", 12) }
                fields.append(prepared)
                fields.append("m", "end")
            }
            var expected: HeaderFields = isFirst ? [:] : ["n": "12"]
            for (name, value) in [("a", "x\"\u{1}"), ("bc", "true"), ("m", "end")] {
                expected.append(name, value)
            }
            let ready = outbound.take()
            let buffer = try #require(ready)
            let command = try RemotingCommand(decoding: buffer.readableBytesSpan)
            #expect(command.fields == expected)
        }
    }
}
