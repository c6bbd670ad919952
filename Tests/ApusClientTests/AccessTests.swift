// Clients with and without credentials, at a broker that asks for them.

import ApusBroker
import ApusFormat
import ApusRemoting
import ApusSystem
import TestSupport
import Testing

@testable import ApusClient

@Suite("Clients and access control")
struct ClientAccessTests {
    @Test("signed sends and pulls are served, and what is not allowed is refused in words")
    func signed() async throws { try await expectAccess(TestSystem()) }
}

private let accounts = """
    accounts:
      - accessKey: RocketMQ
        secretKey: 87654321
        topicPerms:
          - Orders=PUB|SUB
        groupPerms:
          - readers=SUB
    """

/// Starts a broker with access control, and sees what it makes of clients with an account and
/// without.
func expectAccess(_ system: TestSystem) async throws {
    let home = "\(system.directory.path)/home"
    let disk = SystemDisk()
    try disk.createDirectories("\(home)/conf")
    let file = try disk.open("\(home)/conf/plain_acl.yml", .createEmpty)
    try file.write(Array(accounts.utf8).rawSpan, at: 0)
    file.close()
    try await system.startNameServer()
    try await system.startBroker {
        $0.access.isEnabled = true
        $0.access.home = home
    }
    try await system.waitForBrokers()
    try await expectSignedIsServed(system)
    var settings = ProducerConfiguration(system.client)
    settings.attempts = 1
    try await Producer(settings).running { producer in
        await expectRefusal(producer, "Orders")
    }
    await system.stop()
}

private func expectSignedIsServed(_ system: TestSystem) async throws {
    var client = system.client
    client.credentials = SessionCredentials(accessKey: "RocketMQ", secretKey: "87654321")
    let heard = Heard()
    let signing = client
    let configuration = system.consumer { $0.client = signing }
    try await Producer(ProducerConfiguration(client)).running { producer in
        let receipt = try await producer.send(Message("one", to: "Orders"))
        #expect(receipt.status == .stored)
        // Through a pipeline each takes a task, since its whole request is signed.
        try await producer.withPipeline { _, result in
            #expect((try? result.get()) != nil)
        } body: { pipeline in
            for text in ["two", "three"] {
                try await pipeline.send(Message(text, to: "Orders"))
            }
        }
        try await consuming(PushConsumer(configuration) { heard.note($0) }) {
            try await eventually("all came") { heard.count == 3 }
        }
        await expectRefusal(producer, "Secrets")
    }
}

private func expectRefusal(_ producer: Producer, _ topic: String) async {
    let error = await #expect(throws: ClientError.self) {
        try await producer.send(Message("x", to: topic))
    }
    guard case .refused = error?.kind else {
        Issue.record("\(error.map { "\($0)" } ?? "")")
        return
    }
}
