// Registration with NameServers: what is sent when, and to a NameServer that fails.

import ApusFormat
import ApusRemoting
import ApusServer
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import ApusBroker

/// A NameServer that keeps what it is told, and answers as it is told to.
private final class ListeningNameServer: RequestProcessor {
    private struct State {
        var requests: [RemotingCommand] = []
        var answer = Response(.success)
    }

    private let state = Mutex(State())
    let server = Mutex<RemotingServer?>(nil)

    var requests: [RemotingCommand] { state.withLock { $0.requests } }
    func answer(_ response: Response) { state.withLock { $0.answer = response } }

    func process(_ request: borrowing Request, on connection: Connection) {
        let command = request.command
        let key = request.replyKey
        let answer = state.withLock { state in
            state.requests.append(command)
            return state.answer
        }
        connection.respond(to: key, answer)
    }

    /// Waits until as many requests have come.
    func wait(for count: Int, _ place: SourceLocation = #_sourceLocation) async throws {
        for _ in 0..<3_000 {
            if requests.count >= count { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("\(requests.count) of \(count) requests came", sourceLocation: place)
    }

    func start(port: Int = 0, _ group: any EventLoopGroup) async throws -> Int {
        let server = RemotingServer(
            processor: self, logger: Logger(label: "ns"), group: group)
        let address = try await server.start(host: "127.0.0.1", port: port)
        self.server.withLock { $0 = server }
        return try #require(address.port)
    }

    /// Lets go of the server, too, which holds on to this.
    func stop() async {
        let server = server.withLock { server in
            defer { server = nil }
            return server
        }
        await server?.stop()
    }
}

private func json(_ command: RemotingCommand) throws -> JSON {
    let body = command.body
    return try JSON(parsing: body.rawSpan)
}

/// Names of the topics in a registration.
private func topics(_ command: RemotingCommand) throws -> Set<String> {
    let table = try json(command)["topicConfigSerializeWrapper"]?["topicConfigTable"]?.object
    return Set(try #require(table).members.map(\.name))
}

@Suite("registration with NameServers") struct RegistrationTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    private func registration(
        _ room: StateRoom, _ ports: [Int], _ client: RemotingClient, topics: TopicTable,
        _ change: (inout RegistrationSettings) -> Void = { _ in }
    ) -> NameServerRegistration {
        var settings = RegistrationSettings()
        settings.nameServers = ports.map { "127.0.0.1:\($0)" }
        change(&settings)
        return NameServerRegistration(
            BrokerPresence(room.configuration, host: "10.0.0.1", port: 10911), settings,
            topics: topics, client: client, group: group, logger: room.lines.logger)
    }

    @Test("tells each of all topics at once, of new ones when they come, and takes its leave")
    func course() async throws {
        let room = try StateRoom()
        let table = try room.open().topics
        let (one, two) = (ListeningNameServer(), ListeningNameServer())
        let ports = [try await one.start(group), try await two.start(group)]
        let client = RemotingClient(logger: room.lines.logger, group: group)
        let registration = registration(room, ports, client, topics: table)
        registration.start()
        for server in [one, two] {
            try await server.wait(for: 1)
            let first = server.requests[0]
            #expect(first.requestCode == .registerBroker)
            #expect(first.fields["brokerName"] == "broker-a" && first.fields["brokerId"] == "0")
            #expect(first.fields["brokerAddr"] == "10.0.0.1:10911")
            #expect(first.fields["haServerAddr"] == "10.0.0.1:10912")
            #expect(first.fields["compressed"] == "false")
            let body = first.body
            let checksum = CRC32.stored(body.rawSpan)
            #expect(first.fields["bodyCrc32"] == "\(checksum)")
            #expect(try topics(first) == Set(table.all.map(\.name)))
        }
        _ = try table.createOnSend("New", like: "TBW102", queues: 4)
        for server in [one, two] {
            try await server.wait(for: 2)
            #expect(try topics(server.requests[1]) == ["New"])
            let json = try json(server.requests[1])
            let version = json["topicConfigSerializeWrapper"]?["dataVersion"]?["counter"]
            #expect(version?.int64 == 1)
        }
        // What is gone can only be told of by what is left.
        _ = try table.remove("New")
        for server in [one, two] {
            try await server.wait(for: 3)
            #expect(try topics(server.requests[2]) == Set(table.all.map(\.name)))
        }
        await registration.stop()
        for server in [one, two] {
            #expect(server.requests.last?.requestCode == .unregisterBroker)
            #expect(server.requests.last?.fields["brokerAddr"] == "10.0.0.1:10911")
            await server.stop()
        }
        await client.close()
        #expect(room.lines.all.allSatisfy { !$0.contains("cannot register") })
    }

    @Test("is not held up by a NameServer that is dead, and finds it when it is back")
    func dead() async throws {
        let room = try StateRoom()
        let table = try room.open().topics
        let (alive, back) = (ListeningNameServer(), ListeningNameServer())
        let free = ListeningNameServer()
        let port = try await free.start(group)
        await free.stop()
        let ports = [port, try await alive.start(group)]
        let client = RemotingClient(logger: room.lines.logger, group: group)
        let registration = registration(room, ports, client, topics: table)
        registration.start()
        try await alive.wait(for: 1)
        try table.update([TopicSettings("T")])
        try await alive.wait(for: 2)
        #expect(try await back.start(port: port, group) == port)
        // Its first try failed: the next comes a second later, with everything.
        try await back.wait(for: 1)
        #expect(try topics(back.requests[0]) == Set(table.all.map(\.name)))
        #expect(room.lines.contains("cannot register"))
        await registration.stop()
        await alive.stop()
        await back.stop()
        await client.close()
    }

    @Test("asks for the version each period when it need not register, and registers when behind")
    func version() async throws {
        let room = try StateRoom()
        let table = try room.open().topics
        let server = ListeningNameServer()
        server.answer(Response(.success, fields: ["changed": "false"]))
        let ports = [try await server.start(group)]
        let client = RemotingClient(logger: room.lines.logger, group: group)
        let registration = registration(room, ports, client, topics: table) {
            $0.isForced = false
            $0.periodMilliseconds = 30
        }
        registration.start()
        try await server.wait(for: 4)
        let codes = server.requests.map(\.requestCode)
        #expect(codes[0] == .registerBroker && codes[1...3].allSatisfy { $0 == .queryDataVersion })
        server.answer(Response(.success, fields: ["changed": "true"]))
        let count = server.requests.count
        try await server.wait(for: count + 4)
        #expect(server.requests[count...].contains { $0.requestCode == .registerBroker })
        await registration.stop()
        await server.stop()
        await client.close()
    }

    @Test("marks topics that the NameServer orders, and masks what the broker may not do")
    func answers() async throws {
        var room = try StateRoom()
        room.configuration.permission = .read
        let table = try room.open().topics
        try table.update([TopicSettings("Ordered")])
        let server = ListeningNameServer()
        server.answer(Response(.success, body: Array("{\"table\":{\"Ordered\":\"a:4\"}}".utf8)))
        let ports = [try await server.start(group)]
        let client = RemotingClient(logger: room.lines.logger, group: group)
        let registration = registration(room, ports, client, topics: table)
        registration.start()
        try await server.wait(for: 2)
        #expect(table.topic("Ordered")?.settings.isOrdered == true)
        let json = try json(server.requests[0])
        let ordered = json["topicConfigSerializeWrapper"]?["topicConfigTable"]?["Ordered"]
        #expect(ordered?["perm"] == 4 && table.topic("Ordered")?.settings.permission == .readWrite)
        await registration.stop()
        await server.stop()
        await client.close()
    }

    @Test("can be compressed, in RocketMQ's form")
    func compressed() throws {
        var topic = TopicSettings("T", queues: 3)
        topic.attributes = ["message.type": "FIFO"]
        let body = RegistrationBody(topics: [topic], version: DataVersion(timestamp: 5, counter: 2))
        let compressed = try body.compressed()
        let plain = try BodyCompression.decode(compressed.rawSpan, codec: .zlib, limit: 1 << 20)
        let version = "{\"counter\":2,\"stateVersion\":0,\"timestamp\":5}"
        let line = "T 3 3 6 SINGLE_TAG {\"message.type\":\"FIFO\"}"
        func number(_ value: Int) -> [UInt8] { [0, 0, 0, UInt8(value)] }
        var expected = number(version.utf8.count) + Array(version.utf8) + number(1)
        expected += number(line.utf8.count) + Array(line.utf8) + number(2) + Array("[]".utf8)
        #expect(plain == expected + number(0))
    }

    @Test("plans tries after failures farther and farther apart, up to the period")
    func plan() {
        var plan = RegistrationPlan(period: 30_000, isForced: true, now: 0)
        var waits: [Int64] = []
        var now: Int64 = 0
        for _ in 0..<7 {
            #expect(plan.next(at: now) == .everything)
            plan.failed(at: now)
            #expect(plan.next(at: now) == nil)
            waits.append(plan.wait(at: now))
            now += plan.wait(at: now)
        }
        #expect(waits == [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
        #expect(plan.next(at: now) == .everything)
        plan.note(["A"])
        plan.succeeded(.everything, at: now)
        #expect(plan.next(at: now) == .topics(["A"]) && plan.next(at: now) == nil)
        // A change whose telling failed goes with everything.
        plan.failed(at: now)
        #expect(plan.next(at: now + 1_000) == .everything)
    }

    @Test("presents an address that others can know")
    func localAddress() {
        #expect(LocalAddress.pick(["127.0.0.1", "192.168.1.2", "10.0.0.3"]) == "10.0.0.3")
        #expect(LocalAddress.pick(["127.0.0.1", "192.168.1.2"]) == "192.168.1.2")
        #expect(LocalAddress.pick(["::1", "fe80::1", "2001:db8::1"]) == "2001:db8::1")
        #expect(LocalAddress.pick([]) == "127.0.0.1" && !LocalAddress.current.isEmpty)
    }
}

@Suite("a registration") struct GoldenRegistrationTests {
    /// What RocketMQ 5.3.3's broker sent on the wire for one new topic.
    private let golden = """
        {"filterServerList":[],"topicConfigSerializeWrapper":{"dataVersion":{"counter":9,\
        "stateVersion":0,"timestamp":1795346241878},"mappingDataVersion":{"counter":0,\
        "stateVersion":0,"timestamp":1795346241880},"topicConfigTable":{"%RETRY%CG-1795346239":\
        {"attributes":{},"order":false,"perm":6,"readQueueNums":1,"topicFilterType":"SINGLE_TAG",\
        "topicName":"%RETRY%CG-1795346239","topicSysFlag":0,"writeQueueNums":1}},\
        "topicQueueMappingDetailMap":{},"topicQueueMappingInfoMap":{}}}
        """

    @Test("is RocketMQ's own, byte for byte")
    func plain() {
        #expect(CRC32.stored(Array(golden.utf8).rawSpan) == 2_010_283_157, "as its header said")
        let body = RegistrationBody(
            topics: [TopicSettings("%RETRY%CG-1795346239", queues: 1)],
            version: DataVersion(timestamp: 1_795_346_241_878, counter: 9))
        // Ours has no version of static topics, and takes the topics' time for it.
        let ours = String(decoding: body.plain, as: UTF8.self)
        let number = "1795346241880"
        #expect(ours == golden.split(separator: number).joined(separator: "1795346241878"))
    }
}
