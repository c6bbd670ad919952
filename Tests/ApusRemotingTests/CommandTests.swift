// Commands: both headers, what is tolerated in them, and what is refused.

import ApusFormat
import ApusRemoting
import TestSupport
import Testing

private func refusal(_ frame: [UInt8], _ limits: HeaderLimits = HeaderLimits()) -> FrameError? {
    do {
        _ = try RemotingCommand(decoding: frame.rawSpan, limits: limits)
        return nil
    } catch { return error }
}

@Suite("commands") struct CommandTests {
    @Test("a command survives its frame, in both serialisations")
    func roundTrips() throws {
        var random = SeededNumbers.printed()
        for _ in 0..<500 {
            let command = Samples.command(&random)
            #expect(try RemotingCommand(decoding: command.frame.rawSpan) == command)
        }
    }

    @Test("a JSON header may be as loose as fastjson allows")
    func loose() throws {
        let command = try RemotingCommand(
            decoding: Samples.frame(Samples.looseHeader, body: [9, 8]).rawSpan)
        #expect(command.requestCode == .sendMessageV2)
        #expect(command.fields == ["a": "g\u{1}p", "e": "4", "k": "true"])
        #expect(command.language == .cpp)
        #expect(command.opaque == 5)
        #expect(command.version == 63)
        #expect(command.remark == nil)
        #expect(command.body == [9, 8])
    }

