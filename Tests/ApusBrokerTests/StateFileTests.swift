// The files that state is kept in: what is in them when, and what a broker makes of damaged ones.

import ApusServer
import ApusSystem
import TestSupport
import Testing

@testable import ApusBroker

@Suite("a file of the broker's state") struct StateFileTests {
    @Test("is not written before something changes")
    func firstStart() throws {
        let room = try StateRoom()
        let state = try room.open()
        #expect(room.text("topics.json") == nil && room.lines.all.isEmpty)
        #expect(state.topics.topic("TBW102") != nil && state.topics.version.counter == 0)
    }

    @Test("holds a change when the change returns, and its predecessor what was before")
    func change() throws {
        let room = try StateRoom()
        let topics = try room.open().topics
        try topics.update([TopicSettings("One")])
        let one = try #require(room.text("topics.json"))
        #expect(one.contains("\"One\"") && room.text("topics.json.bak") == nil)
        try topics.update([TopicSettings("Two")])
        #expect(try #require(room.text("topics.json")).contains("\"Two\""))
        #expect(room.text("topics.json.bak") == one)
        let again = try room.open().topics
        #expect(again.topic("Two") != nil && again.version == topics.version)
    }

    @Test("is synced under another name before it takes its own, and its directory last")
    func order() throws {
        let room = try StateRoom()
        let topics = try room.open().topics
        try topics.update([TopicSettings("One")])
        room.disk.forgetOperations()
        try topics.update([TopicSettings("Two")])
        #expect(
            room.disk.operations == [
                "open topics.json.new", "write topics.json.new", "sync topics.json.new",
                "rename topics.json", "rename topics.json.new", "sync directory config",
            ])
    }

    static let damage = ["", "{\"dataVersion\":{\"cou", "{}", "[1,2]", "\0\0\0\0\0\0\0\0"]

    @Test("gives way to its predecessor when it is damaged, and is put aside", arguments: damage)
    func damaged(_ text: String) throws {
        let room = try StateRoom()
        let topics = try room.open().topics
        try topics.update([TopicSettings("One")])
        try topics.update([TopicSettings("Two")])
        let before = room.text("topics.json.bak")
        try room.put(text, "topics.json")
        let again = try room.open().topics
        #expect(again.topic("One") != nil && again.topic("Two") == nil)
        #expect(room.lines.all.count == 1 && room.lines.contains("warning"))
        #expect(room.lines.contains(room.path("topics.json.bak")))
        // Looking changes nothing.
        #expect(room.text("topics.json") == text && room.text("topics.json.bak") == before)
        try again.update([TopicSettings("Three")])
        #expect(room.text("topics.json.damaged") == text)
        #expect(room.text("topics.json.bak") == before, "a damaged file took its place")
        try again.update([TopicSettings("Four")])
        #expect(room.text("topics.json.bak") != before)
        #expect(try room.open().topics.topic("Four") != nil)
    }

    @Test("gives way to its predecessor when it is missing")
    func missing() throws {
        let room = try StateRoom()
        let topics = try room.open().topics
        try topics.update([TopicSettings("One")])
        try topics.update([TopicSettings("Two")])
        try room.delete("topics.json")
        let again = try room.open().topics
        #expect(again.topic("One") != nil && again.topic("Two") == nil)
        #expect(room.lines.contains("it is missing"))
    }

    @Test("is never started over when both are damaged, or the only one is", arguments: damage)
    func refused(_ text: String) throws {
        for name in [
            "topics.json", "subscriptionGroup.json", "consumerOffset.json", "delayOffset.json",
        ] {
            let room = try StateRoom()
            try room.put(text, name)
            let alone = #expect(throws: StateError.self) { _ = try room.open() }
            guard case .file(.damaged(let path, _, let backup)) = alone else {
                Issue.record("\(String(describing: alone))")
                continue
            }
            #expect(path == room.path(name) && backup == "it is missing")
            try room.put("{]", "\(name).bak")
            let both = try #require(throws: StateError.self) { _ = try room.open() }
            #expect("\(both)".contains(path) && "\(both)".contains("no JSON at byte 1"))
            #expect(room.text(name) == text && room.text("\(name).bak") == "{]")
        }
    }

    @Test("is refused, not taken for damaged, where it may not be read")
    func forbidden() throws {
        let room = try StateRoom()
        try room.open().topics.update([TopicSettings("One")])
        try room.put("{]", "topics.json.bak")
        room.disk.fail("look", "topics.json")
        let error = #expect(throws: StateError.self) { _ = try room.open() }
        guard case .file(.unreadable) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        room.disk.fail(nil)
        #expect(try room.open().topics.topic("One") != nil)
    }

    @Test(
        "keeps what it held when a change cannot be kept, and the change is not made",
        arguments: [
            ("open", "topics.json.new"), ("write", "topics.json.new"),
            ("sync", "topics.json.new"), ("rename", "topics.json"),
            ("rename", "topics.json.new"),
        ])
    func failing(_ operation: String, _ path: String) throws {
        let room = try StateRoom()
        let topics = try room.open().topics
        try topics.update([TopicSettings("One")])
        let version = topics.version
        room.disk.fail(operation, path)
        #expect(throws: StateError.self) { try topics.update([TopicSettings("Two")]) }
        #expect(topics.topic("Two") == nil && topics.version == version)
        room.disk.fail(nil)
        #expect(try room.open().topics.topic("One") != nil)
        #expect(try room.open().topics.topic("Two") == nil)
        try topics.update([TopicSettings("Three")])
        let again = try room.open().topics
        #expect(again.topic("Three") != nil && again.topic("Two") == nil)
    }
}
