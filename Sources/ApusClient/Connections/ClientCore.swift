// Asks brokers, and notices when they do not answer.

internal import ApusRemoting
internal import Logging
internal import Synchronization

/// What producers and consumers are made of: connections, routes, and who the client is.
final class ClientCore: Sendable {
    let configuration: ClientConfiguration
    let identity: ClientIdentity
    let remoting: RemotingClient
    let routes: Routes
    /// What brokers ask the client.
    let requests: BrokerRequests
    /// Brokers that could not be told of the client: said once, not each second.
    private let untold = Mutex(Set<String>())

    /// Throws when files that the configuration names cannot be used.
    init(_ configuration: ClientConfiguration) throws(ClientError) {
        self.configuration = configuration
        identity = ClientIdentity(instanceName: configuration.instanceName)
        requests = BrokerRequests()
        remoting = RemotingClient(
            configuration: configuration.remoting, requests: requests,
            credentials: configuration.credentials, logger: configuration.logger,
            group: configuration.eventLoopGroup)
        if let problem = remoting.problem { throw ClientError(problem, "making a client") }
        routes = Routes(
            NameServers(configuration.nameServers, remoting),
            patience: configuration.requestTimeout, logger: configuration.logger)
    }

    var logger: Logger { configuration.logger }

    /// Asks a broker, and takes any answer.
    func ask(
        _ command: RemotingCommand, on address: String, timeout: Duration? = nil,
        _ attempt: @autoclosure () -> String
    ) async throws(ClientError) -> RemotingCommand {
        let time = timeout ?? configuration.requestTimeout
        let result = await invoke(command, on: address, timeout: time)
        switch result {
        case .answer(let answer): return answer
        case .cancelled: throw .cancelled(attempt(), mayHaveHappened: true)
        case .failed(let failure):
            let error = ClientError(failure, attempt())
            if error.kind != .closed { routes.bell.ring() }
            throw error
        }
    }

    enum Outcome: Sendable {
        case answer(RemotingCommand)
        case failed(RemotingError)
        case cancelled
    }

    /// Cancellation ends the waiting, not what a broker may have begun.
    func invoke(
        _ command: RemotingCommand, on address: String, timeout: Duration
    ) async -> Outcome {
        let end = Deadline(after: timeout)
        let command = remoting.signed(command)
        for _ in 0..<3 {
            let connection: Connection
            switch await self.connection(to: address, until: end) {
            case .success(let open): connection = open
            case .failure(let error): return .failed(error)
            }
            let once = Once<Outcome>()
            let isSent = connection.begin(command, timeout: max(end.remaining, .milliseconds(1))) {
                switch $0 {
                case .success(let answer): once.set(.answer(answer))
                case .failure(let error): once.set(.failed(error))
                }
            }
            // Closed between the two lines above, and nothing was sent: another will do.
            if isSent { return await once.value(ifCancelled: .cancelled) }
            if let refusal = connection.refusal { return .failed(refusal) }
        }
        return .failed(.connectFailed(address: address, reason: "it closes what is opened"))
    }

    /// The connection to an address, made if there is none; not waited for beyond the deadline, nor
    /// when the task is cancelled.
    func connection(
        to address: String, until deadline: Deadline
    ) async -> Result<Connection, RemotingError> {
        let once = Once<Result<Connection, RemotingError>>()
        remoting.connection(to: address, within: deadline.remaining) { once.set($0) }
        return await once.value(
            ifCancelled: .failure(.connectFailed(address: address, reason: "cancelled")))
    }

    /// Asks a broker, and takes an answer that is a success.
    func demand(
        _ command: RemotingCommand, on address: String, timeout: Duration? = nil,
        _ attempt: @autoclosure () -> String
    ) async throws(ClientError) -> RemotingCommand {
        let answer = try await ask(command, on: address, timeout: timeout, attempt())
        guard answer.responseCode == .success else { throw ClientError(answer, attempt()) }
        return answer
    }

    /// The master of a broker, by what is known.
    func master(of broker: String, _ attempt: String) throws(ClientError) -> String {
        guard let address = routes.groups[broker]?.master else {
            throw ClientError(.noRoute, attempt, "\(broker) has no master that is known")
        }
        return address
    }

    /// Tells all brokers that are known what the client is, whenever the interval is over or
    /// `bell` rings, until the task is cancelled. While one could not be told, each second.
    func sendHeartbeats(_ bell: Bell, toMastersOnly: Bool, _ body: @Sendable () -> JSON) async {
        while !Task.isCancelled {
            let isHeard = await sendHeartbeat(body(), toMastersOnly: toMastersOnly)
            let interval = configuration.heartbeatInterval
            await bell.wait(atMost: isHeard ? interval : min(interval, .seconds(1)))
        }
    }

    /// Tells all brokers that are known, side by side. False: one of them could not be told.
    @discardableResult
    func sendHeartbeat(_ body: JSON, toMastersOnly: Bool) async -> Bool {
        let addresses = Set(
            routes.groups.values.flatMap { group in
                toMastersOnly ? group.master.map { [$0] } ?? [] : Array(group.addresses.values)
            })
        let bytes = body.bytes(.fastjson)
        return await withTaskGroup { tasks in
            for address in addresses {
                tasks.addTask { await self.sendHeartbeat(bytes, to: address) }
            }
            return await tasks.reduce(true) { $0 && $1 }
        }
    }

    private func sendHeartbeat(_ body: [UInt8], to address: String) async -> Bool {
        do throws(ClientError) {
            _ = try await demand(
                .request(.heartBeat, body: body), on: address, "a heartbeat to \(address)")
            if untold.withLock({ $0.remove(address) }) != nil {
                logger.info("a broker is told again", metadata: ["broker": "\(address)"])
            }
            return true
        } catch {
            let isNew = untold.withLock { $0.insert(address).inserted }
            logger.log(
                level: isNew ? .warning : .debug, "a broker was not told, and is tried again",
                metadata: ["reason": "\(error)"])
            // A broker answers heartbeats at once. One whose machine is gone, or a connection that
            // something between has forgotten, would be waited for as long as TCP is patient.
            if error.kind == .timedOut {
                remoting.disconnect(from: address, reason: "a heartbeat was not answered")
            }
            return false
        }
    }

    /// Takes the client out of the brokers' lists, at once and not only when they miss it.
    func unregister(producer: String? = nil, consumer: String? = nil) async {
        var fields: HeaderFields = ["clientID": identity.id]
        if let producer { fields.append("producerGroup", producer) }
        if let consumer { fields.append("consumerGroup", consumer) }
        let command = RemotingCommand.request(.unregisterClient, fields: fields)
        let addresses = Set(routes.groups.values.flatMap(\.addresses.values))
        await withDiscardingTaskGroup { tasks in
            for address in addresses {
                tasks.addTask {
                    _ = try? await self.remoting.invoke(
                        command, on: address,
                        timeout: min(self.configuration.requestTimeout, .seconds(1)))
                }
            }
        }
    }
}
