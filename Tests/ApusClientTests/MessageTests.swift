// Messages, from what a program says to what goes over the wire, and back.

import ApusFormat
import ApusRemoting
import Synchronization
import Testing

@testable import ApusClient

private struct Order: Codable, Equatable {
    var number: Int
    var item: String
}

@Suite("Messages")
struct MessageTests {
    private static let id = UniqueID(
        host: HostAddress(ipv4: 0x7F00_0001, port: 0), processID: 1, instance: 2,
        millisecondsOfMonth: 3, counter: 4)

    private func properties(_ message: Message, _ extra: [Property] = []) -> [Property] {
        var bytes: [UInt8] = []
        PropertyText.write(message, Self.id, extra, into: &bytes)
        #expect(bytes.count <= PropertyText.size(of: message, extra))
        return Properties.decode(bytes.rawSpan)
    }

    @Test("a message says its id, its tag, its keys and its delay in RocketMQ's words")
    func words() {
        var message = Message("x", to: "T", tag: "new", keys: ["a", "b"])
        message.delayLevel = 3
        message.properties = ["colour": "red"]
        message.waitsForStore = false
        #expect(
            properties(message, [Property(name: "PGROUP", value: "g")]) == [
                Property(name: "UNIQ_KEY", value: Self.id.text),
                Property(name: "WAIT", value: "false"), Property(name: "TAGS", value: "new"),
                Property(name: "KEYS", value: "a b"), Property(name: "DELAY", value: "3"),
                Property(name: "PGROUP", value: "g"), Property(name: "colour", value: "red"),
            ])
    }

    @Test("text and JSON are bodies in one line, and JSON that cannot be written is refused")
    func bodies() throws {
        #expect(Message("größer", to: "T").body == Array("größer".utf8))
        let message = try Message(json: Order(number: 1, item: "tea"), to: "T")
        #expect(try JSON(parsing: message.body.rawSpan)["item"]?.string == "tea")
        #expect(throws: ClientError.self) { try Message(json: Double.nan, to: "T") }
    }

    private static let refusals: [(String, @Sendable (inout Message) -> Void)] = [
        ("no topic", { $0.topic = "" }), ("a blank in the topic", { $0.topic = "a b" }),
        ("a topic too long", { $0.topic = String(repeating: "t", count: 128) }),
        ("no body", { $0.body = [] }),
        ("a body too large", { $0.body = Array(repeating: 0, count: 101) }),
        ("a delay below zero", { $0.delayLevel = -1 }), ("an empty tag", { $0.tag = "" }),
        ("two tags", { $0.tag = "a||b" }), ("a tag with a separator", { $0.tag = "a\u{1}" }),
        ("an empty key", { $0.keys = [""] }), ("a key with a blank", { $0.keys = ["a b"] }),
        ("a property of RocketMQ", { $0.properties = ["UNIQ_KEY": "1"] }),
        ("a property without a value", { $0.properties = ["a": ""] }),
        ("a property without a name", { $0.properties = ["": "a"] }),
        ("a property with a separator", { $0.properties = ["a": "b\u{2}"] }),
        ("too many properties", { $0.properties = ["a": String(repeating: "x", count: 32_768)] }),
    ]

    @Test("what brokers or readers would not take is refused before it is sent")
    func checks() throws {
        try Message("x", to: "T", tag: "a|b", keys: ["k"]).check(bodyLimit: 100, "sending")
        for (name, change) in Self.refusals {
            var message = Message("x", to: "T")
            change(&message)
            let error = #expect(throws: ClientError.self, "\(name)") {
                try message.check(bodyLimit: 100, "sending")
            }
            #expect(error?.kind == .invalidMessage && error?.isRetryable == false)
        }
    }
}

@Suite("Records that a pull brings")
struct PulledRecordsTests {
    private static func record(
        _ body: [UInt8], offset: Int64, codec: BodyCodec? = nil, properties: [Property] = []
    ) throws -> [UInt8] {
        var flag = SystemFlag(rawValue: 0)
        var stored = body
        if let codec {
            stored = try BodyCompression.encode(body.rawSpan, codec: codec)
            flag = flag.withCompression(number: codec.rawValue)
        }
        let text = Properties.encode(properties)
        let topic = Array("Orders".utf8)
        let frame = RecordFrame(
            version: .v1, systemFlag: flag, bodyLength: stored.count, topicLength: topic.count,
            propertiesLength: text.count)
        let fields = RecordFields(
            queueID: 3, flag: 7, queueOffset: offset, physicalOffset: 1000 + offset,
            systemFlag: flag, bornTimestamp: 11, bornHost: .loopback(port: 1),
            storeTimestamp: 12, storeHost: .loopback(port: 2), reconsumeTimes: 1,
            preparedTransactionOffset: 0, bodyChecksum: CRC32.stored(stored.rawSpan))
        var bytes = [UInt8](repeating: 0, count: frame.totalSize)
        var span = bytes.mutableRawSpan
        RecordEncoder.encode(
            fields, frame: frame, topic: topic.rawSpan, properties: text.rawSpan,
            body: stored.rawSpan, appendsChecksum: false, into: &span, at: 0)
        return bytes
    }

