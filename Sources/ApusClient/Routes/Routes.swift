// The routes that a client uses: asked for when they are first needed, and again on a timer or as
// soon as a broker does not answer.

internal import ApusFormat
internal import Logging
internal import Synchronization

/// Routes by topic.
final class Routes: Sendable {
    private struct State {
        var routes: [String: TopicRoute] = [:]
        /// Topics that do not exist yet, whose routes are those of the template.
        var templates: Set<String> = []
    }

    private let servers: NameServers
    private let logger: Logger
    private let patience: Duration
    private let state = Mutex(State())
    private let flights = SingleFlight<String>()
    /// Told when a route is another one than before.
    private let listeners = Mutex<[@Sendable (String) -> Void]>([])
    /// Rung when a route is to be looked at again at once.
    let bell = Bell()

    /// Queues of a topic that a send creates, on each broker, at most.
    static let createdQueues: Int32 = 4

    /// `patience` is how long a refresh may take.
    init(_ servers: NameServers, patience: Duration, logger: Logger) {
        self.servers = servers
        self.patience = patience
        self.logger = logger
    }

    /// What is known without asking.
    func known(_ topic: String) -> TopicRoute? { state.withLock { $0.routes[topic] } }

    /// All topics that are used.
    var topics: [String] { state.withLock { Array($0.routes.keys) } }

    /// All brokers that are known, by name.
    var groups: [String: TopicRoute.Group] {
        state.withLock { state in
            var groups: [String: TopicRoute.Group] = [:]
            for route in state.routes.values {
                for group in route.groups { groups[group.broker] = group }
            }
            return groups
        }
    }

    /// A broker by its name, by any route that has it.
    func group(_ broker: String) -> TopicRoute.Group? {
        state.withLock { state in
            for route in state.routes.values {
                if let group = route.group(broker) { return group }
            }
            return nil
        }
    }

    func onChange(_ listener: @escaping @Sendable (String) -> Void) {
        listeners.withLock { $0.append(listener) }
    }

    /// The route of a topic; asks when it is not known. Of a topic that does not exist, the route
    /// of the template when `creates`, an error otherwise.
    func route(
        of topic: String, creates: Bool, until deadline: Deadline
    ) async throws(ClientError) -> TopicRoute {
        while true {
            if let route = known(topic) { return route }
            if Task.isCancelled {
                throw .cancelled("asking NameServers for the route of \(topic)")
            }
            guard await flights.begin(topic) else { continue }
            defer { flights.end(topic) }
            return try await look(up: topic, creates: creates, until: deadline)
        }
    }

    private func look(
        up topic: String, creates: Bool, until deadline: Deadline
    ) async throws(ClientError) -> TopicRoute {
        if let route = known(topic) { return route }
        if let route = try await servers.route(of: topic, until: deadline) {
            keep(route)
            return route
        }
        let attempt = "looking for \(topic)"
        guard creates, !TopicName.isOfGroup(topic) else {
            throw ClientError(
                .noRoute, attempt, "no NameServer knows it: create the topic, or start its broker")
        }
        guard let template = try await servers.route(of: TopicName.template, until: deadline) else {
            throw ClientError(
                .noRoute, attempt,
                "no NameServer knows it, and no broker creates topics that are sent to: create the"
                    + " topic, or set autoCreateTopicEnable")
        }
        let route = template.template(for: topic, limit: Self.createdQueues)
        keep(route, isTemplate: true)
        return route
    }

    private func keep(_ route: TopicRoute, isTemplate: Bool = false) {
        let isNew = state.withLock { state in
            if isTemplate {
                state.templates.insert(route.topic)
            } else {
                state.templates.remove(route.topic)
            }
            if state.routes[route.topic] == route { return false }
            state.routes[route.topic] = route
            return true
        }
        guard isNew else { return }
        logger.debug(
            "route",
            metadata: [
                "topic": "\(route.topic)",
                "brokers": "\(route.groups.map(\.broker).joined(separator: ","))",
            ])
        for listener in listeners.withLock({ $0 }) { listener(route.topic) }
    }

    /// Asks for a topic again, whatever is known. An answer that there is none leaves the route as
    /// it is: a NameServer that was restarted knows nothing until brokers have come to it.
    func refresh(_ topic: String) async throws(ClientError) {
        if let route = try await servers.route(of: topic, until: Deadline(after: patience)) {
            keep(route)
            return
        }
        guard state.withLock({ $0.templates.contains(topic) }) else { return }
        if let template = try await servers.route(
            of: TopicName.template, until: Deadline(after: patience))
        {
            keep(template.template(for: topic, limit: Self.createdQueues), isTemplate: true)
        }
    }

    /// Asks for all topics again.
    func refreshAll() async {
        for topic in topics {
            if Task.isCancelled { return }
            do throws(ClientError) { try await refresh(topic) } catch {
                logger.warning(
                    "routes are as they were",
                    metadata: ["topic": "\(topic)", "reason": "\(error)"])
                if error.kind == .noNameServer { return }
            }
        }
    }

    /// Keeps the routes up to date until the task is cancelled.
    func run(every interval: Duration) async {
        while !Task.isCancelled {
            await bell.wait(atMost: interval)
            if Task.isCancelled { return }
            await refreshAll()
            // Many may notice the same broken connection.
            try? await Task.sleep(for: min(interval, .milliseconds(500)))
        }
    }
}
