// Calls a handler for each message that comes.

internal import ApusRemoting
internal import Logging
internal import Synchronization

/// Consumes messages by calling a handler, many at once or each queue in order.
///
/// ```swift
/// let configuration = ConsumerConfiguration(
///     ClientConfiguration(nameServers: "127.0.0.1:9876"), group: "billing",
///     Subscription("Orders", tags: "new || paid"))
/// let consumer = try PushConsumer(configuration) { message in
///     try await bill(message.decode(Order.self))
/// }
/// try await consumer.run()
/// ```
///
/// A message is done when the handler returns. When it throws, the message is delivered again
/// later, to any member, and after too many times it goes to the topic `%DLQ%group`. A message can
/// come twice: when the consumer ends while it is in hand, when its queue goes to another member,
/// and when it was sent twice.
public final class PushConsumer: Sendable {
    let member: GroupMember
    private let core: ClientCore
    private let work: WorkQueue
    private let handler: WatchedHandler
    private let back: SendBack
    private let configuration: ConsumerConfiguration
    private let requests = GroupRequests()
    private let hasBegun = Atomic(false)

    /// How messages are handed to the handler.
    public enum Order: Sendable, Hashable {
        /// Many at once, in any order.
        case concurrent
        /// Those of a queue one after the other, as they lie in it. A message that fails holds its
        /// queue up until it succeeds.
        case perQueue
    }

    /// Checks the settings, and reads the offsets of a broadcasting member; connects to nobody yet.
    public convenience init(
        _ configuration: ConsumerConfiguration, order: Order = .concurrent,
        handler: @escaping MessageHandler
    ) throws(ClientError) {
        try self.init(configuration, order, .each(handler))
    }

    /// The same with a handler of batches: up to `handlerBatch` messages of one queue.
    public convenience init(
        batches configuration: ConsumerConfiguration, order: Order = .concurrent,
        handler: @escaping BatchHandler
    ) throws(ClientError) {
        try self.init(configuration, order, .batch(handler))
    }

    private init(
        _ configuration: ConsumerConfiguration, _ order: Order, _ handler: Handler
    ) throws(ClientError) {
        try configuration.check()
        if configuration.subscriptions.isEmpty {
            throw ClientError(
                .invalidSetting, "reading the configuration", "no topic is subscribed to")
        }
        let core = try ClientCore(configuration.client)
        let keeper = try configuration.keeper(core)
        self.core = core
        self.configuration = configuration
        let handler = WatchedHandler(
            handler: handler, observer: HandlerObserver(core, group: configuration.group))
        self.handler = handler
        work = WorkQueue(limit: handler.takesMany ? configuration.handlerBatch : 1)
        let isOrderly = order == .perQueue
        // Without end is what RocketMQ writes so.
        let retries =
            configuration.maximumRetries ?? (isOrderly ? Int(Int32.max) : SendBack.usualRetries)
        back = SendBack(core: core, group: configuration.group, maximumRetries: retries)
        let ordered = OrderedQueues(configuration, handler, back)
        if isOrderly {
            member = GroupMember(configuration, core, keeper, ordered) { await ordered.run($0) }
        } else {
            member = GroupMember(configuration, core, keeper, work)
        }
        requests.listen(to: member)
        requests.keepDirect(core.requests)
    }

    /// What brokers call this client.
    public var clientID: String { core.identity.id }

    /// Consumes until its task is cancelled or `stop` is called; then handlers may go on for
    /// `drainLimit` with what they have, offsets are committed, and brokers are told. Once for each
    /// consumer. It has the shape of ServiceLifecycle's `Service`.
    public func run() async throws(ClientError) {
        guard !hasBegun.exchange(true, ordering: .relaxed) else {
            throw ClientError(.closed, "running a consumer", "it runs already, or has ended")
        }
        // Of its own, so that cancelling this one does not cancel handlers in the middle of their
        // work. It is waited for: nothing goes on behind.
        let work = Task { await self.consume() }
        await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            stop()
        }
    }

    /// Runs the consumer as long as `body` takes.
    @discardableResult
    public func running<Result: Sendable>(
        _ body: @Sendable (PushConsumer) async throws -> Result
    ) async throws -> Result {
        try await runningBeside({ try await self.run() }, { try await body(self) })
    }

    /// Begins the end; `run` returns when it has come.
    public func stop() { member.stop() }

    private func consume() async {
        await withDiscardingTaskGroup { tasks in
            if !member.isOrderly {
                for _ in 0..<configuration.concurrency {
                    tasks.addTask { await self.handleMessages() }
                }
            }
            tasks.addTask { await self.answerRequests() }
            if let observer = handler.observer { tasks.addTask { await self.report(to: observer) } }
            await member.run(in: &tasks)
            work.close()
            tasks.cancelAll()
        }
        await handler.observer?.trace?.flush()
        await core.remoting.close()
    }

    /// Sends traces, and says how far behind the consumer is.
    private func report(to observer: HandlerObserver) async {
        await withDiscardingTaskGroup { tasks in
            if let trace = observer.trace { tasks.addTask { await trace.run() } }
            while !Task.isCancelled {
                try? await Task.sleep(for: configuration.commitInterval)
                observer.meters?.note(lag: progress.reduce(0) { $0 + Double($1.lag) })
            }
        }
    }

    private func answerRequests() async {
        await withDiscardingTaskGroup { tasks in
            while !Task.isCancelled {
                for request in requests.takeAll() {
                    tasks.addTask {
                        await self.handler.answer(request, isOrderly: self.member.isOrderly)
                    }
                }
                await requests.bell.wait()
            }
        }
    }

    private func handleMessages() async {
        while let work = await work.next() {
            let isDone = await handle(work)
            work.held.takeBack(work.handed, isDone: isDone, configuration)
        }
    }

    /// Whether all are done: handled, or sent back.
    private func handle(_ work: Work) async -> Bool {
        guard let failure = await handler.handle(work.handed.messages) else { return true }
        // At the end of its time a handler may be cancelled: what it had comes again.
        if Task.isCancelled { return false }
        let failed = work.handed.messages[failure.from...]
        core.logger.info(
            "messages were not handled",
            metadata: [
                "first": "\(failed.first.map { "\($0)" } ?? "")", "count": "\(failed.count)",
                "error": "\(failure.error)",
            ])
        // Each member has its own copy of a broadcast: nobody else would take it again.
        if configuration.model == .broadcasting { return true }
        for message in failed {
            if !(await back.send(message, delayLevel: failure.delayLevel)) { return false }
        }
        return true
    }
}

// What an application can ask of it.
extension PushConsumer {
    /// How far it has come, in each of its queues.
    public var progress: [ConsumerProgress] {
        member.heldQueues.map(\.report).sorted { $0.queue < $1.queue }
    }

    /// Hands nothing more out, and reads nothing more; the queues stay its own.
    public func pause() { setPaused(true) }

    public func resume() { setPaused(false) }

    private func setPaused(_ isPaused: Bool) {
        member.state.withLock { $0.isPaused = isPaused }
        for held in member.heldQueues {
            held.setPaused(isPaused)
            if !isPaused, held.hasWaiting { member.sink.hasMessages(held) }
        }
    }
}
