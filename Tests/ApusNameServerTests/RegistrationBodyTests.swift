// What a broker says of its topics, in all three forms, and what is refused.

import ApusFormat
import ApusRemoting
import ApusServer
import TestSupport
import Testing

@testable import ApusNameServer

@Suite("The body of a registration")
struct RegistrationBodyTests {
    private func parse(
        _ body: [UInt8], compressed: Bool = false, version: Int32 = 479
    ) throws(RegistrationError) -> RegisteredTopics {
        try RegistrationBody.parse(
            body.rawSpan, isCompressed: compressed, brokerVersion: version)
    }

    private func parse(_ text: String) throws(RegistrationError) -> RegisteredTopics {
        try parse(Array(text.utf8))
    }

    @Test("as JSON: topics with RocketMQ's defaults, the version, filter servers, mappings")
    func json() throws {
        let content = try parse(
            #"""
            {"filterServerList":["10.0.0.1:1234"],"topicConfigSerializeWrapper":{
            "dataVersion":{"counter":9,"stateVersion":2,"timestamp":1795346241878},
            "topicConfigTable":{"T":{"topicName":"T","perm":"4","readQueueNums":3,"topicSysFlag":1},
            "U":{}},
            "topicQueueMappingInfoMap":{"S":{"bname":"broker-a","currIdMap":{0:0,1:1},"topic":"S"}}
            }}
            """#)
        #expect(
            content.version
                == DataVersion(stateVersion: 2, timestamp: 1_795_346_241_878, counter: 9))
        #expect(
            content.topics == [
                "T": TopicQueues(readQueueCount: 3, permission: .read, systemFlag: .unit),
                "U": TopicQueues(),
            ])
        #expect(content.filterServers == ["10.0.0.1:1234"])
        let mapping = try #require(content.mappings["S"])
        #expect(mapping.brokerName == "broker-a")
        #expect(text(mapping.json, .fastjson).contains(#""currIdMap":{0:0,1:1}"#))
    }

    @Test("compressed: the words of each topic; mappings only since 5.0.0")
    func compressed() throws {
        let topics = ["T 4 8 6 SINGLE_TAG {\"a\":\"b c\"}", "U 1 1 4 MULTI_TAG", "V 1 1 4 X "]
        let mapping = #"{"topic":"S","bname":"broker-a"}"#
        let content = try parse(
            try compressedBody(topics: topics, servers: #"["f"]"#, mappings: [mapping]),
            compressed: true)
        #expect(
            content.topics == [
                "T": TopicQueues(readQueueCount: 4, writeQueueCount: 8), "U": queues(1, .read),
                "V": queues(1, .read),
            ])
        #expect(content.version.counter == 7 && content.filterServers == ["f"])
        #expect(content.mappings["S"]?.brokerName == "broker-a")
        let old = try parse(
            try compressedBody(topics: topics, mappings: nil), compressed: true, version: 412)
        #expect(old.topics == content.topics && old.mappings.isEmpty)
    }

    @Test("before 3.0.11 there are topics alone, and filter servers stay as they are")
    func oldest() throws {
        let body = Array(#"{"topicConfigTable":{"T":{}},"dataVersion":{"counter":3}}"#.utf8)
        let content = try parse(body, version: 36)
        #expect(content.topics == ["T": TopicQueues()] && content.version.counter == 3)
        #expect(content.filterServers == nil)
        #expect(try parse([], version: 36).filterServers == nil)
        #expect(try parse([]).topics.isEmpty)
    }

    @Test(
        "what cannot be read is refused",
        arguments: [
            "{", "[]", "7", #"{"topicConfigSerializeWrapper":7}"#,
            #"{"topicConfigSerializeWrapper":{"topicConfigTable":[]}}"#,
            #"{"topicConfigSerializeWrapper":{"topicConfigTable":{"T":7}}}"#,
            #"{"topicConfigSerializeWrapper":{"topicConfigTable":{"":{}}}}"#,
            #"{"topicConfigSerializeWrapper":{"topicConfigTable":{"T\n":{}}}}"#,
            #"{"topicConfigSerializeWrapper":{"topicConfigTable":{"T":{"perm":"six"}}}}"#,
            #"{"topicConfigSerializeWrapper":{"topicConfigTable":{"T":{"readQueueNums":-1}}}}"#,
            #"{"topicConfigSerializeWrapper":{"topicConfigTable":{"T":{"perm":4294967302}}}}"#,
            #"{"topicConfigSerializeWrapper":{"dataVersion":7}}"#,
            #"{"topicConfigSerializeWrapper":{"dataVersion":{"counter":"x"}}}"#,
            #"{"topicConfigSerializeWrapper":{"topicQueueMappingInfoMap":{"S":{}}}}"#,
            #"{"filterServerList":{}}"#, #"{"filterServerList":[7]}"#,
        ])
    func refused(text: String) {
        #expect(throws: RegistrationError.self) { try parse(text) }
    }

    @Test("a name of 255 bytes is taken, one of 256 is not")
    func longNames() throws {
        for (count, isTaken) in [(255, true), (256, false)] {
            let name = String(repeating: "n", count: count)
            let body = #"{"topicConfigSerializeWrapper":{"topicConfigTable":{"\#(name)":{}}}}"#
            #expect(((try? parse(body)) != nil) == isTaken)
        }
    }

    @Test("every cut of a compressed body and each changed byte is refused or read, never a trap")
    func damagedCompressed() throws {
        let body = try compressedBody(topics: ["T 4 8 6 SINGLE_TAG", "U 1 1 4 MULTI_TAG"])
        for count in 1..<body.count {
            #expect(throws: RegistrationError.self) {
                try parse(Array(body.prefix(count)), compressed: true)
            }
        }
        for index in body.indices {
            for flip: UInt8 in [1, 0x80, 0xFF] {
                var changed = body
                changed[index] ^= flip
                _ = try? parse(changed, compressed: true)
            }
        }
    }

    @Test("every cut of what a compressed body holds, and each changed byte of it, likewise")
    func damagedContents() throws {
        let body = try compressedBody(topics: ["T 4 8 6 SINGLE_TAG", "U 1 1 4 MULTI_TAG"])
        let plain = try BodyCompression.decode(body.rawSpan, codec: .zlib, limit: 1 << 20)
        for count in 0..<plain.count {
            let cut = Array(plain.prefix(count))
            let squeezed = try BodyCompression.encode(cut.rawSpan, codec: .zlib)
            #expect(throws: RegistrationError.self) { try parse(squeezed, compressed: true) }
        }
        for index in plain.indices {
            for flip: UInt8 in [1, 0x80, 0xFF] {
                var changed = plain
                changed[index] ^= flip
                let squeezed = try BodyCompression.encode(changed.rawSpan, codec: .zlib)
                _ = try? parse(squeezed, compressed: true)
            }
        }
    }

    @Test("a small body that inflates to more than is allowed is refused")
    func bomb() throws {
        let zeros = [UInt8](repeating: 0, count: RegistrationBody.inflatedLimit + 1)
        let bomb = try BodyCompression.encode(zeros.rawSpan, codec: .zlib)
        #expect(bomb.count < 1 << 20)
        #expect(throws: RegistrationError.self) { try parse(bomb, compressed: true) }
    }
}
