// A slave that acts for its master, and what brokers are told of it.

import Testing

@testable import ApusNameServer

@Suite("An acting master")
struct ActingMasterTests {
    private static let slaveAddress = "10.0.0.2:10911"

    private func table(showing: Bool, acts: Bool? = true) -> RouteTable {
        var table = RouteTable(
            rules: .init(showsActingMaster: showing, announcesLowestID: true))
        table.take(registration(actsForMaster: acts), over: 1)
        table.take(
            registration(id: 1, address: Self.slaveAddress, actsForMaster: acts), over: 2)
        return table
    }

    @Test("the lowest slave has the master's id in routes, and its queues are only read")
    func shown() throws {
        var table = table(showing: true)
        #expect(table.route(of: "Orders")?.groups[0].addresses[1] == Self.slaveAddress)
        _ = table.connectionClosed(1)
        let route = try #require(table.route(of: "Orders"))
        #expect(route.groups[0].addresses == [0: Self.slaveAddress])
        #expect(route.queues["broker-a"]?.permission == .read)
        #expect(table.groups["broker-a"]?.addresses == [1: Self.slaveAddress])
        // The master comes back and may be written to.
        table.take(registration(actsForMaster: true), over: 3)
        #expect(table.route(of: "Orders")?.queues["broker-a"]?.permission == .readWrite)
        #expect(table.route(of: "Orders")?.groups[0].addresses.count == 2)
    }

    @Test("nobody acts where the setting or the group does not say so")
    func notShown() {
        for (showing, acts) in [(false, true), (true, false), (true, nil)] as [(Bool, Bool?)] {
            var table = table(showing: showing, acts: acts)
            _ = table.connectionClosed(1)
            let route = table.route(of: "Orders")
            #expect(route?.groups[0].addresses == [1: Self.slaveAddress])
            #expect(route?.queues["broker-a"]?.permission.contains(.write) == (acts != true))
        }
    }

    @Test("topics that synchronise a group's members show them as they are")
    func memberTopics() {
        let topic = "rmq_sys_SYNC_BROKER_MEMBER_broker-a"
        var table = table(showing: true)
        _ = table.registerTopic(topic, ["broker-a": queues(1)])
        _ = table.connectionClosed(1)
        #expect(table.route(of: topic)?.groups[0].addresses == [1: Self.slaveAddress])
    }

    @Test("brokers are told when another one has the lowest id")
    func announced() {
        var table = table(showing: true)
        let gone = table.connectionClosed(1).announcements
        #expect(
            gone == [
                LowestIDChange(
                    lowestID: 1, lowestAddress: Self.slaveAddress, goneAddress: "10.0.0.1:10911",
                    replicationAddress: nil, recipients: [Self.slaveAddress])
            ])
        let back = table.take(registration(actsForMaster: true), over: 3)
        #expect(
            back
                == .registered(
                    master: nil,
                    announcements: [
                        LowestIDChange(
                            lowestID: 0, lowestAddress: "10.0.0.1:10911", goneAddress: nil,
                            replicationAddress: "10.0.0.1:109110",
                            recipients: [Self.slaveAddress])
                    ]))
        let slave = table.groups["broker-a"]?.members[1]
        #expect(slave.map { table.unregister(name: "broker-a", id: 1, $0) } == [])
    }
}
