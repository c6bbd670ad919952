// Who is connected: producers and consumers by group, as their heartbeats tell.
//
// A value behind one lock; nothing here sends. What has to be told to whom is answered, and told by
// the caller when the lock is free again.

/// Names a connection.
typealias ConnectionNumber = UInt64

/// A client as its last heartbeat described it.
struct ClientDescription: Hashable, Sendable {
    var id: String
    /// The number of its language in the protocol.
    var language: UInt8
    /// The ordinal of its RocketMQ version.
    var version: Int32
}

/// A client of a group.
struct RegisteredClient: Sendable {
    let connection: ConnectionNumber
    var description: ClientDescription
    /// Milliseconds, by the registry's clock.
    var lastHeartbeat: Int64
}

/// The consumers of a group.
struct ConsumerGroup: Sendable {
    var clients: [ConnectionNumber: RegisteredClient] = [:]
    var consumption: ConsumptionStyle
    /// By topic.
    var subscriptions: [String: Subscription] = [:]

    /// The ids of its clients, each once, sorted.
    var clientIDs: [String] { Set(clients.values.map(\.description.id)).sorted() }
}

/// Producers and consumers, by group.
struct ClientRegistry {
    private(set) var consumers: [String: ConsumerGroup] = [:]
    private(set) var producers: [String: [ConnectionNumber: RegisteredClient]] = [:]
    /// The connection of each producer's last heartbeat, by the client's id.
    private var producerConnections: [String: ConnectionNumber] = [:]

    /// Notes a consumer's heartbeat. True when the group's clients or subscriptions differ now, so
    /// that its clients are to share the queues anew.
    mutating func register(consumer: ConsumerHeartbeat, client: RegisteredClient) -> Bool {
        var group =
            consumers[consumer.group] ?? ConsumerGroup(consumption: consumer.consumption)
        group.consumption = consumer.consumption
        let known = group.clients.updateValue(client, forKey: client.connection)
        var isChanged = known?.description.id != client.description.id
        if let subscriptions = consumer.subscriptions {
            isChanged = group.update(subscriptions) || isChanged
        }
        consumers[consumer.group] = group
        return isChanged
    }

    mutating func register(producer group: String, client: RegisteredClient) {
        let known = producers[group, default: [:]].updateValue(client, forKey: client.connection)
        if let known, known.description.id != client.description.id { forget(producer: known) }
        producerConnections[client.description.id] = client.connection
    }

    /// A consumer leaves. True when it was there.
    mutating func unregister(consumer group: String, connection: ConnectionNumber) -> Bool {
        guard consumers[group]?.clients.removeValue(forKey: connection) != nil else { return false }
        if consumers[group]?.clients.isEmpty == true { consumers[group] = nil }
        return true
    }

    mutating func unregister(producer group: String, connection: ConnectionNumber) {
        guard let client = drop(producer: group, connection: connection) else { return }
        let id = client.description.id
        if !producers.values.contains(where: { $0[connection]?.description.id == id }) {
            forget(producer: client)
        }
    }

    private mutating func drop(
        producer group: String, connection: ConnectionNumber
    ) -> RegisteredClient? {
        let client = producers[group]?.removeValue(forKey: connection)
        if producers[group]?.isEmpty == true { producers[group] = nil }
        return client
    }

    /// The client's id leads to its connection no more.
    private mutating func forget(producer client: RegisteredClient) {
        let id = client.description.id
        if producerConnections[id] == client.connection { producerConnections[id] = nil }
    }

    /// The connection on which a producer with this id was heard of last; nil when it has left.
    func connection(producer id: String) -> ConnectionNumber? { producerConnections[id] }

    /// A connection is gone, and with it all that came over it: the groups that lost a consumer.
    mutating func remove(connection: ConnectionNumber) -> [String] {
        for (group, clients) in producers where clients[connection] != nil {
            if let client = drop(producer: group, connection: connection) {
                forget(producer: client)
            }
        }
        return consumers.keys.filter { unregister(consumer: $0, connection: connection) }
    }

    /// Connections whose clients have been silent for longer than `limit` milliseconds.
    func silentConnections(now: Int64, after limit: Int64) -> Set<ConnectionNumber> {
        let groups = consumers.values.map(\.clients) + producers.values
        let silent = groups.lazy.flatMap(\.values).filter { now &- $0.lastHeartbeat > limit }
        return Set(silent.map(\.connection))
    }

    /// The connections of a group's consumers.
    func connections(consumers group: String) -> [ConnectionNumber] {
        consumers[group].map { Array($0.clients.keys) } ?? []
    }

    /// What a group wants of a topic.
    func subscription(group: String, topic: String) -> Subscription? {
        consumers[group]?.subscriptions[topic]
    }

    /// The groups that subscribe to a topic, sorted.
    func groups(subscribingTo topic: String) -> [String] {
        consumers.filter { $0.value.subscriptions[topic] != nil }.map(\.key).sorted()
    }
}

extension ConsumerGroup {
    /// Takes the newest of each topic and drops topics that are not named any more. True when the
    /// topics differ now.
    fileprivate mutating func update(_ newest: [Subscription]) -> Bool {
        let topics = Set(newest.map(\.topic))
        var isChanged = false
        for subscription in newest {
            let known = subscriptions[subscription.topic]
            if known == nil { isChanged = true }
            if let known, known.version >= subscription.version { continue }
            subscriptions[subscription.topic] = subscription
        }
        for topic in subscriptions.keys where !topics.contains(topic) {
            subscriptions[topic] = nil
            isChanged = true
        }
        return isChanged
    }
}
