// Topics: made on first send, by administrators, and at every start.

import ApusFormat
import ApusServer
import ApusSystem
import Synchronization
import Testing

@testable import ApusBroker

@Suite("the table of topics") struct TopicTableTests {
    private func created(
        _ topics: TopicTable, _ name: String, queues: Int32 = 4, like: String = "TBW102"
    ) throws -> TopicSettings? {
        guard case .created(let topic) = try topics.createOnSend(name, like: like, queues: queues)
        else { return nil }
        return topic.settings
    }

    @Test("makes a topic on first send after TBW102, with the fewer of the queues")
    func createOnSend() throws {
        let room = try StateRoom()
        let topics = try room.open().topics
        #expect(try created(topics, "Four") == TopicSettings("Four", queues: 4))
        #expect(try created(topics, "Many", queues: 99) == TopicSettings("Many", queues: 8))
        #expect(try created(topics, "None", queues: -3) == TopicSettings("None", queues: 0))
        #expect(try created(topics, "Four") == nil, "made twice")
        #expect(topics.version.counter == 3)
        #expect(topics.version.timestamp == room.clock.wallMilliseconds)
        #expect(topics.topic("Four")?.settings.permission == .readWrite)
    }

    @Test("makes none after a topic that is missing, closed to heirs, or switched off")
    func refusals() throws {
        var room = try StateRoom()
        let topics = try room.open().topics
        #expect(try created(topics, "T", like: "Missing") == nil)
        #expect(try created(topics, "T", like: "SELF_TEST_TOPIC") == nil)
        // The cluster's own topic may be inherited from.
        #expect(try created(topics, "T", like: "DefaultCluster") != nil)
        // One that an earlier start kept does not count when the switch is off now.
        try topics.persist()
        room.configuration.topics.nameLimit = 5
        #expect(try created(room.open().topics, "TooLong") == nil)
        room.configuration.topics.createsOnSend = false
        let closed = try room.open().topics
        #expect(closed.topic("TBW102") != nil)
        #expect(try created(closed, "U") == nil)
        #expect(closed.version == topics.version)
    }

    @Test(
        "takes no name that RocketMQ does not allow, or that leaves a directory",
        arguments: [
            "../../x", "a/b", ".", "..", "", " ", "a b", "a.b", "é", "a\0b", "a@b",
            String(repeating: "x", count: 128), "%RETRY%" + String(repeating: "x", count: 249),
        ])
    func names(_ name: String) throws {
        let topics = try StateRoom().open().topics
        #expect(throws: StateError.self) { _ = try created(topics, name) }
        #expect(throws: StateError.self) { _ = try topics.createIfAbsent(TopicSettings(name)) }
        #expect(throws: StateError.self) { try topics.update([TopicSettings(name)]) }
        #expect(NameRules.complaint(topic: name) != nil && topics.version.counter == 0)
    }

    @Test("takes the longest names that RocketMQ allows")
    func longNames() throws {
        #expect(NameRules.complaint(topic: String(repeating: "x", count: 127)) == nil)
        let long = String(repeating: "x", count: 248)
        #expect(NameRules.complaint(topic: "%RETRY%" + long) == nil)
        #expect(NameRules.complaint(topic: "%DLQ%" + long + "yy") == nil)
        #expect(NameRules.complaint(group: long) == nil)
        #expect(NameRules.complaint(group: long + "x") != nil)
        #expect(NameRules.complaint(group: "../g") != nil)
        #expect(NameRules.isClosedToSends("SCHEDULE_TOPIC_XXXX"))
        #expect(!NameRules.isClosedToSends("BenchmarkTest"))
    }

