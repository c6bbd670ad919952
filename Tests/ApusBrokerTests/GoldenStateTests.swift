// The state of real RocketMQ 5.3.3 brokers: read, changed, and written so that they read it again.

import ApusFormat
import ApusRemoting
import ApusServer
import Foundation
import Testing
import TestSupport

@testable import ApusBroker

/// The same with members in the order of their names, so that maps can be compared.
private func sorted(_ json: JSON) -> JSON {
    switch json {
    case .object(let object):
        var sortedObject = JSONObject()
        for member in object.members.sorted(by: { $0.name < $1.name }) {
            sortedObject.append(member.name, sorted(member.value))
        }
        return .object(sortedObject)
    case .array(let values): return .array(values.map(sorted))
    default: return json
    }
}

private func document(_ path: String) throws -> JSON {
    let data = try #require(FileManager.default.contents(atPath: path))
    return sorted(try JSON(parsing: [UInt8](data).rawSpan))
}

private func without(_ name: String, _ json: JSON) -> JSON {
    var object = JSONObject()
    for member in json.object?.members ?? [] where member.name != name {
        object.append(member.name, member.value)
    }
    return .object(object)
}

private func open(_ root: String) throws -> BrokerState {
    var configuration = BrokerConfiguration()
    configuration.name = "broker-a"
    configuration.storePath = root
    configuration.topics.queues = 4
    return try BrokerState.open(configuration, logger: LogLines().logger)
}

@Suite("the state of a RocketMQ broker") struct GoldenStateTests {
    @Test("is read: topics, groups and offsets")
    func reading() throws {
        let golden = try GoldenStore("clean")
        let state = try open(golden.root)
        let order = try #require(state.topics.topic("GoldOrder"))
        #expect(order.settings == TopicSettings("GoldOrder", queues: 4) && !order.isSystem)
        #expect(state.topics.topic("SCHEDULE_TOPIC_XXXX")?.settings.readQueues == 18)
        #expect(state.topics.topic("broker-a")?.settings.permission == [.inherit, .readWrite])
        #expect(state.topics.version.counter == 7)
        #expect(state.topics.version.timestamp == 1_795_347_393_718)
        #expect(state.groups.group("golden_cg")?.settings == GroupSettings("golden_cg"))
        #expect(state.groups.version.counter == 2)
        #expect(
            state.offsets.offsets(group: "golden_cg", topic: "GoldOrder") == [0: 7, 1: 7, 2: 6])
        #expect(state.offsets.topics(ofGroup: "CID_RMQ_SYS_TRANS").count == 2)
        #expect(state.delayOffsets.all == [1: 5, 2: 1, 16: 0, 18: 0])
    }

    @Test("is written again as it was", arguments: ["clean", "killed"])
    func writing(_ name: String) throws {
        let root = try GoldenStore(name)
        let files = [
            "topics.json", "subscriptionGroup.json", "consumerOffset.json", "delayOffset.json",
        ].filter { FileManager.default.fileExists(atPath: "\(root.root)/config/\($0)") }
        #expect(files.count >= 3)
        let before = try files.map { try document("\(root.root)/config/\($0)") }
        let state = try open(root.root)
        // Offsets are written only when they change.
        state.offsets.commit(group: "g", topic: "T", queue: 0, offset: 1)
        state.offsets.remove(group: "g")
        let level = state.delayOffsets.all.first ?? (key: 3, value: 0)
        state.delayOffsets.set(level: level.key, to: 99)
        state.delayOffsets.set(level: level.key, to: level.value)
        try state.persist()
        for (name, before) in zip(files, before) {
            let after = try document("\(root.root)/config/\(name)")
            if name == "consumerOffset.json" {
                #expect(after == without("groupTopicMap", before))
            } else if name == "delayOffset.json", before["offsetTable"]?.object?.isEmpty == true {
                continue
            } else {
                #expect(after == before, "\(name)")
            }
            // Java's predecessor of a clean shutdown is the same document.
            #expect(try document("\(root.root)/config/\(name).bak") == before)
        }
    }

    @Test("keeps what a newer RocketMQ wrote beside what is known")
    func unknownMembers() throws {
        let room = try StateRoom()
        try room.put(
            """
            {"dataVersion":{"counter":4,"stateVersion":0,"timestamp":5},"topicConfigTable":{
            "T":{"topicName":"T","perm":4,"color":{"a":[1,2,{3:4}]},readQueueNums:3}}}
            """, "topics.json")
        try room.put(
            """
            {"subscriptionGroupTable":{"G":{"groupName":"G","retryMaxTimes":3,"liteBindTopic":"x",
            "groupRetryPolicy":{"type":"EXPONENTIAL","exponentialRetryPolicy":{"initial":5}}}},
            "forbiddenTable":{"G":{"T":5}}}
            """, "subscriptionGroup.json")
        let state = try room.open()
        try state.topics.update([TopicSettings("U")])
        try state.groups.update([GroupSettings("H")])
        let topic = try document(room.path("topics.json"))["topicConfigTable"]?["T"]
        #expect(topic?["color"] == (try JSON(parsing: "{\"a\":[1,2,{\"3\":4}]}")))
        #expect(topic?["perm"] == 4 && topic?["readQueueNums"] == 3)
        #expect(topic?["writeQueueNums"] == 16)
        let groups = try document(room.path("subscriptionGroup.json"))
        let group = groups["subscriptionGroupTable"]?["G"]
        #expect(group?["liteBindTopic"] == "x" && group?["retryMaxTimes"] == 3)
        #expect(group?["groupRetryPolicy"]?["exponentialRetryPolicy"]?["initial"] == 5)
        #expect(groups["forbiddenTable"]?["G"]?["T"] == 5)
        #expect(state.groups.forbidden(group: "G", topic: "T") == 5)
    }

    @Test("writes integer keys without quotes, as RocketMQ does")
    func integerKeys() throws {
        let room = try StateRoom()
        let state = try room.open()
        state.offsets.commit(group: "G", topic: "T", queue: 12, offset: 34)
        state.delayOffsets.set(level: 3, to: 4)
        try state.persist()
        #expect(try #require(room.text("consumerOffset.json")).contains("\t12:34"))
        #expect(try #require(room.text("delayOffset.json")).contains("\t3:4"))
    }
}
