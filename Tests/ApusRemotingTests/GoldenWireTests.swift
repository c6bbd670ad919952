// What RocketMQ 5.3.3's NameServer, broker and clients, and the C++ client, said to each other.

import ApusFormat
import ApusRemoting
import Foundation
import Testing

@Suite("captured conversations") struct GoldenWireTests {
    private let stream: [UInt8]
    private let commands: [RemotingCommand]

    init() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent()
            .appending(path: "Golden/rocketmq-5.3.3-wire.frames")
        let bytes = [UInt8](try Data(contentsOf: file))
        var reader = CommandStream()
        var found: [RemotingCommand] = []
        try reader.take(bytes.rawSpan, into: &found)
        #expect(!reader.isInFrame)
        stream = bytes
        commands = found
    }

    @Test("every frame is read, and holds what a plain parser finds in it")
    func decoded() throws {
        var place = 0
        for command in commands {
            let size = Int(stream.rawSpan.loadBigEndian(Int32.self, at: place)) + 4
            let word = stream.rawSpan.loadBigEndian(Int32.self, at: place + 4)
            let header = Data(stream[(place + 8)..<(place + 8 + Int(word))])
            let parsed = try JSONSerialization.jsonObject(with: header) as? [String: Any]
            let plain = try #require(parsed)
            #expect(command.code == plain["code"] as? Int32)
            #expect(command.opaque == plain["opaque"] as? Int32)
            #expect(command.flags == plain["flag"] as? Int32)
            #expect(command.version == plain["version"] as? Int32)
            #expect("\(command.language.name)" == plain["language"] as? String)
            #expect(command.remark == plain["remark"] as? String)
            let fields = plain["extFields"] as? [String: Any] ?? [:]
            #expect(command.fields.count == fields.count)
            for (name, value) in fields { #expect(command.fields[name] == "\(value)", "\(name)") }
            #expect(command.body == Array(stream[(place + 8 + Int(word))..<(place + size)]))
            place += size
        }
        #expect(place == stream.count)
        #expect(commands.count > 100)
        for code: RequestCode in [
            .sendMessage, .sendMessageV2, .sendBatchMessage, .pullMessage, .litePullMessage,
            .heartBeat, .lockBatchMq, .endTransaction, .notifyConsumerIdsChanged, .registerBroker,
            .getRouteinfoByTopic, .consumerSendMsgBack,
        ] {
            #expect(commands.contains { $0.requestCode == code && !$0.isResponse }, "\(code)")
        }
    }

    @Test("what Java wrote is written again byte for byte")
    func encodedAsJava() {
        var place = 0
        var count = 0
        for command in commands {
            let size = Int(stream.rawSpan.loadBigEndian(Int32.self, at: place)) + 4
            let frame = Array(stream[place..<(place + size)])
            place += size
            // Java tells a table of fields that is empty from none; nothing hangs on it.
            let text = String(decoding: frame, as: UTF8.self)
            guard command.language == .java, !text.contains(#""extFields":{}"#) else { continue }
            #expect(command.frame == frame, "\(text)")
            count += 1
        }
        #expect(count > 60)
    }

    @Test("every command survives being written, in its serialisation and in the other")
    func roundTrips() throws {
        for var command in commands {
            #expect(try RemotingCommand(decoding: command.frame.rawSpan) == command)
            command.serialization = .binary
            var expected = command
            // Binary headers know no empty value.
            for field in command.fields.all where field.value.isEmpty {
                expected.fields[field.name] = nil
            }
            if command.remark?.isEmpty == true { expected.remark = nil }
            #expect(try RemotingCommand(decoding: command.frame.rawSpan) == expected)
        }
    }

    @Test("bodies that are JSON are read, those of fastjson with bare keys too")
    func bodies() throws {
        let texts = commands.map(\.body).filter { $0.first == UInt8(ascii: "{") }
        #expect(texts.count > 10)
        for text in texts {
            let value = try JSON(parsing: text.rawSpan)
            #expect(value.object != nil)
            #expect(try JSON(parsing: value.bytes(.fastjson).rawSpan) == value)
        }
        let routes = try texts.map { try JSON(parsing: $0.rawSpan) }
            .compactMap { $0["brokerDatas"]?.array?.first?["brokerAddrs"]?["0"]?.string }
        #expect(routes.contains("127.0.0.1:10911"))
    }

    @Test("a binary header is laid out as Java lays it out")
    func binaryLayout() throws {
        var command = RemotingCommand(
            code: 310, language: .java, version: 479, opaque: 7, flags: 2, remark: "r",
            fields: ["a": "group", "e": "3"], body: [0xEE], serialization: .binary)
        let expected: [UInt8] = [
            0, 0, 0, 47, 1, 0, 0, 42,  // lengths, and which header it is
            1, 0x36, 0, 1, 0xDF, 0, 0, 0, 7, 0, 0, 0, 2,  // code, language, version, number, flags
            0, 0, 0, 1, 0x72,  // the remark
            0, 0, 0, 20,  // fields
            0, 1, 0x61, 0, 0, 0, 5, 0x67, 0x72, 0x6F, 0x75, 0x70,  // a: group
            0, 1, 0x65, 0, 0, 0, 1, 0x33,  // e: 3
            0xEE,
        ]
        #expect(command.frame == expected)
        command.fields = [:]
        command.remark = nil
        #expect(command.frame.count == 8 + 21 + 1)
    }
}