    @Test("makes a new version for what changes only, and tells who follows")
    func following() throws {
        let room = try StateRoom()
        let topics = try room.open().topics
        let told = Mutex<[Set<String>]>([])
        topics.onChange { names in told.withLock { $0.append(names) } }
        try topics.update([TopicSettings("A"), TopicSettings("B")])
        try topics.update([TopicSettings("A")])
        #expect(try topics.createIfAbsent(TopicSettings("B", queues: 1)).settings.readQueues == 16)
        #expect(topics.version.counter == 1)
        #expect(try topics.remove("A"))
        #expect(try !topics.remove("A"))
        try topics.markOrdered(["B", "Missing"])
        try topics.markOrdered(["B"])
        #expect(topics.topic("B")?.settings.isOrdered == true && topics.version.counter == 3)
        #expect(told.withLock { $0 } == [["A", "B"], ["A"], ["B"]])
        #expect(try room.open().topics.topic("B")?.settings.isOrdered == true)
    }

    @Test("changes attributes as RocketMQ does, and refuses what it cannot do")
    func attributes() throws {
        let topics = try StateRoom().open().topics
        func update(_ changes: [String: String]) throws {
            var settings = TopicSettings("T")
            settings.attributes = changes
            try topics.update([settings])
        }
        #expect(throws: StateError.self) { try update(["message.type": "FIFO"]) }
        #expect(throws: StateError.self) { try update(["+cleanup.policy": "COMPACTION"]) }
        #expect(throws: StateError.self) { try update(["+queue.type": "BatchCQ"]) }
        #expect(throws: StateError.self) { try update(["+color": "red"]) }
        #expect(topics.topic("T") == nil)
        try update(["+message.type": "FIFO", "+queue.type": "SimpleCQ"])
        try update(["+message.type": "NORMAL"])
        #expect(throws: StateError.self) { try update(["+queue.type": "SimpleCQ"]) }
        #expect(throws: StateError.self) { try update(["-cleanup.policy": ""]) }
        let found = topics.topic("T")?.settings.attributes
        #expect(found == ["message.type": "NORMAL", "queue.type": "SimpleCQ"])
        try update(["-message.type": ""])
        #expect(topics.topic("T")?.settings.attributes == ["queue.type": "SimpleCQ"])
    }

    @Test("refuses permissions and numbers of queues that mean nothing")
    func bounds() throws {
        let topics = try StateRoom().open().topics
        for settings in [
            TopicSettings("T", permission: Permission(rawValue: 8)), TopicSettings("T", queues: -1),
            TopicSettings("T", queues: TopicTable.queueLimit + 1),
        ] {
            // All or none.
            #expect(throws: StateError.self) { try topics.update([TopicSettings("U"), settings]) }
        }
        #expect(topics.topic("U") == nil && topics.version.counter == 0)
    }

    @Test("knows the system's topics")
    func system() throws {
        let topics = try StateRoom().open().topics
        for name in ["TBW102", "DefaultCluster", "broker-a", "rmq_sys_anything", "BenchmarkTest"] {
            #expect(topics.isSystem(name), "\(name)")
        }
        #expect(!topics.isSystem("Orders") && topics.topic("TBW102")?.isSystem == true)
    }

    @Test("finds topics by the bytes of their names, also among many")
    func bytes() throws {
        let topics = try StateRoom().open().topics
        try topics.update((0..<1_000).map { TopicSettings("topic-\($0)", queues: 1) })
        for number in 0..<1_000 {
            let name = [UInt8]("topic-\(number)".utf8)
            #expect(topics.topic(utf8: name.rawSpan)?.name == "topic-\(number)")
        }
        let other = [UInt8]("topic-1000".utf8)
        #expect(topics.topic(utf8: other.rawSpan) == nil)
        #expect(topics.topic("topic-1000") == nil && topics.topic("") == nil)
    }

    @Test("keeps changes that come at once together, and every one of them")
    func together() async throws {
        let room = try StateRoom()
        let topics = try room.open().topics
        await withTaskGroup { tasks in
            for number in 0..<200 {
                tasks.addTask {
                    let name = "T\(number % 100)"
                    _ = try? topics.createOnSend(name, like: "TBW102", queues: 4)
                    #expect(topics.topic(name) != nil, "not seen by who made it")
                }
            }
        }
        #expect(topics.version.counter == 100)
        let again = try room.open().topics
        #expect((0..<100).allSatisfy { again.topic("T\($0)") != nil })
        #expect(again.version == topics.version)
    }
}
