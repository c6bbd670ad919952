// Where a topic's messages can be sent to, made once for each route that becomes known.

internal import ApusFormat
internal import ApusRemoting
internal import Synchronization

/// A queue, and the broker that has it. A class: each message that is sent holds on to one.
final class SendTarget: Sendable {
    let queue: MessageQueue
    let endpoint: Endpoint

    init(queue: MessageQueue, endpoint: Endpoint) {
        self.queue = queue
        self.endpoint = endpoint
    }
}

/// The queues of a topic that can be sent to, chosen in turn.
final class PublishRoute: Sendable {
    let topic: String
    let targets: [SendTarget]
    /// Fields of a send that are the same for all messages of the topic.
    let head: PreparedFields
    // Has no partner: only that the choices differ matters.
    private let turn: Atomic<Int>

    init(topic: String, targets: [SendTarget], group: String) {
        self.topic = topic
        self.targets = targets
        head = PreparedFields(
            "a", group, ("b", topic), ("c", TopicName.template), ("d", "\(Routes.createdQueues)"))
        turn = Atomic(targets.isEmpty ? 0 : Int.random(in: 0..<targets.count))
    }

    /// The next queue in turn. Not of a broker in `failed`, nor of one that was slow or silent
    /// lately, as long as there is another.
    func next(avoiding failed: [String] = []) -> SendTarget? {
        if targets.isEmpty { return nil }
        let start = turn.wrappingAdd(1, ordering: .relaxed).oldValue
        var second: SendTarget?
        for step in 0..<targets.count {
            let place = (start &+ step) & Int.max
            let target = targets[place % targets.count]
            if failed.contains(target.endpoint.broker) { continue }
            if !target.endpoint.isAvoided { return target }
            if second == nil { second = target }
        }
        return second ?? targets[(start & Int.max) % targets.count]
    }

    /// The queue for a key, always the same while the queues are: as RocketMQ's client chooses by
    /// Java's hash.
    func target(for key: String) -> SendTarget? {
        if targets.isEmpty { return nil }
        let hash = JavaHash.hashCode(utf8: Array(key.utf8).rawSpan)
        // Java's `Math.abs` leaves the least number negative, and the client takes 0 for it.
        let number = hash == .min ? 0 : Int(abs(hash))
        return targets[number % targets.count]
    }

    func target(_ queue: MessageQueue) -> SendTarget? { targets.first { $0.queue == queue } }
}

/// Publish routes by topic, as long as routes stay the same.
final class PublishRoutes: Sendable {
    private struct State {
        var routes: [String: PublishRoute] = [:]
        /// By `broker address`, so that topics share them.
        var endpoints: [String: Endpoint] = [:]
    }

    private let state = Mutex(State())
    private let group: String
    // Moves behind a change of `state`; partner: `generation`.
    private let changes = Atomic(0)

    init(group: String) { self.group = group }

    func known(_ topic: String) -> PublishRoute? { state.withLock { $0.routes[topic] } }

    /// Another number whenever a route changes: what was known before may be kept until then.
    var generation: Int { changes.load(ordering: .acquiring) }

    func forget(_ topic: String) {
        state.withLock { state in
            state.routes[topic] = nil
            changes.wrappingAdd(1, ordering: .releasing)
        }
    }

    /// Made of a route that was looked up in a generation; kept only if no other route has come
    /// since.
    func make(_ route: TopicRoute, _ generation: Int) -> PublishRoute {
        state.withLock { state in
            let targets = route.writable.compactMap { queue -> SendTarget? in
                guard let address = route.group(queue.broker)?.master else { return nil }
                let key = "\(queue.broker) \(address)"
                let endpoint =
                    state.endpoints[key] ?? Endpoint(broker: queue.broker, address: address)
                state.endpoints[key] = endpoint
                return SendTarget(queue: queue, endpoint: endpoint)
            }
            let made = PublishRoute(topic: route.topic, targets: targets, group: group)
            if self.generation == generation { state.routes[route.topic] = made }
            return made
        }
    }
}
