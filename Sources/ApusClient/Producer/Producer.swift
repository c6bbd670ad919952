// Sends messages. The life of one: `send` here → check and prepare → a queue → `Endpoint` → frame.

internal import ApusFormat
internal import ApusRemoting
internal import ApusSystem
internal import Logging
internal import Synchronization

/// Sends messages to the topics of a RocketMQ system. Made once and used by any number of tasks.
///
/// `run()` keeps routes fresh, tells brokers that the producer is there, and answers them about
/// transactions; sends are possible as soon as it runs, and until it ends.
///
/// ```swift
/// let producer = try Producer(ProducerConfiguration(nameServers: "127.0.0.1:9876"))
/// try await producer.running { producer in
///     let receipt = try await producer.send(Message("hello", to: "Orders", tag: "new"))
///     print(receipt.id, receipt.queue, receipt.queueOffset)
/// }
/// ```
public final class Producer: Sendable {
    let configuration: ProducerConfiguration
    let core: ClientCore
    let window: SendWindow
    let publishing: PublishRoutes
    let generator: UniqueIDGenerator
    /// Rung when brokers should hear of the producer at once.
    let heartbeat = Bell()
    let checks: TransactionChecks
    let replies = AwaitedReplies()
    /// Nil where nobody wants to know.
    let observer: SendObserver?
    let tracing: ClientTracing?
    private let life = Mutex(Life.new)
    // Of `life`, for who asks each time. Has no partner: sends that are under way are waited for.
    private let isEnded = Atomic(false)

    private enum Life { case new, running, ended }

    /// Checks the settings; connects to nobody yet. Brokers that hear nothing of the end of a
    /// transaction ask `checkingTransactions`.
    public init(
        _ configuration: ProducerConfiguration,
        checkingTransactions check: TransactionCheck? = nil
    ) throws(ClientError) {
        try configuration.check()
        self.configuration = configuration
        let core = try ClientCore(configuration.client)
        self.core = core
        window = SendWindow(
            count: configuration.maximumInFlight, bytes: configuration.maximumInFlightBytes)
        generator = core.identity.generator
        publishing = PublishRoutes(SenderIdentity(group: configuration.group, generator))
        checks = TransactionChecks(check)
        observer = SendObserver(core, group: configuration.group)
        tracing = ClientTracing(configuration.client.tracer)
        core.routes.onChange { [publishing, heartbeat] topic in
            publishing.forget(topic)
            heartbeat.ring()
        }
        checks.listen(to: core.requests)
        replies.listen(to: core.requests)
    }

    /// What brokers call this client.
    public var clientID: String { core.identity.id }

    /// Sends that are under way: at no moment more than `maximumInFlight`.
    public var inFlight: Int { window.inFlight }

    /// Does the work in the background until its task is cancelled, then waits for what is under
    /// way, at most as long as a send may take, and closes the connections. Once for each producer.
    /// It has the shape of ServiceLifecycle's `Service`.
    public func run() async throws(ClientError) {
        let mayBegin = life.withLock { life in
            defer { if life == .new { life = .running } }
            return life == .new
        }
        guard mayBegin else {
            throw ClientError(.closed, "running a producer", "it runs already, or has ended")
        }
        await withDiscardingTaskGroup { tasks in
            tasks.addTask {
                await self.core.routes.run(every: self.configuration.client.routeRefreshInterval)
            }
            tasks.addTask {
                await self.core.sendHeartbeats(self.heartbeat, toMastersOnly: true) {
                    self.heartbeatBody
                }
            }
            if let trace = observer?.trace { tasks.addTask { await trace.run() } }
            await self.answerTransactionChecks()
        }
        life.withLock { $0 = .ended }
        isEnded.store(true, ordering: .relaxed)
        // In a task that nobody cancels, and that is waited for: the end takes questions to
        // servers, too.
        await Task { await self.end() }.value
    }

    private func end() async {
        await drain()
        await observer?.trace?.flush()
        await core.unregister(producer: configuration.group)
        await core.remoting.close()
    }

    /// Runs the producer as long as `body` takes.
    @discardableResult
    public func running<Result: Sendable>(
        _ body: @Sendable (Producer) async throws -> Result
    ) async throws -> Result {
        try await runningBeside({ try await self.run() }, { try await body(self) })
    }

    /// Waits for what is under way.
    private func drain() async {
        let end = Deadline(after: configuration.sendTimeout)
        while window.inFlight > 0, !end.isOver { try? await Task.sleep(for: .milliseconds(5)) }
    }

    var heartbeatBody: JSON {
        let member: JSONObject = ["groupName": .string(configuration.group)]
        let fields: JSONObject = [
            "clientID": .string(clientID), "consumerDataSet": [],
            "producerDataSet": [.object(member)],
        ]
        return .object(fields)
    }

    /// Where the topic's messages can go.
    func publishRoute(
        _ topic: String, until deadline: Deadline
    ) async throws(ClientError) -> PublishRoute {
        if let route = publishing.known(topic) { return route }
        let route = try await core.routes.route(
            of: topic, creates: configuration.createsTopics, until: deadline)
        let generation = publishing.generation
        // Looked at again behind the generation: what changes from here on is noticed.
        return publishing.make(core.routes.known(topic) ?? route, generation)
    }

    func checkIsOpen(_ attempt: @autoclosure () -> String) throws(ClientError) {
        if !isOpen { throw .closed(attempt()) }
    }

    /// Whether it may send: from the beginning on, until `run` ends.
    var isOpen: Bool { !isEnded.load(ordering: .relaxed) }

    /// Now, by the wall clock.
    var wallMilliseconds: Int64 { TimeSource.system.wallMilliseconds }
}