    @Test("a name with an escape is the name that it stands for")
    func escapedName() throws {
        let frame = Samples.frame(#"{"extFields":{"\u0074opic":"T","x":{"y":[1]}}}"#)
        let command = try RemotingCommand(decoding: frame.rawSpan)
        #expect(command.fields == ["topic": "T", "x": #"{"y":[1]}"#])
    }

    @Test("fields, names, values and headers beyond their bounds are refused")
    func bounds() {
        let limits = HeaderLimits(
            frameBytes: 400, headerBytes: 200, fields: 2, nameBytes: 4, valueBytes: 6)
        func check(_ fields: String) -> FrameError? {
            refusal(Samples.frame(#"{"extFields":{"# + fields + "}}"), limits)
        }
        #expect(check(#""a":1,"b":2"#) == nil)
        #expect(check(#""a":1,"b":2,"c":3"#) == .tooManyFields(limit: 2))
        #expect(check(#""abcde":1"#) == .nameTooLong(5, limit: 4))
        #expect(check(#""a":"1234567""#) == .valueTooLong(7, limit: 6))
        #expect(check(#""a":1,"a":2"#) == .duplicateField("a"))
        let long = String(repeating: " ", count: 201)
        #expect(refusal(Samples.frame(long), limits) == .headerTooLong(201, limit: 200))
        let big = Samples.frame("{}", body: [UInt8](repeating: 0, count: 391))
        #expect(refusal(big, limits) == .frameTooLong(401, limit: 400))
        #expect(refusal(Array(big.dropLast()), limits) == .frameTooLong(401, limit: 400))
        #expect(
            refusal(Samples.frame(#"{"remark":"1234567"}"#), limits) == .valueTooLong(7, limit: 6))
    }

    @Test("a field beyond its bounds is refused wherever it stands, in both serialisations")
    func fieldBounds() {
        let limits = HeaderLimits(nameBytes: 9, valueBytes: 70)
        // Several fields, so that it is the first, the last, and one between others.
        for place in 0..<3 {
            for serialization in HeaderSerialization.allCases {
                func refused(_ name: String, _ value: String) -> FrameError? {
                    var fields: HeaderFields = [:]
                    for number in 0..<3 {
                        if number == place {
                            fields.append(name, value)
                        } else {
                            fields.append("field\(number)", "plain")
                        }
                    }
                    var command = RemotingCommand.request(.sendMessage, fields: fields)
                    command.serialization = serialization
                    return refusal(command.frame, limits)
                }
                let longest = String(repeating: "v", count: 70)
                #expect(refused("nine_char", longest) == nil)
                #expect(refused("nine_chars", "v") == .nameTooLong(10, limit: 9))
                #expect(refused("n", longest + "v") == .valueTooLong(71, limit: 70))
                // Escapes of one byte each: it is what they mean that counts.
                let separators = String(repeating: "\u{1}", count: 70)
                #expect(refused("n", separators) == nil)
                #expect(refused("n", separators + "\u{2}") == .valueTooLong(71, limit: 70))
            }
        }
    }

    @Test("frames that cannot be are refused")
    func malformed() {
        #expect(refusal(Samples.number(3) + [0, 0, 0]) == .frameTooShort(7))
        #expect(refusal(Samples.number(-1)) == .frameTooShort(3))
        #expect(
            refusal(Samples.number(4) + Samples.number(1)) == .headerOutOfFrame(1, frame: 8))
        #expect(refusal(Samples.frame("{}", serialization: 2)) == .unknownSerialization(2))
        #expect(refusal(Samples.frame("")) == .json(JSONError(.unexpectedEnd, at: 0)))
        #expect(refusal(Samples.frame("{}x")) == .json(JSONError(.trailingBytes, at: 2)))
        #expect(refusal(Samples.frame(#"{"code":"x"}"#)) == .badNumber("code"))
        #expect(refusal(Samples.frame(#"{"code":2147483648}"#)) == .badNumber("code"))
        #expect(
            refusal(Samples.frame(#"{"extFields":3}"#)) == .json(JSONError(.unexpectedByte, at: 14))
        )
    }

    @Test("a binary header whose lengths lead out of it is refused, wherever it is cut")
    func binaryCuts() throws {
        var command = RemotingCommand.request(.sendMessage, fields: ["topic": "T", "queueId": "3"])
        command.serialization = .binary
        command.remark = "r"
        let header = Array(command.frame.dropFirst(8))
        // Cut right before the fields' length it is whole, without fields.
        let whole = [18]
        for count in 0..<header.count {
            let error = refusal(Samples.frame(Array(header.prefix(count)), serialization: 1))
            if whole.contains(count) {
                #expect(error == nil, "\(count)")
            } else {
                guard case .binaryOutOfBounds? = error else {
                    Issue.record("cut at \(count): \(String(describing: error))")
                    continue
                }
            }
        }
        #expect(
            refusal(Samples.frame(header + [0], serialization: 1))
                == .binaryOutOfBounds(at: header.count))
    }

    @Test("a field that comes twice with one value is one field: Java's client with ACL sends so")
    func sameTwice() throws {
        // In Java a binary header has the fields of the request's class, and, once it was signed,
        // the same ones again out of its table.
        let twice: HeaderFields = ["topic": "T", "queueId": "3", "queueOffset": "3"]
        var command = RemotingCommand.request(.sendMessageV2, fields: twice, body: [1])
        for serialization in HeaderSerialization.allCases {
            command.serialization = serialization
            command.fields = twice
            for field in twice.all { command.fields.append(field.name, field.value) }
            command.fields.append("Signature", "s")
            let decoded = try RemotingCommand(decoding: command.frame.rawSpan)
            #expect(
                decoded.fields.all.map(\.name) == ["topic", "queueId", "queueOffset", "Signature"])
            #expect(decoded.fields["queueOffset"] == "3")
            #expect(
                refusal(command.frame, HeaderLimits(fields: 6)) == .tooManyFields(limit: 6))
            command.fields.append("queueId", "4")
            #expect(refusal(command.frame) == .duplicateField("queueId"))
        }
    }

    @Test("what an error says of a peer's bytes stays on one line of the log")
    func oneLine() {
        let text = "\(FrameError.duplicateField("a\nwarning: b\u{1B}[2J"))"
        #expect(!text.contains { $0.isNewline || $0 == "\u{1B}" })
    }

    @Test("a command that was taken is shown as a request, even if it has grown since")
    func longValues() {
        // Came as 70,000 bytes that are no UTF-8.
        let value = String(repeating: "\u{FFFD}", count: 70_000)
        let shown = RemotingCommand.request(.sendMessage, fields: ["i": value]).withRequest {
            $0.optionalString("i")
        }
        #expect(shown == value)
    }

    @Test("codes that were cut to 16 bits are whole again in requests, in both serialisations")
    func aliases() throws {
        let codes: [(Int32, RequestCode)] = [
            (3442, .popMessage), (3443, .ackMessage), (3543, .batchAckMessage),
            (3445, .changeMessageInvisibletime), (200_050, .popMessage), (310, .sendMessageV2),
        ]
        for (sent, meant) in codes {
            let frame = Samples.frame("{\"code\":\(sent)}")
            #expect(try RemotingCommand(decoding: frame.rawSpan).requestCode == meant)
        }
        var binary = RemotingCommand.request(.popMessage)
        binary.serialization = .binary
        #expect(try RemotingCommand(decoding: binary.frame.rawSpan).requestCode == .popMessage)
        let response = Samples.frame(#"{"code":3442,"flag":1}"#)
        #expect(try RemotingCommand(decoding: response.rawSpan).code == 3442)
    }

    @Test("a response has its request's number and serialisation")
    func responses() {
        var request = RemotingCommand.request(.heartBeat)
        request.opaque = 77
        request.serialization = .binary
        let response = request.response(.noPermission, remark: "no")
        #expect(response.opaque == 77)
        #expect(response.serialization == .binary)
        #expect(response.isResponse)
        #expect(!response.isOneWay)
    }

    @Test("fields are read by type, and an error names the field")
    func typedFields() throws {
        let fields: HeaderFields = ["a": "12", "b": "x", "c": "TRUE", "d": "3000000000", "e": ""]
        #expect(try fields.int32("a") == 12)
        #expect(try fields.int64("d") == 3_000_000_000)
        #expect(try fields.bool("c"))
        #expect(try fields.int32("z", or: 7) == 7)
        #expect(fields.bool("z", or: true))
        #expect(throws: HeaderError(field: "z", problem: .missing)) { try fields.string("z") }
        for name in ["b", "d", "e"] {
            #expect(throws: HeaderError.self, "\(name)") { try fields.int32(name) }
        }
        #expect("\(HeaderError(field: "z", problem: .missing))".contains("field z"))
    }
}
