// `mqload client`: the Swift client, as an application uses it.

import ApusClient
import ApusNameServer
import ApusRemoting
import Bench
import CRoofline
import Histogram
import NIOCore

/// Measures `ApusClient` against this program's own generator, which makes no message but sends
/// one again and again.
enum ClientRun {
    static let command = LoadCommand(
        name: "client", summary: "what the Swift client adds to that",
        details: """
            One producer of ApusClient, over one connection, with so many sends under way:
            through a pipeline, and in as many tasks that wait for each. In turns with it
            the generator of `produce`, with one connection and as many under way. In the
            end the queues must have grown by what was acknowledged.

            With --consume a push consumer takes --messages that are there already, each
            with a number of its own: every one must come, and none that was not sent.
            """,
        examples: [
            "client", "client --in-flight 64 --body 1k", "client --namesrv 127.0.0.1:9876",
            "client --consume --messages 1000000",
        ],
        flags: [
            Flag("--in-flight", "N", "sends under way; 256"), .body,
            Flag("--consume", nil, "measure a push consumer"),
            Flag("--messages", "N", "that it consumes; 100000"),
        ],
        measure: { options in
            let plan = try LoadPlan(options, connections: 1, inFlight: 256)
            guard plan.brokers == nil else {
                throw UsageError("a client finds brokers through NameServers: --namesrv")
            }
            guard plan.connections == 1 else {
                throw UsageError("one producer has one connection to a broker")
            }
            return try await withNameServer(plan) { nameServer in
                try await LoadedBroker.with(plan, nameServer: nameServer) {
                    if options.has("--consume") {
                        return try await ClientConsumption(plan, $0, $1, nameServer).measure()
                    }
                    return try await produce(plan, $0, $1, nameServer)
                }
            }
        })

    /// Of those that were named, or of one for the broker that is started.
    static func withNameServer<Result>(
        _ plan: LoadPlan, _ body: (String) async throws -> Result
    ) async throws -> Result {
        if let named = plan.nameServers { return try await body(named) }
        var configuration = NameServerConfiguration()
        configuration.host = "127.0.0.1"
        configuration.port = 0
        configuration.eventLoopCount = 1
        if let encryption = plan.encryption { configuration.tls = encryption.settings }
        let server = try NameServer(configuration, logger: .quiet)
        let address = try await server.start()
        return try await ensuring {
            try await body("127.0.0.1:\(address.port ?? 0)")
        } finally: {
            await server.stop()
        }
    }

    static func configuration(
        _ plan: LoadPlan, _ nameServer: String, _ group: any EventLoopGroup
    ) -> ClientConfiguration {
        var client = ClientConfiguration(nameServers: nameServer)
        client.logger = .quiet
        client.eventLoopGroup = group
        client.tls = plan.encryption?.settings.client
        return client
    }

    private static func produce(
        _ plan: LoadPlan, _ broker: LoadedBroker, _ group: any EventLoopGroup, _ nameServer: String
    ) async throws -> RunResult {
        let before = try await broker.endOfAll()
        var settings = ProducerConfiguration(configuration(plan, nameServer, group))
        settings.maximumInFlight = plan.inFlight
        let producer = try Producer(settings)
        let crowd = try await Crowd.senders(
            1, SendPlan(plan, broker, batch: 1), inFlight: plan.inFlight, to: broker, group: group)
        let sends = ClientSends(topic: broker.topic, body: plan.body)
        let found = try await producer.running { producer in
            try await rounds(plan, sends, producer, crowd)
        }
        return try await checked(
            found.result(plan, sends), found.acknowledged + sends.acknowledged, broker,
            since: before)
    }

    /// The generator, a pipeline and tasks in turns.
    private static func rounds(
        _ plan: LoadPlan, _ sends: ClientSends, _ producer: Producer,
        _ crowd: Crowd<SendConversation>
    ) async throws -> ClientRounds {
        let count = max(1, Int(plan.seconds))
        let share = plan.seconds / Double(count) / 3
        var found = ClientRounds()
        _ = try await sends.throughPipeline(producer, seconds: min(0.3, share))
        for round in 0..<count {
            if plan.seconds > 2 { Console.progress("client: \(round * 100 / count) %") }
            let bare = try await crowd.run(seconds: share)
            if let problem = bare.problem { throw BenchError(problem) }
            found.acknowledged += bare.tally.messages
            let piped = try await sends.throughPipeline(producer, seconds: share)
            let tasks = try await sends.inTasks(producer, plan.inFlight, seconds: share)
            found.pipeline.add(piped, [("generator, one connection", bare.messagesPerSecond)])
            found.tasks.append(tasks / bare.messagesPerSecond)
        }
        return found
    }

    private static func checked(
        _ result: RunResult, _ acknowledged: Int, _ broker: LoadedBroker, since before: Int64
    ) async throws -> RunResult {
        var result = result
        let grown = try await ProduceRun.growth(
            of: broker, since: before, wanted: Int64(acknowledged))
        if grown < acknowledged {
            result.checked = false
            result.notes.append(
                "\(acknowledged) messages were acknowledged, and the queues grew by \(grown)")
        }
        return result
    }
}