    @Test("records are messages, each with what its producer said of it")
    func reading() throws {
        let first = try Self.record(
            Array("one".utf8), offset: 5,
            properties: [
                Property(name: "TAGS", value: "new"), Property(name: "KEYS", value: "a b"),
                Property(name: "UNIQ_KEY", value: "id"), Property(name: "x", value: "y"),
            ])
        let contents = PulledRecords.read(
            first + (try Self.record([0, 255], offset: 6)), broker: "b", bodyLimit: 100)
        #expect(contents.damage == nil && contents.messages.count == 2)
        let message = contents.messages[0]
        #expect(message.text == "one" && message.topic == "Orders" && message.queueOffset == 5)
        #expect(message.tag == "new" && message.keys == ["a", "b"] && message.id == "id")
        #expect(message.properties["x"] == "y" && message.reconsumeTimes == 1)
        #expect(message.queue == MessageQueue(topic: "Orders", broker: "b", id: 3))
        #expect(message.flag == 7 && message.bornTimestamp == 11 && message.storeTimestamp == 12)
        #expect(contents.messages[1].body == [0, 255])
        #expect(contents.messages[1].id == contents.messages[1].place.text)
    }

    @Test(
        "bodies are decompressed for a handler, not before, and one that cannot be is as it came",
        arguments: BodyCodec.allCases)
    func compressed(codec: BodyCodec) async throws {
        let body = Array(repeating: UInt8(7), count: 5000)
        let record = try Self.record(body, offset: 0, codec: codec)
        func read(_ limit: Int) -> [ReceivedMessage] {
            PulledRecords.read(record, broker: "b", bodyLimit: limit).messages
        }
        // What waits takes what it came with.
        #expect(try #require(read(5000).first).bodyByteCount < 1000)
        let seen = Mutex<[ReceivedMessage]>([])
        let handlers: [Handler] = [
            .each { message in seen.withLock { $0.append(message) } },
            .batch { messages in seen.withLock { $0 += messages } },
        ]
        for handler in handlers {
            for limit in [5000, 4999] {
                let failure = await handler.handle(read(limit)[...])
                #expect(failure == nil)
            }
        }
        let messages = seen.withLock { $0 }
        #expect(messages.count == 4)
        for place in [0, 2] {
            #expect(messages[place].body == body && messages[place].bodyError == nil)
            #expect(messages[place + 1].bodyError == .exceedsBound(codec, limit: 4999))
            #expect(messages[place + 1].body.count < 1000)
        }
    }

    @Test("a flipped bit costs its record, and no other")
    func flipped() throws {
        let record = try Self.record(Array("body".utf8), offset: 0)
        var bytes = record + record + record
        bytes[record.count + RecordLayout.body] ^= 1
        let contents = PulledRecords.read(bytes, broker: "b", bodyLimit: 100)
        #expect(contents.messages.count == 2 && contents.damage != nil)
    }

    @Test("bytes that end within a record give those before it")
    func cut() throws {
        let record = try Self.record(Array("body".utf8), offset: 0)
        for length in record.count + 1..<2 * record.count {
            let contents = PulledRecords.read(
                Array((record + record).prefix(length)), broker: "b", bodyLimit: 100)
            #expect(contents.messages.count == 1 && contents.damage != nil)
        }
    }

    @Test("what comes again through the retry topic has the topic that it was sent to")
    func retried() throws {
        let record = try Self.record(
            [1], offset: 0, properties: [Property(name: "RETRY_TOPIC", value: "First")])
        let message = try #require(
            PulledRecords.read(record, broker: "b", isRetry: true, bodyLimit: 9).messages.first)
        #expect(message.topic == "First" && message.storedTopic == "Orders")
        let plain = PulledRecords.read(record, broker: "b", bodyLimit: 9).messages.first
        #expect(plain?.topic == "Orders")
    }
}
