// The C++ and the Java client against our NameServer and our broker, as they were captured.

import ApusNameServer
import ApusRemoting
import ApusSystem
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import ApusBroker

@Suite("a captured conversation") struct GoldenConversationTests {
    /// Runs the conversation with servers that end with it.
    private func replay(
        _ name: String, _ change: (inout BrokerConfiguration) -> Void = { _ in },
        _ check: (Replay) throws -> Void
    ) async throws {
        var names = NameServerConfiguration()
        names.host = "127.0.0.1"
        names.port = 0
        let server = try NameServer(
            names, logger: .silent, group: MultiThreadedEventLoopGroup.singleton)
        let port = try #require(try await server.start().port)
        let conversation = try Conversation(name)
        do {
            try await withBroker {
                $0.name = "broker-a"
                $0.registration.nameServers = ["127.0.0.1:\(port)"]
                change(&$0)
            } _: { client in
                let replay = Replay(client, nameServerPort: port)
                try await replay.prepare(conversation)
                try await replay.run(conversation)
                try check(replay)
            }
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    @Test("is answered as Java answered it, but for what may differ", arguments: ["cpp", "java"])
    func answers(name: String) async throws {
        try await replay(name) { replay in
            #expect(replay.differences == [])
            #expect(replay.compared.values.reduce(0, +) > (name == "cpp" ? 90 : 500))
            #expect(replay.unnoticedChanges == [])
            #expect(replay.changeCount > 500)
        }
    }

    @Test("with a broker that answers otherwise shows it")
    func control() async throws {
        try await replay("cpp") {
            $0.regionID = "Elsewhere"
        } _: { replay in
            let told = replay.differences.filter { $0.contains("field MSG_REGION: Elsewhere") }
            #expect(told.count == 21)
            // Pulled messages have it too.
            #expect(replay.differences.contains { $0.hasPrefix("11 record") })
        }
    }
}
