// Commands for the tests, and what a frame's bytes are made of by hand.

import ApusFormat
import ApusRemoting
import TestSupport

enum Samples {
    /// A request such as the C++ client sends: numbers as values, an unknown key, white space.
    static let looseHeader = #"""
        { "code":"310", "zz":{"deep":[1,{}]}, 'extFields':{"a":"g\u0001p","e":4,"k":true,"n":null,},
         "flag":0, language:"CPP","opaque":5,"remark":null,"version":63.. }
        """#.replacing("63..", with: "63")

    /// A frame of a header's text.
    static func frame(_ header: String, body: [UInt8] = [], serialization: UInt8 = 0) -> [UInt8] {
        frame(Array(header.utf8), body: body, serialization: serialization)
    }

    static func frame(_ header: [UInt8], body: [UInt8] = [], serialization: UInt8 = 0) -> [UInt8] {
        number(4 + header.count + body.count) + [serialization]
            + number(header.count).dropFirst() + header + body
    }

    /// Four bytes, big-endian.
    static func number(_ value: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }

    /// A command of random values; binary headers hold no empty field.
    static func command(_ random: inout SeededNumbers) -> RemotingCommand {
        let letters: [Character] = ["a", "Z", "\"", "\\", "\u{1}", "\u{2}", "单", "😀", "0", "_"]
        func text(_ range: ClosedRange<Int>) -> String {
            String(
                (0..<Int.random(in: range, using: &random)).map { _ in
                    letters.randomElement(using: &random) ?? "a"
                })
        }
        var fields: HeaderFields = [:]
        for number in 0..<Int.random(in: 0...20, using: &random) {
            fields.append("\(number)-" + text(0...12), text(1...40))
        }
        return RemotingCommand(
            code: Int32.random(in: 0...3000, using: &random),
            language: Language.allCases.randomElement(using: &random) ?? .java,
            version: Int32.random(in: 0...500, using: &random),
            opaque: Int32.random(in: .min ... .max, using: &random),
            flags: Int32.random(in: 0...3, using: &random),
            remark: Bool.random(using: &random) ? text(1...30) : nil, fields: fields,
            body: (0..<Int.random(in: 0...100, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            },
            serialization: Bool.random(using: &random) ? .json : .binary)
    }
}

extension RemotingCommand {
    /// The command as one frame.
    var frame: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }
}
