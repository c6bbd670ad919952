// A broker with access control over loopback: who is served, who is refused, and what changes while
// it runs.

import ApusFormat
import ApusRemoting
import Foundation
import Logging
import NIOPosix
import TestSupport
import Testing

@testable import ApusBroker

private let administrator = SessionCredentials(accessKey: "rocketmq2", secretKey: "12345678")
private let user = SessionCredentials(accessKey: "RocketMQ", secretKey: "87654321")

private let accounts = """
    accounts:
      - accessKey: RocketMQ
        secretKey: 87654321
        defaultTopicPerm: DENY
        defaultGroupPerm: DENY
        topicPerms:
          - Orders=PUB|SUB
          - Inbox=PUB
          - Outbox=SUB
        groupPerms:
          - readers=SUB
      - accessKey: rocketmq2
        secretKey: 12345678
        admin: true
    """

/// A broker whose accounts are those above.
private func withAccounts(
    _ body: (_ broker: Broker, _ file: String) async throws -> Void
) async throws {
    let directory = try TemporaryDirectory()
    let home = directory.path + "/home"
    try FileManager.default.createDirectory(
        atPath: home + "/conf", withIntermediateDirectories: true)
    try accounts.write(toFile: home + "/conf/plain_acl.yml", atomically: true, encoding: .utf8)
    try await withBroker(in: directory) {
        $0.access.isEnabled = true
        $0.access.home = home
    } _: { client in
        try await body(client.broker, home + "/conf/plain_acl.yml")
    }
}

private func asking<Result>(
    _ broker: Broker, as credentials: SessionCredentials?,
    _ body: (TestClient) async throws -> Result
) async throws -> Result {
    let client = TestClient(broker, credentials: credentials)
    do {
        let result = try await body(client)
        await client.close()
        return result
    } catch {
        await client.close()
        throw error
    }
}

/// Expects this answer.
private func answered(
    _ expected: ResponseCode, at place: SourceLocation = #_sourceLocation,
    _ ask: () async throws -> ResponseCode
) async throws {
    let code = try await ask()
    #expect(code == expected, sourceLocation: place)
}

@Suite("a broker with access control") struct AccessTests {
    @Test("serves nobody who does not sign, or signs with another secret")
    func signatures() async throws {
        try await withAccounts { broker, _ in
            for credentials in [
                nil, SessionCredentials(accessKey: "RocketMQ", secretKey: "12345678"),
                SessionCredentials(accessKey: "somebody", secretKey: "12345678"),
            ] {
                try await asking(broker, as: credentials) { client in
                    for code: RequestCode in [
                        .sendMessageV2, .getBrokerConfig, .heartBeat, RequestCode(12_345),
                    ] {
                        let answer = try await client.ask(code, ["b": "Orders"])
                        #expect(answer.responseCode == .noPermission, "\(code)")
                    }
                }
            }
            let answer = try await asking(broker, as: user) { try await $0.send("hello") }
            #expect(answer.responseCode == .success)
        }
    }

