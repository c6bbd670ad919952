// The route table, rule by rule.

import ApusRemoting
import ApusServer
import Testing

@testable import ApusNameServer

@Suite("The route table")
struct RouteTableTests {
    private var table = RouteTable()

    @Test("a broker that registers is found by its topics, its cluster and its name")
    mutating func registered() throws {
        #expect(table.take(registration()) == .registered(master: nil, announcements: []))
        let route = try #require(table.route(of: "Orders"))
        #expect(route.queues == ["broker-a": queues(4)])
        #expect(route.groups.map(\.addresses) == [[0: "10.0.0.1:10911"]])
        #expect(table.route(of: "Payments") == nil)
        #expect(table.topics(of: "DefaultCluster").topics == ["TBW102", "Orders"])
        #expect(table.topics(of: "Other").topics == [])
        #expect(table.systemTopics().topics == ["DefaultCluster", "broker-a"])
        #expect(table.systemTopics().brokerAddress == "10.0.0.1:10911")
    }

    @Test("a second broker carries a part of a topic's queues, until it goes")
    mutating func twoBrokers() throws {
        table.take(registration())
        table.take(
            registration(
                "broker-b", address: "10.0.0.2:10911",
                topics: [
                    "TBW102": queues(8), "Orders": queues(2),
                ]), over: 2)
        #expect(table.route(of: "Orders")?.queues.count == 2)
        _ = table.unregister(
            name: "broker-b", id: 0,
            BrokerPlace(cluster: "DefaultCluster", address: "10.0.0.2:10911"))
        #expect(table.route(of: "Orders")?.queues == ["broker-a": queues(4)])
        #expect(table.clusters == ["DefaultCluster": ["broker-a"]])
    }

    @Test("one topic of a broker that has not said all of them changes nothing")
    mutating func singleTopicFirst() {
        let single = registration(topics: ["Orders": queues(4)])
        #expect(table.take(single) == .unknownBroker)
        #expect(table.groups.isEmpty && table.clusters.isEmpty && table.brokers.isEmpty)
        table.take(registration())
        var added = registration(topics: ["Payments": queues(4)], version: 2)
        #expect(table.take(added) == .registered(master: nil, announcements: []))
        #expect(table.topics.keys.sorted() == ["Orders", "Payments", "TBW102"])
        // The same version says nothing new of a topic that is there.
        added.content.topics = ["Payments": queues(9)]
        table.take(added)
        #expect(table.route(of: "Payments")?.queues["broker-a"] == queues(4))
    }

    @Test("a wiped write permission stays until the broker's topics change")
    mutating func wiped() {
        table.take(registration())
        #expect(table.wipeWritePermission(of: "broker-a") == 2)
        #expect(table.wipeWritePermission(of: "broker-z") == 0)
        table.take(registration())
        #expect(table.route(of: "Orders")?.queues["broker-a"]?.permission == .read)
        table.take(registration(version: 2))
        #expect(table.route(of: "Orders")?.queues["broker-a"]?.permission == .readWrite)
        _ = table.wipeWritePermission(of: "broker-a")
        #expect(table.addWritePermission(of: "broker-a") == 2)
        #expect(table.route(of: "Orders")?.queues["broker-a"]?.permission == .readWrite)
    }

    @Test("a broker is removed when it was silent longer than its timeout, not before")
    mutating func silence() {
        table.take(registration(), at: 1_000)
        #expect(table.sweep(at: 121_000).removed.isEmpty)
        let place = registration().place
        table.heartbeat(place, at: 121_000)
        #expect(table.sweep(at: 241_000).removed.isEmpty)
        #expect(table.sweep(at: 241_001).removed.map(\.key) == [place])
        #expect(table.topics.isEmpty && table.groups.isEmpty && table.clusters.isEmpty)
        table.heartbeat(place, at: 241_002)
        #expect(table.version(of: place) == nil)
    }

    @Test("a closed connection takes away every broker that last registered over it")
    mutating func closed() {
        table.take(registration(), over: 1)
        table.take(registration("broker-b", address: "10.0.0.2:10911"), over: 1)
        table.take(registration("broker-c", address: "10.0.0.3:10911"), over: 1)
        table.take(registration("broker-c", address: "10.0.0.3:10911"), over: 2)
        #expect(table.connectionClosed(1).removed.count == 2)
        #expect(table.groups.keys.sorted() == ["broker-c"])
    }

    @Test("an outdated broker does not take another's place")
    mutating func outdated() {
        var holder = registration()
        holder.content.version.stateVersion = 5
        table.take(holder)
        let late = registration(address: "10.0.0.9:10911")
        #expect(table.take(late) == .outdated)
        #expect(table.groups["broker-a"]?.addresses == [0: "10.0.0.1:10911"])
        var next = late
        next.content.version.stateVersion = 5
        table.take(next)
        #expect(table.groups["broker-a"]?.addresses == [0: "10.0.0.9:10911"])
        #expect(table.version(of: holder.place) == nil)
    }

    @Test("a slave is told its master, and says nothing of topics while there is one")
    mutating func slave() {
        table.take(registration())
        let slave = registration(
            id: 1, address: "10.0.0.2:10911", topics: ["Other": queues(1), "More": queues(1)])
        let master = RegistrationOutcome.Master(
            address: "10.0.0.1:10911", replicationAddress: "10.0.0.1:109110")
        #expect(table.take(slave) == .registered(master: master, announcements: []))
        #expect(table.route(of: "Other") == nil)
        #expect(table.route(of: "Orders")?.groups[0].addresses.count == 2)
    }

    @Test("a topic can be registered and removed by hand, at brokers that are on record")
    mutating func topicsByHand() {
        table.take(registration())
        #expect(table.registerTopic("New", ["broker-a": queues(1), "ghost": queues(1)]) == "ghost")
        #expect(table.route(of: "New") == nil)
        #expect(table.registerTopic("New", ["broker-a": queues(1)]) == nil)
        #expect(table.route(of: "New")?.queues == ["broker-a": queues(1)])
        table.removeTopic("New", cluster: "Other")
        #expect(table.route(of: "New") != nil)
        table.removeTopic("New", cluster: "DefaultCluster")
        #expect(table.route(of: "New") == nil)
        table.removeTopic("Orders")
        #expect(table.topics.keys.sorted() == ["TBW102"])
    }

    @Test("topics that a registration does not name go only where the setting says so")
    func unnamedTopics() {
        for removes in [false, true] {
            var table = RouteTable(rules: .init(removesUnnamedTopics: removes))
            table.take(registration())
            table.take(
                registration(topics: ["TBW102": queues(8), "New": queues(1)], version: 2))
            #expect((table.route(of: "Orders") == nil) == removes)
        }
    }

    @Test("lists of topics in units go by the flags of the topic")
    mutating func units() {
        table.take(
            registration(topics: [
                "unit": TopicQueues(systemFlag: .unit),
                "both": TopicQueues(systemFlag: [.unit, .unitSubscribed]),
                "sub": TopicQueues(systemFlag: .unitSubscribed), "none": TopicQueues(),
            ]))
        #expect(table.topics { $0.contains(.unit) }.topics == ["unit", "both"])
        #expect(table.topics { $0.contains(.unitSubscribed) }.topics == ["both", "sub"])
    }
}
