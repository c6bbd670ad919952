// Where a topic's messages can be sent to, made once for each route that becomes known.

internal import ApusFormat
internal import ApusRemoting
internal import Synchronization

/// A queue, and the broker that has it. A class: each message that is sent holds on to one.
final class SendTarget: Sendable {
    let queue: MessageQueue
    let endpoint: Endpoint
    /// Its place among the targets of its route.
    let place: Int

    init(queue: MessageQueue, endpoint: Endpoint, place: Int) {
        self.queue = queue
        self.endpoint = endpoint
        self.place = place
    }
}

/// The queues of a topic that can be sent to, chosen in turn.
final class PublishRoute: Sendable {
    let topic: String
    let targets: [SendTarget]
    /// Fields of a send that are the same for all messages of the topic.
    let head: PreparedFields
    /// Of the targets: who looks here need not hold on to a target, which both ends of a pipeline
    /// would count.
    let endpoints: [Endpoint]
    let queues: [MessageQueue]
    /// Sends of one plain message each, to the targets.
    let templates: [RequestTemplate]
    private let suspects: Suspects
    // Has no partner: only that the choices differ matters.
    private let turn: Atomic<Int>

    init(_ topic: String, _ queues: [(MessageQueue, Endpoint)], _ sender: SenderIdentity) {
        self.topic = topic
        suspects = sender.suspects
        let head = PreparedFields(
            "a", sender.group, ("b", topic), ("c", TopicName.template),
            ("d", "\(Routes.createdQueues)"))
        self.head = head
        targets = queues.enumerated().map { place, target in
            SendTarget(queue: target.0, endpoint: target.1, place: place)
        }
        endpoints = targets.map(\.endpoint)
        self.queues = targets.map(\.queue)
        templates = targets.map { target in
            RequestTemplate(.sendMessageV2, number: "g", last: "i", start: sender.start.rawSpan) {
                $0.append(head)
                $0.append("e", Int64(target.queue.id))
                $0.append("f", 0 as Int64)
                $0.append("h", 0 as Int64)
                $0.append(target.endpoint.tail)
            }
        }
        turn = Atomic(targets.isEmpty ? 0 : Int.random(in: 0..<targets.count))
    }

    /// The next queue in turn. Not of a broker in `failed`, nor of one that was slow or silent
    /// lately, as long as there is another.
    func next(avoiding failed: [String] = []) -> SendTarget? {
        place(avoiding: failed).map { targets[$0] }
    }

    private func place(avoiding failed: [String]) -> Int? {
        if endpoints.isEmpty { return nil }
        let start = turn.wrappingAdd(1, ordering: .relaxed).oldValue & Int.max
        if suspects.areNone, failed.isEmpty { return start % endpoints.count }
        var second: Int?
        for step in 0..<endpoints.count {
            let place = ((start &+ step) & Int.max) % endpoints.count
            if !failed.isEmpty, failed.contains(endpoints[place].broker) { continue }
            if !endpoints[place].isAvoided { return place }
            if second == nil { second = place }
        }
        return second ?? start % endpoints.count
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

    /// Where the queue for a key is among the targets, or without one the next in turn.
    @inline(__always)
    func place(for key: String?) -> Int? {
        if let key { return target(for: key)?.place }
        return place(avoiding: [])
    }

    func target(_ queue: MessageQueue) -> SendTarget? { targets.first { $0.queue == queue } }
}

/// What all sends of a producer say of it.
struct SenderIdentity: Sendable {
    let group: String
    /// With what the properties of all messages begin.
    let start: [UInt8]
    let suspects = Suspects()

    init(group: String, _ generator: UniqueIDGenerator) {
        self.group = group
        start = Array(PropertyName.uniqueKey.utf8) + [Properties.nameEnd] + generator.start
    }
}

/// Publish routes by topic, as long as routes stay the same.
final class PublishRoutes: Sendable {
    private struct State {
        var routes: [String: PublishRoute] = [:]
        /// By `broker address`, so that topics share them.
        var endpoints: [String: Endpoint] = [:]
    }

    private let state = Mutex(State())
    private let sender: SenderIdentity
    // Moves behind a change of `state`; partner: `generation`.
    private let changes = Atomic(0)

    init(_ sender: SenderIdentity) { self.sender = sender }

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
            let queues = route.writable.compactMap { queue -> (MessageQueue, Endpoint)? in
                guard let address = route.group(queue.broker)?.master else { return nil }
                let key = "\(queue.broker) \(address)"
                let endpoint =
                    state.endpoints[key]
                    ?? Endpoint(
                        broker: queue.broker, address: address, sender.suspects)
                state.endpoints[key] = endpoint
                return (queue, endpoint)
            }
            let made = PublishRoute(route.topic, queues, sender)
            if self.generation == generation { state.routes[route.topic] = made }
            return made
        }
    }
}
