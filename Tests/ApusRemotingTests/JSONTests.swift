// JSON documents: what is taken, what is refused and where, and that what is written reads back.

import ApusFormat
import ApusRemoting
import TestSupport
import Testing

private func parse(_ text: String) -> JSON? { try? JSON(parsing: text) }

@Suite("JSON documents") struct JSONTests {
    @Test("values of every kind are read")
    func kinds() throws {
        let value = try JSON(parsing: #" {"a":[1,-2,3.5,1e3,true,false,null,"x"],"b":{}} "#)
        let expected: JSON = .object([
            "a": [1, -2, .double(3.5), .double(1000), true, false, nil, "x"], "b": .object([:]),
        ])
        #expect(value == expected)
        #expect(parse("9223372036854775807")?.int64 == .max)
        #expect(parse("9223372036854775808") == .double(9_223_372_036_854_775_808))
    }

    @Test("what fastjson takes is taken: bare keys, single quotes, commas too many")
    func tolerance() {
        #expect(parse("{0:'ip',1:\"b\",}") == parse(#"{"0":"ip","1":"b"}"#))
        #expect(parse("[1,,2,]") == [1, 2])
        #expect(parse("{name:1}") == .object(["name": 1]))
        #expect(parse("{a:1,a:2}")?["a"]?.int32 == 2)
    }

    @Test("an object where a name should be is the name, as in Java's tables by queue")
    func objectsAsNames() {
        let table = parse(#"{"t":{{"queueId":1,"s":"}"}:{"max":40}, {"queueId":2} : 7},"n":0}"#)
        #expect(
            table?["t"]?.object?.members.map(\.name) == [
                #"{"queueId":1,"s":"}"}"#, #"{"queueId":2}"#,
            ])
        #expect(table?["t"]?[#"{"queueId":1,"s":"}"}"#]?["max"]?.int32 == 40)
        #expect(table?["n"]?.int32 == 0)
        for text in [#"{{"a":1}"#, "{{", "{{}", "{{}}", "{[1]:2}"] { #expect(parse(text) == nil) }
    }

    @Test("escapes stand for what they say, and half a pair for the replacement character")
    func escapes() {
        let cases = [
            (#""\u0001\u0002""#, "\u{1}\u{2}"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
            (#""\u8ba2\u5355""#, "订单"), (#""\ud83d\ude00""#, "😀"), (#""\ud83dx""#, "\u{FFFD}x"),
            (#""\ud83d\u0041""#, "\u{FFFD}A"), (#""\udc00""#, "\u{FFFD}"), (#""\x41\'""#, "A'"),
        ]
        for (text, expected) in cases { #expect(parse(text)?.string == expected, "\(text)") }
    }

    @Test("what is no JSON is refused with its place")
    func refusals() {
        let cases: [(String, JSONError.Reason, Int)] = [
            ("", .unexpectedEnd, 0), ("{", .unexpectedEnd, 1), (#"{"a""#, .unexpectedEnd, 4),
            (#"{"a":1"#, .unexpectedEnd, 6), (#"{"a" 1}"#, .unexpectedByte, 5),
            (#"{"a":1 "b":2}"#, .unexpectedByte, 7), ("[1 2]", .unexpectedByte, 3),
            ("nope", .unexpectedByte, 0), ("nan", .unexpectedByte, 0), ("-", .badNumber, 0),
            ("1.2.3", .badNumber, 0), ("1e999", .badNumber, 0), ("0x10", .badNumber, 0),
            (#""abc"#, .unexpectedEnd, 4), (#""a\"#, .unexpectedEnd, 4),
            (#""\u12g4""#, .badEscape, 5),
            (#""\q""#, .badEscape, 1), ("1 2", .trailingBytes, 2), ("]", .unexpectedByte, 0),
            ("[}", .unexpectedByte, 1), ("{:1}", .unexpectedByte, 1),
        ]
        for (text, reason, offset) in cases {
            do {
                _ = try JSON(parsing: text)
                Issue.record("taken: \(text)")
            } catch {
                #expect(error == JSONError(reason, at: offset), "\(text)")
            }
        }
    }

    @Test("depth and number of values are bounded")
    func bounds() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONError(.tooDeep, at: 64)) { try JSON(parsing: deep) }
        let many = Array("[1,1,1,1]".utf8)
        #expect(throws: JSONError(.tooManyValues, at: 7)) {
            try JSON(parsing: many.rawSpan, limits: JSONLimits(values: 4))
        }
        #expect((try? JSON(parsing: many.rawSpan, limits: JSONLimits(values: 5))) != nil)
    }

    @Test("the dialects differ in the keys of integers and in the layout")
    func dialects() throws {
        var addresses = JSONObject()
        addresses.append(0, "a:1")
        addresses.append("7", "b")
        let value = JSON.object(["t": .object(addresses), "e": [], "f": .double(1.5)])
        func text(_ dialect: JSONDialect) -> String {
            String(decoding: value.bytes(dialect), as: UTF8.self)
        }
        #expect(text(.standard) == #"{"t":{"0":"a:1","7":"b"},"e":[],"f":1.5}"#)
        #expect(text(.fastjson) == #"{"t":{0:"a:1","7":"b"},"e":[],"f":1.5}"#)
        let lines = [
            "{", "\t\"t\":{", "\t\t0:\"a:1\",", "\t\t\"7\":\"b\"", "\t},", "\t\"e\":[],",
            "\t\"f\":1.5", "}",
        ]
        #expect(text(.fastjsonPretty) == lines.joined(separator: "\n"))
        #expect(JSON.double(.nan).bytes() == Array("null".utf8))
        #expect(JSON.string("a\u{1}\"\\\n").bytes() == Array(#""a\u0001\"\\\n""#.utf8))
    }

    @Test("what is written reads back, in each dialect")
    func roundTrips() throws {
        var random = SeededNumbers.printed()
        for _ in 0..<300 {
            let value = Self.value(&random, depth: 4)
            for dialect in [JSONDialect.standard, .fastjson, .fastjsonPretty] {
                #expect(try JSON(parsing: value.bytes(dialect).rawSpan) == value)
            }
        }
    }

    private static func value(_ random: inout SeededNumbers, depth: Int) -> JSON {
        let letters: [Character] = ["a", "\"", "\\", "\u{1}", "\u{7F}", "单", "😀", "/", " "]
        func text(_ random: inout SeededNumbers) -> String {
            String(
                (0..<Int.random(in: 0...20, using: &random)).map { _ in
                    letters.randomElement(using: &random) ?? "a"
                })
        }
        switch Int.random(in: 0...(depth > 0 ? 7 : 5), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .integer(Int64.random(in: .min ... .max, using: &random))
        case 3: return .double(Double.random(in: -1e9...1e9, using: &random) + 0.125)
        case 4, 5: return .string(text(&random))
        case 6:
            return .array(
                (0..<Int.random(in: 0...4, using: &random)).map { _ in
                    value(&random, depth: depth - 1)
                })
        default:
            var object = JSONObject()
            for key in 0..<Int.random(in: 0...4, using: &random) {
                let member = value(&random, depth: depth - 1)
                if Bool.random(using: &random) {
                    object.append(key, member)
                } else {
                    object.append("\(key)" + text(&random), member)
                }
            }
            return .object(object)
        }
    }

    @Test("accessors are lenient where Java's are")
    func accessors() {
        #expect(JSON.string("12").int64 == 12)
        #expect(JSON.double(3).int32 == 3)
        #expect(JSON.double(3.5).int32 == nil)
        #expect(JSON.bool(true).int32 == 1)
        #expect(JSON.integer(1 << 40).int32 == nil)
        #expect(JSON.integer(1).bool == true)
        #expect(JSON.string("TRUE").bool == true)
        #expect(JSON.string("yes").bool == nil)
        #expect(JSON.integer(7).string == "7")
        #expect(JSON.object(["a": nil])["a"] == nil)
        #expect(JSON.double(1e300).int64 == nil)
    }
}
