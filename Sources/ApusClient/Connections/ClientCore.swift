// Asks brokers, and notices when they do not answer.

internal import ApusRemoting
internal import Logging

/// What producers and consumers are made of: connections, routes, and who the client is.
final class ClientCore: Sendable {
    let configuration: ClientConfiguration
    let identity: ClientIdentity
    let remoting: RemotingClient
    let routes: Routes
    /// What brokers ask the client.
    let requests: BrokerRequests

    init(_ configuration: ClientConfiguration) {
        self.configuration = configuration
        identity = ClientIdentity(instanceName: configuration.instanceName)
        requests = BrokerRequests()
        remoting = RemotingClient(
            configuration: configuration.remoting, requests: requests,
            credentials: configuration.credentials, logger: configuration.logger,
            group: configuration.eventLoopGroup)
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
        do throws(RemotingError) {
            return try await remoting.invoke(
                command, on: address, timeout: timeout ?? configuration.requestTimeout)
        } catch {
            let error = ClientError(error, attempt())
            if error.kind != .closed { routes.bell.ring() }
            throw error
        }
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
    /// `bell` rings, until the task is cancelled.
    func sendHeartbeats(_ bell: Bell, toMastersOnly: Bool, _ body: @Sendable () -> JSON) async {
        while !Task.isCancelled {
            await sendHeartbeat(body(), toMastersOnly: toMastersOnly)
            await bell.wait(atMost: configuration.heartbeatInterval)
        }
    }

    /// Tells all brokers that are known, side by side.
    func sendHeartbeat(_ body: JSON, toMastersOnly: Bool) async {
        let addresses = Set(
            routes.groups.values.flatMap { group in
                toMastersOnly ? group.master.map { [$0] } ?? [] : Array(group.addresses.values)
            })
        let bytes = body.bytes(.fastjson)
        await withDiscardingTaskGroup { tasks in
            for address in addresses {
                tasks.addTask { await self.sendHeartbeat(bytes, to: address) }
            }
        }
    }

    private func sendHeartbeat(_ body: [UInt8], to address: String) async {
        do throws(ClientError) {
            _ = try await demand(
                .request(.heartBeat, body: body), on: address, "a heartbeat to \(address)")
        } catch {
            logger.warning("a broker was not told", metadata: ["reason": "\(error)"])
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
