// A captured conversation, held again with our NameServer and our broker: what the client said goes
// out as it was captured, in its order, and nothing is said before all is answered that had been.

import ApusFormat
import ApusNameServer
import ApusRemoting
import ApusStore
import ApusSystem
import Foundation
import NIOPosix
import TestSupport
import Testing

@testable import ApusBroker

/// One replay. Used by one task.
final class Replay {
    private let client: TestClient
    private let names: RemotingClient
    private let nameServerPort: Int
    private let brokerPort: Int
    private var comparison: Comparison
    private var wires: [Int32: Wire] = [:]
    private var asked: [Key: RemotingCommand] = [:]
    /// Routes that came earlier than Java's, by topic.
    private var early: [String: RemotingCommand] = [:]
    private var changes = PlantedChanges()

    /// Where the queue ended when a pull found something.
    private var expected: [Conversation.Key: Conversation.End] = [:]
    private typealias Key = Conversation.Key

    /// Each difference, with the request.
    private(set) var differences: [String] = []
    /// Answers that were compared, by the request's code.
    private(set) var compared: [Int32: Int] = [:]
    /// Changes of an answer that were tried, and those that the comparison did not notice.
    var changeCount: Int { changes.count }
    var unnoticedChanges: [String] { changes.unnoticed }

    init(_ client: TestClient, nameServerPort: Int) {
        self.client = client
        self.nameServerPort = nameServerPort
        brokerPort = Int(client.broker.address.port)
        names = RemotingClient(logger: .silent, group: MultiThreadedEventLoopGroup.singleton)
        let store = client.broker.store
        comparison = Comparison(
            address: client.broker.address, began: TimeSource.system.wallMilliseconds
        ) { place in
            var record: StoredRecord?
            (try? store.record(at: place))?.forEach { found in
                record = try? StoredRecord.all(in: [UInt8](found.bytes)).first
            }
            return record
        }
    }

    /// Brings our broker to where Java's was when the capture began.
    func prepare(_ conversation: Conversation) async throws {
        for (topic, queues) in try conversation.topics() where topic.first != "%" {
            let made = try await client.ask(
                .updateAndCreateTopic,
                [
                    "topic": topic, "defaultTopic": "TBW102", "readQueueNums": "\(queues)",
                    "writeQueueNums": "\(queues)", "perm": "6", "topicFilterType": "SINGLE_TAG",
                    "order": "false",
                ])
            #expect(made.responseCode == .success)
            try await waitForRoute(of: topic)
        }
        for record in try conversation.earlierMessages() { try await store(record) }
    }

    /// Sends a message that Java's broker had before. One that had been delayed waits again.
    private func store(_ record: StoredRecord) async throws {
        let (topic, queue) = (record.topic, record.fields.queueID)
        let brokers: Set = ["MSG_REGION", "TRACE_ON", "CLUSTER", "REAL_TOPIC", "REAL_QID"]
        let properties = record.properties.filter { !brokers.contains($0.key) }.map {
            Property(name: $0.key, value: $0.value)
        }
        let sent = try await client.ask(
            .sendMessageV2,
            [
                "a": "producers", "b": topic, "c": "TBW102", "d": "4", "e": "\(queue)",
                "f": "\(record.fields.systemFlag.rawValue)",
                "g": "\(record.fields.bornTimestamp)", "h": "\(record.fields.flag)",
                "i": String(decoding: Properties.encode(properties), as: UTF8.self),
                "j": "0", "k": "false", "m": "false",
            ], body: record.body)
        try await waitForMessages(record.fields.queueOffset + 1, topic, queue)
        guard record.properties["DELAY"] == nil else { return }
        let id = try #require(OffsetMessageID(sent.fields["msgId"] ?? ""))
        comparison.places[record.fields.physicalOffset] = id.physicalOffset
    }

    private func waitForMessages(_ count: Int64, _ topic: String, _ queue: Int32) async throws {
        var found: Int64 = 0
        for _ in 0..<2_000 where found < count {
            let end = try await client.ask(
                .getMaxOffset, ["topic": topic, "queueId": "\(queue)"])
            found = try end.fields.int64("offset")
            if found < count { try await Task.sleep(for: .milliseconds(5)) }
        }
        #expect(found >= count, "\(topic) \(queue)")
    }

