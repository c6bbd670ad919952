// Sends that are as those before them go a shorter way, on a connection that sent to their topic
// already: whatever is sent, the same is stored and answered as on a connection of its own.

import ApusFormat
import ApusRemoting
import Testing

@testable import ApusBroker

@Suite("a send like those before") struct SendAsBeforeTests {
    private static let id = Property(name: "UNIQ_KEY", value: "C00002021FBC5FFD2B276ED61BA4001B")

    /// What is sent, besides plain messages.
    private struct Case: Sendable {
        var properties = [SendAsBeforeTests.id]
        /// Taken away at the end of the properties.
        var cut = 0
        var fields: [String: String?] = [:]
    }

    private static let cases = [
        Case(),
        Case(properties: [
            id, Property(name: "TAGS", value: "A"), Property(name: "KEYS", value: "k"),
        ]),
        Case(properties: []),
        Case(properties: [Property(name: "UNIQ_KEY", value: "short")]),
        Case(properties: [id, Property(name: "UNIQ_KEY", value: "second")]),
        Case(cut: 1),
        Case(properties: [id, Property(name: "WAIT", value: "false")]),
        Case(properties: [id, Property(name: "DELAY", value: "1")]),
        Case(properties: [id, Property(name: "TRAN_MSG", value: "true")]),
        Case(properties: [id, Property(name: "TRAN_MSG", value: "false")]),
        Case(properties: [id, Property(name: "TIMER_DELAY_SEC", value: "9")]),
        Case(properties: [id, Property(name: "TRACE_CONTEXT", value: "x")]),
        Case(properties: [id, Property(name: "__CRC32#", value: "0123456789")]),
        Case(properties: [id, Property(name: "long", value: String(repeating: "x", count: 760))]),
        Case(properties: [id, Property(name: "long", value: String(repeating: "x", count: 40_000))]
        ),
        Case(fields: ["e": "-1"]), Case(fields: ["e": "4"]), Case(fields: ["e": "x"]),
        Case(fields: ["e": nil]), Case(fields: ["e": "99999999999"]),
        Case(fields: ["f": "4"]), Case(fields: ["f": "8"]), Case(fields: ["f": "1"]),
        Case(fields: ["g": "+17"]), Case(fields: ["g": "-17"]), Case(fields: ["g": ""]),
        Case(fields: ["h": "-7"]), Case(fields: ["h": nil]), Case(fields: ["h": "2147483648"]),
        Case(fields: ["j": "3"]), Case(fields: ["j": nil]), Case(fields: ["l": "2"]),
        Case(fields: ["m": "true"]), Case(fields: ["m": "1"]), Case(fields: ["i": nil]),
        Case(fields: ["b": nil]), Case(fields: ["b": "Orders2"]),
    ]

    private func send(
        _ one: Case, to queue: Int, from client: TestClient
    ) async throws -> RemotingCommand {
        try await client.send("body", queue: queue, properties: one.properties) { fields in
            if one.cut > 0 { fields["i"] = fields["i"].map { String($0.dropLast(one.cut)) } }
            for (name, value) in one.fields { fields[name] = value }
        }
    }

    /// An answer without what tells where the message stands.
    private func plain(_ answer: RemotingCommand) -> RemotingCommand {
        var answer = answer
        answer.opaque = 0
        for name in ["msgId", "queueId", "queueOffset"] { answer.fields[name] = nil }
        // Ids that the broker makes differ.
        if answer.fields["transactionId"].map({ UniqueID($0) != nil }) == true,
            answer.fields["transactionId"] != Self.id.value
        {
            answer.fields["transactionId"] = "made"
        }
        return answer
    }

    private func plain(_ message: PulledMessage) -> [String] {
        let fields = message.fields
        return [
            message.topic, message.body, "\(fields.flag) \(fields.systemFlag)",
            "\(fields.bornTimestamp) \(fields.reconsumeTimes) \(fields.preparedTransactionOffset)",
        ]
            + message.properties.map { property in
                let isMade = property.name == "UNIQ_KEY" && property.value.hasPrefix("7F000001")
                return "\(property.name)=\(isMade ? "made" : property.value)"
            }
    }