    @Test("takes a frame longer than a message from those alone who have signed on it before")
    func strangers() async throws {
        try await withAccounts { broker, _ in
            let body = [UInt8](repeating: 7, count: 5 << 20)
            try await asking(broker, as: user) { client in
                _ = await #expect(throws: RemotingError.self) {
                    try await client.ask(.sendMessageV2, ["b": "Orders"], body: body)
                }
            }
            try await asking(broker, as: user) { client in
                try await answered(.success) { try await client.send("hello").responseCode }
                let answer = try await client.ask(.sendMessageV2, ["b": "Orders"], body: body)
                #expect(answer.responseCode != .success)
                try await answered(.success) { try await client.send("hello").responseCode }
            }
            // The longest message may be the first frame.
            try await asking(broker, as: user) { client in
                let longest = String(repeating: "x", count: 4 << 20)
                try await answered(.success) { try await client.send(longest).responseCode }
            }
        }
    }

    /// What the user asks for, and the answer.
    private static let wishes: [(code: RequestCode, fields: HeaderFields, answer: ResponseCode)] = [
        (.sendReplyMessage, ["topic": "Secret"], .noPermission),
        (.sendReplyMessageV2, ["b": "Secret"], .noPermission),
        (.getMaxOffset, ["topic": "Secret", "queueId": "0"], .noPermission),
        (.getMinOffset, ["topic": "Secret", "queueId": "0"], .noPermission),
        (.getEarliestMsgStoretime, ["topic": "Secret", "queueId": "0"], .noPermission),
        (.getMaxOffset, ["topic": "Inbox", "queueId": "0"], .success),
        (
            .updateConsumerOffset,
            ["consumerGroup": "others", "topic": "Orders", "queueId": "0", "commitOffset": "1"],
            .noPermission
        ),
        (
            .updateConsumerOffset,
            ["consumerGroup": "readers", "topic": "Orders", "queueId": "0", "commitOffset": "0"],
            .success
        ),
        (.consumerSendMsgBack, ["group": "others", "offset": "0"], .noPermission),
        (
            .updateAndCreateTopic,
            ["topic": "Mine", "readQueueNums": "4", "writeQueueNums": "4", "perm": "6"],
            .noPermission
        ),
        (.deleteTopicInBroker, ["topic": "Orders"], .noPermission),
        (.invokeBrokerToResetOffset, ["topic": "Orders"], .noPermission),
        (.getBrokerConfig, [:], .success),
    ]

    private func fill(_ broker: Broker) async throws {
        try await asking(broker, as: administrator) { client in
            for topic in ["Orders", "Inbox", "Outbox", "Secret"] {
                try await answered(.success) {
                    try await client.send("x", to: topic).responseCode
                }
            }
        }
    }

    @Test("serves each account what it may do and no more")
    func rights() async throws {
        try await withAccounts { broker, _ in
            try await fill(broker)
            try await asking(broker, as: user) { client in
                for (topic, answer) in [
                    ("Inbox", ResponseCode.success), ("Outbox", .noPermission),
                    ("Secret", .noPermission), ("%RETRY%other", .noPermission),
                    ("RMQ_SYS_TRACE_TOPIC", .success),
                ] {
                    try await answered(answer) {
                        try await client.send("x", to: topic).responseCode
                    }
                }
                try await answered(.success) { try await client.pull("Outbox").code }
                try await answered(.noPermission) { try await client.pull("Inbox").code }
                try await answered(.noPermission) {
                    try await client.pull("Orders", group: "others").code
                }
                for wish in Self.wishes {
                    let answer = try await client.ask(wish.code, wish.fields)
                    #expect(answer.responseCode == wish.answer, "\(wish.code)")
                }
            }
        }
    }

    @Test("takes no heartbeat with a subscription that the account may not have")
    func heartbeats() async throws {
        let beat = #"""
            {"clientID":"c","consumerDataSet":[{"groupName":"GROUP",
            "subscriptionDataSet":[{"topic":"TOPIC","subString":"*"}]}],"producerDataSet":[]}
            """#
        try await withAccounts { broker, _ in
            try await fill(broker)
            try await asking(broker, as: user) { client in
                for (group, topic, answer) in [
                    ("readers", "Outbox", ResponseCode.success),
                    ("readers", "%RETRY%readers", .success), ("readers", "Inbox", .noPermission),
                    ("readers", "%RETRY%others", .noPermission),
                    ("others", "Outbox", .noPermission),
                ] {
                    let json = beat.replacing("GROUP", with: group).replacing("TOPIC", with: topic)
                    try await answered(answer) {
                        try await client.ask(.heartBeat, json: json).responseCode
                    }
                }
            }
        }
    }

    /// Sends to topics as an administrator, and answers the ids of the messages.
    private func ids(
        _ broker: Broker, _ topics: [String], half: [Property] = []
    ) async throws -> [String: OffsetMessageID] {
        try await asking(broker, as: administrator) { client in
            var ids: [String: OffsetMessageID] = [:]
            for topic in topics {
                let answer = try await client.send("x", to: topic, properties: half) {
                    if !half.isEmpty { $0["f"] = "4" }
                }
                // Asked for where it is used.
                ids[topic] = OffsetMessageID(answer.fields["msgId"] ?? "")
            }
            return ids
        }
    }

    // What a request says of the topic counts for nothing.
    @Test(
        "gives no record away by its place that the account may not consume",
        arguments: [nil, "Orders"])
    func places(said: String?) async throws {
        try await withAccounts { broker, _ in
            let ids = try await ids(broker, ["Secret", "Outbox"])
            try await asking(broker, as: user) { client in
                for (topic, expected) in [
                    ("Secret", ResponseCode.noPermission), ("Outbox", .success),
                ] {
                    let id = try #require(ids[topic])
                    var fields: HeaderFields = ["offset": "\(id.physicalOffset)"]
                    fields["topic"] = said
                    try await answered(expected) {
                        try await client.ask(.viewMessageById, fields).responseCode
                    }
                    var back: HeaderFields = [
                        "offset": "\(id.physicalOffset)", "group": "readers", "delayLevel": "1",
                    ]
                    back["originTopic"] = said
                    try await answered(expected) {
                        try await client.ask(.consumerSendMsgBack, back).responseCode
                    }
                    var direct: HeaderFields = [
                        "msgId": id.text, "consumerGroup": "readers", "clientId": "nobody",
                    ]
                    direct["topic"] = said
                    // Who is asked is not there.
                    try await answered(expected == .success ? .systemError : expected) {
                        try await client.ask(.consumeMessageDirectly, direct).responseCode
                    }
                }
            }
        }
    }

    @Test(
        "ends no transaction of a topic that the account may not send to", arguments: [false, true])
    func transactions(saysTopic: Bool) async throws {
        try await withAccounts { broker, _ in
            let half = [
                Property(name: "TRAN_MSG", value: "true"),
                Property(name: "PGROUP", value: "payers"),
            ]
            let ids = try await ids(broker, ["Secret", "Inbox"], half: half)
            try await asking(broker, as: user) { client in
                for (number, (topic, expected)) in [
                    ("Secret", ResponseCode.noPermission), ("Inbox", .success),
                ].enumerated() {
                    var fields: HeaderFields = [
                        "producerGroup": "payers", "commitOrRollback": "8",
                        "tranStateTableOffset": "\(number)", "fromTransactionCheck": "false",
                        "commitLogOffset": "\(try #require(ids[topic]).physicalOffset)",
                    ]
                    if saysTopic { fields["topic"] = "Inbox" }
                    try await answered(expected) {
                        try await client.ask(.endTransaction, fields).responseCode
                    }
                }
            }
        }
    }

    @Test("takes changed accounts over without a start")
    func reload() async throws {
        try await withAccounts { broker, file in
            func comes(_ expected: ResponseCode) async throws {
                for _ in 0..<100 {
                    let answer = try await asking(broker, as: user) { try await $0.send("x") }
                    if answer.responseCode == expected { return }
                    try await Task.sleep(for: .milliseconds(100))
                }
                Issue.record("the answer never becomes \(expected)")
            }
            try await comes(.success)
            let without = accounts.replacing("Orders=PUB|SUB", with: "Orders=SUB")
            try without.write(toFile: file, atomically: true, encoding: .utf8)
            try await comes(.noPermission)
            try accounts.write(toFile: file, atomically: true, encoding: .utf8)
            try await comes(.success)
        }
    }

    @Test("keeps its accounts while their file is being written, is none, or is gone")
    func kept() throws {
        let directory = try TemporaryDirectory()
        let file = directory.path + "/conf/plain_acl.yml"
        try FileManager.default.createDirectory(
            atPath: directory.path + "/conf", withIntermediateDirectories: true)
        func write(_ text: String) throws {
            try text.write(toFile: file, atomically: true, encoding: .utf8)
        }
        try write(accounts)
        let access = try AccessControl(home: directory.path, logger: .silent)
        #expect(access.accessKeys == ["RocketMQ", "rocketmq2"])
        let half = "accounts:\n  - accessKey: another-one\n    secretKey: 12345678\n"
        try write(half)
        access.reload()
        #expect(access.accessKeys == ["RocketMQ", "rocketmq2"], "it may not be all")
        try write(accounts)
        access.reload()
        access.reload()
        #expect(access.accessKeys == ["RocketMQ", "rocketmq2"])
        for text in ["accounts: [", nil] {
            if let text {
                try write(text)
            } else {
                try FileManager.default.removeItem(atPath: file)
            }
            for _ in 0..<3 { access.reload() }
            #expect(access.accessKeys == ["RocketMQ", "rocketmq2"])
        }
        try write(half)
        access.reload()
        access.reload()
        #expect(access.accessKeys == ["another-one"])
    }

    @Test("lets an administrator change what is on the list, and nothing else")
    func settings() async throws {
        try await withAccounts { broker, _ in
            func change(_ text: String, as who: SessionCredentials) async throws -> ResponseCode {
                try await asking(broker, as: who) {
                    try await $0.ask(.updateBrokerConfig, body: Array(text.utf8)).responseCode
                }
            }
            func makesTopic(_ name: String) async throws -> ResponseCode {
                try await asking(broker, as: administrator) {
                    try await $0.send("x", to: name).responseCode
                }
            }
            try await answered(.success) { try await makesTopic("One") }
            try await answered(.noPermission) {
                try await change("autoCreateTopicEnable=false", as: user)
            }
            try await answered(.success) { try await makesTopic("Two") }
            for text in [
                "storePathRootDir=/tmp/x", "autoCreateTopicEnable=false\nrocketmqHome=/tmp/x",
                "unknown=1",
            ] { try await answered(.noPermission) { try await change(text, as: administrator) } }
            for text in ["autoCreateTopicEnable=maybe", "", "autoCreateTopicEnable=\\u12"] {
                try await answered(.systemError) { try await change(text, as: administrator) }
            }
            try await answered(.success) { try await makesTopic("Three") }
            try await answered(.success) {
                try await change("autoCreateTopicEnable=false", as: administrator)
            }
            try await answered(.topicNotExist) { try await makesTopic("Four") }
            try await answered(.success) {
                try await change("autoCreateTopicEnable=true", as: administrator)
            }
            try await answered(.success) { try await makesTopic("Four") }
        }
    }

    @Test("does not start without its accounts")
    func missing() async throws {
        let directory = try TemporaryDirectory()
        await #expect(throws: AccessFileError.self) {
            try await withBroker(in: directory) {
                $0.access.isEnabled = true
                $0.access.home = directory.path
            } _: { _ in
            }
        }
        let text = Array("aclEnable=true\n".utf8)
        #expect(throws: ConfigurationError.self) {
            try BrokerConfiguration.parse(
                text, origin: "broker.conf", host: HostEnvironment(name: "h", home: "/h"))
        }
        let parsed = try BrokerConfiguration.parse(
            text, origin: "broker.conf",
            host: HostEnvironment(name: "h", home: "/h", rocketmqHome: "/opt/rocketmq/"))
        #expect(parsed.configuration.access.home == "/opt/rocketmq")
    }

    @Test("without access control settings are changed by nobody")
    func withoutAccounts() async throws {
        try await withBroker { client in
            let answer = try await client.ask(
                .updateBrokerConfig, body: Array("autoCreateTopicEnable=false".utf8))
            #expect(answer.responseCode == .noPermission)
        }
    }
}