    func run(_ conversation: Conversation) async throws {
        expected = conversation.foundEnds()
        for step in conversation.steps {
            switch step.event {
            case .opens: _ = try await wire(step)
            case .closes: try await close(step.client)
            case .asks(let bytes, let command): try await ask(bytes, command, step)
            case .says(let command):
                if command.isResponse {
                    try await compare(command, step)
                } else if try await wire(step).request(like: command) == nil {
                    differences.append("the client was not told \(command.fields.all)")
                }
            }
        }
        for client in wires.keys { try await close(client) }
        await names.close()
    }

    private func wire(_ step: Conversation.Step) async throws -> Wire {
        if let wire = wires[step.client] { return wire }
        let wire = try await Wire.connect(
            port: step.server == .broker ? brokerPort : nameServerPort)
        wires[step.client] = wire
        comparison.ports[step.client] = wire.port
        return wire
    }

    private func close(_ client: Int32) async throws {
        guard let wire = wires.removeValue(forKey: client) else { return }
        for request in wire.requests {
            differences.append("the client was told \(request.fields.all), by Java's not")
        }
        await wire.close()
    }

    // MARK: - Asking

    private func ask(
        _ bytes: [UInt8], _ command: RemotingCommand, _ step: Conversation.Step
    ) async throws {
        // Java's broker registers a topic that it has just made; so does ours, by itself. Now and
        // then Java's registers all that it had from earlier days.
        if command.requestCode == .registerBroker {
            let table = try JSON(parsing: command.body.rawSpan)
            let topics = table["topicConfigSerializeWrapper"]?["topicConfigTable"]?.object
            guard let topic = topics?.members.first, topics?.members.count == 1 else { return }
            return try await waitForRoute(of: topic.name)
        }
        let wire = try await wire(step)
        // A message that waits comes when it comes: the pull that found it waits for that.
        if let place = expected[Key(client: step.client, opaque: command.opaque)] {
            try await waitForMessages(place.end, place.topic, place.queue)
        }
        if !command.isOneWay { asked[Key(client: step.client, opaque: command.opaque)] = command }
        try await wire.send(substituted(bytes, command))
    }

    /// The frame as it was captured, but for what cannot be: how long a pull is held, and the place
    /// in the log of a message that comes back.
    private func substituted(_ bytes: [UInt8], _ command: RemotingCommand) -> [UInt8] {
        var changed = command
        switch command.requestCode {
        case .pullMessage, .litePullMessage:
            changed.fields["suspendTimeoutMillis"] = "200"
        case .consumerSendMsgBack, .endTransaction:
            let name = command.requestCode == .endTransaction ? "commitLogOffset" : "offset"
            guard let place = command.fields[name].flatMap({ Int64($0) }) else { return bytes }
            changed.fields[name] = comparison.places[place].map { "\($0)" }
        default: return bytes
        }
        var frame: [UInt8] = []
        changed.encode(into: &frame)
        return frame
    }

    private func waitForRoute(of topic: String) async throws {
        for _ in 0..<2_000 {
            let answer = try await names.invoke(
                .request(.getRouteinfoByTopic, fields: ["topic": topic]),
                on: "127.0.0.1:\(nameServerPort)")
            if answer.responseCode == .success { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("our broker does not register \(topic)")
    }

    // MARK: - Comparing

    private func compare(_ theirs: RemotingCommand, _ step: Conversation.Step) async throws {
        let key = Key(client: step.client, opaque: theirs.opaque)
        guard let request = asked.removeValue(forKey: key) else { return }
        let wire = try await wire(step)
        let ours = try await wire.answer(to: theirs.opaque)
        let topic = request.fields["topic"] ?? ""
        if MayDiffer.isEarly(request, theirs: theirs, ours: ours) {
            early[topic] = ours
            return
        }
        if request.requestCode == .getRouteinfoByTopic,
            let before = early.removeValue(forKey: topic)
        {
            if before.body != ours.body { differences.append("the early route of \(topic)") }
        }
        let before = comparison
        let found = comparison.differences(request, theirs: theirs, ours: ours)
        compared[request.code, default: 0] += 1
        let what = request.fields.all.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
        differences += found.map { "\(request.code) \($0) (\(what))" }
        if found.isEmpty { changes.plant(in: ours, request, theirs: theirs, before) }
    }
}
