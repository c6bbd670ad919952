// Who is connected, by group.

import ApusFormat
import ApusStore
import Testing
@testable import ApusBroker

@Suite("the registry of clients") struct ClientRegistryTests {
    private func client(_ connection: UInt64, _ id: String, at time: Int64 = 0) -> RegisteredClient
    {
        RegisteredClient(
            connection: connection,
            description: ClientDescription(id: id, language: 0, version: 1), lastHeartbeat: time)
    }

    private func heartbeat(_ topics: [String: Int64]?) -> ConsumerHeartbeat {
        ConsumerHeartbeat(
            group: "g", subscriptions: topics?.map { Subscription(topic: $0, version: $1) })
    }

    @Test("says when a group's clients or topics have changed, and only then")
    func changes() {
        var registry = ClientRegistry()
        let beat = heartbeat(["Orders": 1])
        #expect(registry.register(consumer: beat, client: client(1, "a")) == true)
        #expect(registry.register(consumer: beat, client: client(1, "a", at: 30)) == false)
        #expect(registry.register(consumer: beat, client: client(2, "b")) == true)
        #expect(
            registry.register(
                consumer: heartbeat(["Orders": 1, "Bills": 1]), client: client(2, "b")) == true)
        #expect(
            registry.register(consumer: beat, client: client(2, "b")) == true, "a topic is gone")
        #expect(registry.register(consumer: heartbeat(nil), client: client(2, "b")) == false)
        #expect(registry.consumers["g"]?.clientIDs == ["a", "b"])
        #expect(registry.groups(subscribingTo: "Orders") == ["g"])
        #expect(registry.groups(subscribingTo: "Bills").isEmpty)
    }

    @Test("keeps the newest subscription")
    func versions() {
        var registry = ClientRegistry()
        _ = registry.register(
            consumer: ConsumerHeartbeat(
                group: "g",
                subscriptions: [Subscription(topic: "Orders", expression: "A", version: 2)]),
            client: client(1, "a"))
        _ = registry.register(
            consumer: ConsumerHeartbeat(
                group: "g",
                subscriptions: [Subscription(topic: "Orders", expression: "B", version: 1)]),
            client: client(2, "b"))
        #expect(registry.subscription(group: "g", topic: "Orders")?.expression == "A")
    }

    @Test("forgets a connection with all that came over it")
    func closing() {
        var registry = ClientRegistry()
        _ = registry.register(consumer: heartbeat([:]), client: client(1, "a"))
        _ = registry.register(consumer: heartbeat([:]), client: client(2, "b"))
        registry.register(producer: "p", client: client(1, "a"))
        #expect(registry.remove(connection: 1) == ["g"])
        #expect(registry.connections(consumers: "g") == [2])
        #expect(registry.producers.isEmpty)
        #expect(registry.remove(connection: 1) == [])
        #expect(registry.remove(connection: 2) == ["g"])
        #expect(registry.consumers.isEmpty)
    }

    @Test("names connections that have been silent")
    func silence() {
        var registry = ClientRegistry()
        _ = registry.register(consumer: heartbeat([:]), client: client(1, "a", at: 0))
        registry.register(producer: "p", client: client(2, "b", at: 10))
        #expect(registry.silentConnections(now: 120_000, after: 120_000).isEmpty)
        #expect(registry.silentConnections(now: 120_001, after: 120_000) == [1])
        #expect(registry.silentConnections(now: 130_000, after: 100_000) == [1, 2])
    }

    @Test("finds a producer by its id, where it was heard of last, until it leaves")
    func producers() {
        var registry = ClientRegistry()
        #expect(registry.connection(producer: "a") == nil)
        registry.register(producer: "g", client: client(1, "a"))
        registry.register(producer: "h", client: client(1, "a"))
        #expect(registry.connection(producer: "a") == 1)
        registry.unregister(producer: "g", connection: 1)
        #expect(registry.connection(producer: "a") == 1, "its other group is left")
        registry.unregister(producer: "h", connection: 1)
        #expect(registry.connection(producer: "a") == nil)
        registry.register(producer: "g", client: client(1, "a"))
        registry.register(producer: "g", client: client(2, "a"))
        _ = registry.remove(connection: 1)
        #expect(registry.connection(producer: "a") == 2, "it came again over another one")
        registry.register(producer: "g", client: client(2, "b"))
        #expect(registry.connection(producer: "a") == nil, "it has another name now")
        #expect(registry.connection(producer: "b") == 2)
        _ = registry.remove(connection: 2)
        #expect(registry.connection(producer: "b") == nil)
        _ = registry.register(consumer: heartbeat(nil), client: client(3, "c"))
        #expect(registry.connection(producer: "c") == nil, "a consumer waits for no reply")
    }
}

@Suite("a heartbeat") struct HeartbeatTests {
    @Test("of the C++ client is read, with its numbers for words")
    func cpp() throws {
        let text = """
            {"clientID":"16760-127.0.0.1@DEFAULT","consumerDataSet":[{"consumeFromWhere":0,\
            "consumeType":1,"groupName":"CG","messageModel":0,"subscriptionDataSet":[\
            {"codeSet":[0],"subString":"TagB","subVersion":"1795346256920","tagsSet":["TagB"],\
            "topic":"PyT"}]}],"producerDataSet":[{"groupName":"PG"}]}
            """
        let heartbeat = try Heartbeat(Array(text.utf8).rawSpan)
        #expect(heartbeat.clientID == "16760-127.0.0.1@DEFAULT")
        #expect(heartbeat.producers == ["PG"])
        let consumer = try #require(heartbeat.consumers.first)
        #expect(consumer.group == "CG")
        #expect(consumer.consumption.isBroadcasting)
        #expect(consumer.consumption.type == "CONSUME_PASSIVELY")
        let subscription = try #require(consumer.subscriptions?.first)
        #expect(subscription.version == 1_795_346_256_920)
        #expect(!subscription.filter.takesAll && subscription.isByTags)
    }

    @Test("of the Java client is read, short ones too")
    func java() throws {
        let text = """
            {"clientID":"x","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET",\
            "consumeType":"CONSUME_ACTIVELY","groupName":"g","messageModel":"CLUSTERING",\
            "subscriptionDataSet":[]}],"heartbeatFingerprint":7,"withoutSub":true}
            """
        let heartbeat = try Heartbeat(Array(text.utf8).rawSpan)
        #expect(heartbeat.fingerprint == 7)
        #expect(heartbeat.consumers.first?.subscriptions == nil)
        #expect(heartbeat.consumers.first?.consumption.type == "CONSUME_ACTIVELY")
    }

    @Test(
        "that is none is refused", arguments: ["", "[]", "{\"clientID\":\"\"}", "{\"clientID\":"])
    func malformed(text: String) {
        #expect(throws: Refusal.self) { try Heartbeat(Array(text.utf8).rawSpan) }
    }
}
