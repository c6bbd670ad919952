// The brokers that are put under load: those that are named, those that NameServers know, or one of
// ours in this process, on a store that is removed afterwards.

import ApusBroker
import ApusFormat
import ApusRemoting
import ApusStore
import Bench
import Logging
import NIOCore
import NIOPosix

/// Brokers, and the topic on them.
struct LoadedBroker {
    let addresses: [String]
    let topic: String
    /// Queues that may be written on each.
    private(set) var queues = 0
    private let client: RemotingClient
    private let encryption: Encryption?
    private let own: Broker?
    private let workplace: Workplace?

    /// Has `body` put load on brokers that have the topic. Whatever comes of it, the broker that
    /// was started for it is stopped, and the event loops end, and with them their connections.
    /// A broker that is started registers with `nameServer`, if one is given.
    static func with<Result>(
        _ plan: LoadPlan, nameServer: String? = nil,
        _ body: (LoadedBroker, any EventLoopGroup) async throws -> Result
    ) async throws -> Result {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: plan.threads)
        return try await ensuring {
            let broker = try await open(plan, nameServer)
            return try await ensuring {
                try await body(broker, group)
            } finally: {
                await broker.close()
            }
        } finally: {
            try await group.shutdownGracefully()
        }
    }

    /// Finds the brokers and sees to the topic. What is started is stopped again when this fails.
    private static func open(
        _ plan: LoadPlan, _ nameServer: String?
    ) async throws -> LoadedBroker {
        var remoting = RemotingConfiguration()
        remoting.clientTLS = plan.encryption?.settings.client
        let client = RemotingClient(
            configuration: remoting, logger: .quiet, group: MultiThreadedEventLoopGroup.singleton)
        var loaded: LoadedBroker
        if let list = plan.brokers {
            loaded = LoadedBroker(
                addresses: list.split(separator: ",").map(String.init), topic: plan.topic,
                client: client, encryption: plan.encryption, own: nil, workplace: nil)
        } else if let list = plan.nameServers {
            let found = try await Routes(client: client, nameServers: list)
                .masters(topic: plan.topic)
            loaded = LoadedBroker(
                addresses: found, topic: plan.topic, client: client,
                encryption: plan.encryption, own: nil, workplace: nil)
        } else {
            let workplace = try Workplace(parent: plan.directory, needing: 4 << 30)
            var configuration = BrokerConfiguration.underLoad(
                plan, store: workplace.newPath("store"))
            if let nameServer { configuration.registration.nameServers = [nameServer] }
            let broker = try await Broker.start(configuration, logger: .quiet)
            loaded = LoadedBroker(
                addresses: [broker.address.description], topic: plan.topic, client: client,
                encryption: plan.encryption, own: broker, workplace: workplace)
        }
        do {
            for address in loaded.addresses {
                let found = try await loaded.makeTopic(on: address, queues: plan.queues)
                loaded.queues = loaded.queues == 0 ? found : min(loaded.queues, found)
            }
        } catch {
            await loaded.close()
            throw error
        }
        return loaded
    }

    /// A store to measure against, beside that of the broker that was started; nil when nothing is
    /// measured against, or an acknowledgement does not wait for the device.
    func embeddedStore(_ plan: LoadPlan) throws -> EmbeddedStore? {
        guard plan.isSync, plan.hasRoofline, plan.batch == 1, let workplace else { return nil }
        return try EmbeddedStore(plan, path: workplace.newPath("embedded"))
    }

    /// Where connections go.
    func places() throws -> [Place] { try addresses.map { try Place($0, encryption) } }

    private func close() async {
        await client.close()
        do { try await own?.stop() } catch { Console.warn("\(error)") }
        withExtendedLifetime(workplace) {}
    }

    // MARK: asking

    /// Asks, and takes no other answer than success.
    func ask(
        _ code: RequestCode, _ fields: HeaderFields, on address: String
    ) async throws -> RemotingCommand {
        let answer = try await client.invoke(
            .request(code, fields: fields), on: address, timeout: .seconds(10))
        guard answer.responseCode == .success else {
            throw BenchError(
                "\(address) answers request \(code) with \(CodeName.of(answer.code)):"
                    + " \(answer.remark ?? "")")
        }
        return answer
    }

    /// How many queues the topic has there, which is left as it is; made only where the broker says
    /// that it is not there.
    private func makeTopic(on address: String, queues: Int) async throws -> Int {
        let known = try await client.invoke(
            .request(.getTopicConfig, fields: ["topic": topic, "lo": "true"]), on: address,
            timeout: .seconds(10))
        switch known.responseCode {
        case .success:
            let json = try? JSON(parsing: known.body.span.bytes)
            let found = json.flatMap { ($0["topicConfig"] ?? $0)["writeQueueNums"]?.int32 }
            guard let found, found > 0 else {
                throw BenchError(
                    "\(address) has \(topic), and does not say with how many queues that may be"
                        + " written; it is left as it is: name another with --topic")
            }
            return Int(found)
        case .topicNotExist: break
        case let code:
            throw BenchError(
                "\(address) answers with \(CodeName.of(code.rawValue)) whether it has \(topic),"
                    + " which is left as it is: \(known.remark ?? "")")
        }
        _ = try await ask(
            .updateAndCreateTopic,
            [
                "topic": topic, "defaultTopic": "TBW102", "readQueueNums": "\(queues)",
                "writeQueueNums": "\(queues)", "perm": "6", "topicFilterType": "SINGLE_TAG",
                "topicSysFlag": "0", "order": "false",
            ], on: address)
        return queues
    }

    /// The offsets of one queue.
    func offsets(queue: Int, on address: String) async throws -> Range<Int64> {
        let place: HeaderFields = ["topic": topic, "queueId": "\(queue)"]
        let low = try await ask(.getMinOffset, place, on: address).fields.int64("offset")
        let high = try await ask(.getMaxOffset, place, on: address).fields.int64("offset")
        return low..<max(low, high)
    }

    /// The ends of all queues of the topic, added up.
    func endOfAll() async throws -> Int64 {
        var sum: Int64 = 0
        for address in addresses {
            for queue in 0..<queues {
                sum += try await offsets(queue: queue, on: address).upperBound
            }
        }
        return sum
    }
}

extension Logger {
    /// Only what needs somebody.
    static var quiet: Logger {
        var logger = Logger(label: "mqload") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        return logger
    }
}

extension BrokerConfiguration {
    /// One for a run, as `mqbroker` has it but for its place.
    static func underLoad(_ plan: LoadPlan, store path: String) -> BrokerConfiguration {
        var configuration = BrokerConfiguration()
        configuration.storePath = path
        configuration.network.bindAddress = "127.0.0.1"
        configuration.network.advertisedHost = "127.0.0.1"
        configuration.network.port = 0
        configuration.network.eventLoopThreads = plan.brokerThreads
        if let encryption = plan.encryption { configuration.tls = encryption.settings }
        if plan.isSync { configuration.store.flush.mode = .sync }
        return configuration
    }
}
