// HEART_BEAT (34), UNREGISTER_CLIENT (35), and connections that come and go: who consumes what.
// When a group's consumers change, all of them are told (NOTIFY_CONSUMER_IDS_CHANGED, 40), so that
// they share its queues anew at once.

import ApusFormat
import ApusRemoting
import Synchronization

extension BrokerCore {
    /// Runs as an errand: groups and their retry topics may have to be made.
    func heartBeat(
        _ command: RemotingCommand, on connection: Connection
    ) throws(Refusal) -> Response {
        let heartbeat = try Heartbeat(command.body.rawSpan)
        let client = RegisteredClient(
            connection: connection.id,
            description: ClientDescription(
                id: heartbeat.clientID, language: command.language.rawValue,
                version: command.version),
            lastHeartbeat: now)
        var lacksSubscriptions = heartbeat.fingerprint == 0
        for consumer in heartbeat.consumers {
            guard let group = try allowedGroup(consumer.group) else { continue }
            try makeRetryTopic(of: group, isUnit: consumer.isUnit)
            let isChanged = clients.withLock { registry in
                let isKnown = registry.consumers[consumer.group] != nil
                if consumer.subscriptions == nil, !isKnown { lacksSubscriptions = true }
                return registry.register(consumer: consumer, client: client)
            }
            if isChanged, !consumer.consumption.isBroadcasting { notifyConsumers(of: group.name) }
        }
        clients.withLock { registry in
            for group in heartbeat.producers where NameRules.complaint(group: group) == nil {
                registry.register(producer: group, client: client)
            }
        }
        // A connection that closed meanwhile was looked for before it was registered.
        if !connection.isOpen { forget(connection) }
        return Response(
            .success,
            fields: [
                "IS_SUPPORT_HEART_BEAT_V2": "true",
                "IS_SUB_CHANGE": lacksSubscriptions ? "true" : "false",
            ])
    }

    /// Nil when there is no such group and none may be made: Java passes over its consumers too.
    private func allowedGroup(_ name: String) throws(Refusal) -> Group? {
        do throws(Refusal) { return try knownGroup(name) } catch {
            if error.code == .subscriptionGroupNotExist { return nil }
            throw error
        }
    }

    private func makeRetryTopic(of group: Group, isUnit: Bool) throws(Refusal) {
        let name = WellKnownName.retryTopic(of: group.name)
        if state.topics.topic(name) != nil { return }
        var settings = TopicSettings(name, queues: group.settings.retryQueues)
        settings.systemFlag = isUnit ? 2 : 0
        _ = try Refusal.state { () throws(StateError) in
            try state.topics.createIfAbsent(settings)
        }
    }

    func unregisterClient(
        _ request: borrowing Request, on connection: Connection
    ) -> Response {
        let producer = request.optionalString("producerGroup")
        let consumer = request.optionalString("consumerGroup")
        let isGone = clients.withLock { registry in
            if let producer { registry.unregister(producer: producer, connection: connection.id) }
            return consumer.map { registry.unregister(consumer: $0, connection: connection.id) }
        }
        if let consumer, isGone == true { notifyConsumers(of: consumer) }
        return Response(.success)
    }

    /// Tells the consumers of a group that they are others now.
    func notifyConsumers(of group: String) {
        let notifies = state.groups.group(group)?.settings.notifiesConsumerChanges ?? true
        guard notifies, configuration.groups.notifiesConsumerChanges else { return }
        let numbers = clients.withLock { $0.connections(consumers: group) }
        let told = connections.connections(numbers)
        guard !told.isEmpty else { return }
        var command = RemotingCommand.request(
            .notifyConsumerIdsChanged, fields: ["consumerGroup": group])
        command.isOneWay = true
        for connection in told { connection.send(command) }
    }

    /// Forgets a connection, and tells those who share queues with its clients.
    func forget(_ connection: Connection) {
        let groups = clients.withLock { $0.remove(connection: connection.id) }
        dropPulls(of: connection)
        for group in groups { notifyConsumers(of: group) }
    }

    /// Closes connections whose clients have been silent for too long. Called by a timer.
    func closeSilentConnections() {
        let limit = configuration.network.clientExpiryMilliseconds
        let silent = clients.withLock { $0.silentConnections(now: now, after: limit) }
        for connection in connections.connections(silent) {
            connection.close(reason: "no heartbeat for \(limit) ms")
        }
        locks.withLock { $0.expire(now: now) }
    }
}