    @Test("stores and answers what it would on a connection of its own", arguments: cases.indices)
    func same(number: Int) async throws {
        try await withBroker { warm in
            let fresh = TestClient(warm.broker)
            for queue in [0, 0, 0, 2, 2, 2, 0] {
                let sent = try await warm.send("plain", queue: queue, properties: [Self.id])
                #expect(sent.responseCode == .success)
            }
            let one = try await send(Self.cases[number], to: 0, from: warm)
            let other = try await send(Self.cases[number], to: 1, from: fresh)
            #expect(plain(one) == plain(other))
            let isElsewhere = Self.cases[number].fields["e"] != nil
            let stored = try await warm.pull(queue: 0).messages.dropFirst(4)
            let wanted = try await warm.pull(queue: 1).messages
            if !isElsewhere { #expect(stored.map(plain) == wanted.map(plain)) }
            // And plain ones go on.
            let sent = try await warm.send("after", queue: 0, properties: [Self.id])
            #expect(sent.responseCode == .success)
            #expect(try await warm.pull(queue: 0).bodies.last == "after")
            await fresh.close()
        }
    }

    @Test("goes to its own topic and queue, whatever came before it")
    func turns() async throws {
        try await withBroker { client in
            var wanted: [String: [String]] = [:]
            for number in 0..<120 {
                // Runs of one topic, and others in turn.
                let topic = number < 60 ? "T\(number / 20)" : "T\(number * number % 3)"
                let queue = number % 4
                let id = Property(name: "UNIQ_KEY", value: "id of message number \(number)")
                let sent = try await client.send(
                    "\(number)", to: topic, queue: queue, properties: [id])
                #expect(sent.responseCode == .success)
                #expect(sent.fields["queueId"] == "\(queue)")
                #expect(sent.fields["transactionId"] == id.value)
                let place = "\(topic) \(queue)"
                #expect(sent.fields["queueOffset"] == "\(wanted[place, default: []].count)")
                wanted[place, default: []].append("\(number)")
            }
            for (place, bodies) in wanted {
                let words = place.split(separator: " ")
                let pulled = try await client.pull(String(words[0]), queue: Int(words[1]) ?? 0)
                #expect(pulled.bodies == bodies)
            }
        }
    }

    @Test("is refused once its topic takes none, and finds it again when it was made anew")
    func changes() async throws {
        try await withBroker { client in
            func send() async throws -> ResponseCode {
                try await client.send("x", properties: [Self.id]).responseCode
            }
            func change(permission: Int) async throws {
                let changed = try await client.ask(
                    .updateAndCreateTopic,
                    [
                        "topic": "Orders", "defaultTopic": "TBW102", "readQueueNums": "4",
                        "writeQueueNums": "4", "perm": "\(permission)",
                        "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false",
                    ])
                #expect(changed.responseCode == .success)
            }
            for _ in 0..<5 { #expect(try await send() == .success) }
            try await change(permission: 4)
            for _ in 0..<3 { #expect(try await send() == .noPermission) }
            try await change(permission: 6)
            for _ in 0..<5 { #expect(try await send() == .success) }
            let gone = try await client.ask(.deleteTopicInBroker, ["topic": "Orders"])
            #expect(gone.responseCode == .success)
            for _ in 0..<5 { #expect(try await send() == .success) }
            #expect(try await client.pull().messages.count == 15)
        }
    }

    @Test("is counted as any other")
    func counted() async throws {
        try await withBroker { client in
            for _ in 0..<20 { try await client.send("four", properties: [Self.id]) }
            let report = try await client.ask(.getBrokerRuntimeInfo)
            let text = String(decoding: report.body, as: UTF8.self)
            #expect(text.contains("\"msgPutTotalTodayNow\":\"20\""), "\(text)")
        }
    }
}
