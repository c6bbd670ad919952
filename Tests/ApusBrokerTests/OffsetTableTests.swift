// Offsets and groups, and when they are written.

import ApusServer
import ApusSystem
import TestSupport
import Testing

@testable import ApusBroker

@Suite("the tables of groups and offsets") struct OffsetTableTests {
    @Test("give groups on first use where they may, with RocketMQ's defaults")
    func createOnUse() throws {
        var room = try StateRoom()
        let groups = try room.open().groups
        #expect(try groups.createOnUse("G")?.settings == GroupSettings("G"))
        #expect(try groups.createOnUse("../G") == nil)
        #expect(groups.version.counter == 1)
        #expect(groups.group("TOOLS_CONSUMER") != nil)
        room.configuration.groups.createsOnUse = false
        let closed = try room.open().groups
        #expect(closed.group("G") != nil)
        #expect(try closed.createOnUse("H") == nil)
        #expect(try closed.createOnUse("CID_RMQ_SYS_X") != nil)
    }

    @Test("forbid a group one topic and no other")
    func forbidden() throws {
        let room = try StateRoom()
        let groups = try room.open().groups
        try groups.setForbidden(group: "G", topic: "T", bit: 0, true)
        try groups.setForbidden(group: "G", topic: "T", bit: 2, true)
        try groups.setForbidden(group: "G", topic: "U", bit: 1, true)
        #expect(groups.forbidden(group: "G", topic: "T") == 5)
        #expect(try room.open().groups.forbidden(group: "G", topic: "U") == 2)
        try groups.setForbidden(group: "G", topic: "U", bit: 1, false)
        #expect(groups.forbidden == ["G": ["T": 5]])
    }

    @Test("give back what was committed, forwards and backwards")
    func commit() throws {
        let offsets = try StateRoom().open().offsets
        #expect(offsets.offset(group: "G", topic: "T", queue: 1) == nil)
        #expect(offsets.commit(group: "G", topic: "T", queue: 1, offset: 7) == nil)
        #expect(offsets.commit(group: "G", topic: "T", queue: 1, offset: 5) == 7)
        #expect(offsets.offset(group: "G", topic: "T", queue: 1) == 5)
        offsets.copy(from: "G", to: "H", topic: "T")
        #expect(offsets.groups(ofTopic: "T") == ["G", "H"])
        #expect(offsets.topics(ofGroup: "H") == ["T"])
        offsets.remove(group: "G")
        #expect(offsets.all == [OffsetTable.Key(topic: "T", group: "H"): [1: 5]])
        offsets.remove(topic: "T")
        #expect(offsets.all.isEmpty)
    }

    @Test("hold an offset that was set until it is taken")
    func reset() throws {
        var room = try StateRoom()
        let offsets = try room.open().offsets
        offsets.reset(group: "G", topic: "T", queue: 0, to: 3)
        offsets.commit(group: "G", topic: "T", queue: 0, offset: 9)
        #expect(offsets.offset(group: "G", topic: "T", queue: 0) == 3)
        #expect(offsets.hasReset(group: "G", topic: "T", queue: 0))
        #expect(offsets.takeReset(group: "G", topic: "T", queue: 0) == 3)
        #expect(offsets.takeReset(group: "G", topic: "T", queue: 0) == nil)
        #expect(offsets.offset(group: "G", topic: "T", queue: 0) == 9)
        room.configuration.pulling.keepsResets = false
        let plain = try room.open().offsets
        plain.reset(group: "G", topic: "T", queue: 0, to: 3)
        #expect(!plain.hasReset(group: "G", topic: "T", queue: 0))
        #expect(plain.offset(group: "G", topic: "T", queue: 0) == 3)
    }

    @Test("make a new version after as many commits as are set")
    func version() throws {
        var room = try StateRoom()
        room.configuration.offsets.versionStep = 3
        room.configuration.delay.versionStep = 2
        let state = try room.open()
        for offset in 0..<7 {
            state.offsets.commit(group: "G", topic: "T", queue: 0, offset: Int64(offset))
            state.delayOffsets.set(level: 1, to: Int64(offset))
        }
        #expect(state.offsets.version.counter == 2)
        #expect(state.delayOffsets.version.counter == 3)
    }

    @Test("are written when they changed, and again when that failed")
    func persisting() throws {
        let room = try StateRoom()
        let state = try room.open()
        state.offsets.commit(group: "G", topic: "T", queue: 0, offset: 1)
        state.delayOffsets.set(level: 2, to: 3)
        try state.offsets.persist()
        let first = try #require(room.text("consumerOffset.json"))
        #expect(first.contains("T@G") && room.text("delayOffset.json") == nil)
        room.disk.forgetOperations()
        try state.offsets.persist()
        try state.delayOffsets.persist()
        #expect(room.text("delayOffset.json") != nil)
        #expect(room.disk.operations.allSatisfy { !$0.contains("consumerOffset") })
        state.offsets.commit(group: "G", topic: "T", queue: 0, offset: 2)
        state.delayOffsets.set(level: 2, to: 4)
        room.disk.fail("sync", ".json.new")
        #expect(throws: StateError.self) { try state.offsets.persist() }
        #expect(throws: StateError.self) { try state.delayOffsets.persist() }
        #expect(room.text("consumerOffset.json") == first)
        room.disk.fail(nil)
        try state.offsets.persist()
        try state.delayOffsets.persist()
        #expect(room.text("consumerOffset.json") != first)
        let again = try room.open()
        #expect(again.offsets.offset(group: "G", topic: "T", queue: 0) == 2)
        #expect(again.delayOffsets.offset(level: 2) == 4)
    }

    @Test("keep members of the file that are no offsets of a group")
    func strangeMembers() throws {
        let room = try StateRoom()
        try room.put(
            "{\"offsetTable\":{\"odd\":{1:2},\"T@G\":{\"0\":\"4\"}}}", "consumerOffset.json")
        let offsets = try room.open().offsets
        #expect(offsets.offset(group: "G", topic: "T", queue: 0) == 4)
        offsets.commit(group: "G", topic: "T", queue: 1, offset: 5)
        try offsets.persist()
        #expect(try #require(room.text("consumerOffset.json")).contains("\"odd\""))
    }
}
