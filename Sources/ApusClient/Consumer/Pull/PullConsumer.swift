// Hands messages to whoever asks for them, and commits what it is told to.

internal import ApusRemoting
internal import Logging
internal import Synchronization

/// Consumes messages as a sequence, with offsets in the application's hands.
///
/// ```swift
/// let consumer = try PullConsumer(configuration)
/// try await consumer.running { consumer in
///     for await message in consumer.messages {
///         try await index(message)
///         try await consumer.commit(through: message)
///     }
/// }
/// ```
///
/// With subscriptions it shares their queues with the other members of its group. Without, it reads
/// the queues that `assign` names, and nobody else is asked.
public final class PullConsumer: Sendable {
    let member: GroupMember
    private let core: ClientCore
    private let work: WorkQueue
    private let configuration: ConsumerConfiguration
    private let requests = GroupRequests()
    private let hasBegun = Atomic(false)

    /// Checks the settings; connects to nobody yet. What concerns handlers is not looked at.
    public init(_ configuration: ConsumerConfiguration) throws(ClientError) {
        try configuration.check()
        let core = try ClientCore(configuration.client)
        self.core = core
        self.configuration = configuration
        work = WorkQueue(limit: 1)
        member = GroupMember(
            configuration, core, try configuration.keeper(core), work,
            membership: configuration.subscriptions.isEmpty ? .assigned : .taking)
        requests.listen(to: member)
    }

    /// What brokers call this client.
    public var clientID: String { core.identity.id }

    /// Reads ahead until its task is cancelled or `stop` is called; then what was committed last is
    /// brought to the brokers, they are told, and `messages` ends. Once for each consumer. It has
    /// the shape of ServiceLifecycle's `Service`.
    public func run() async throws(ClientError) {
        guard !hasBegun.exchange(true, ordering: .relaxed) else {
            throw ClientError(.closed, "running a consumer", "it runs already, or has ended")
        }
        // Of its own, so that commits still go out when this one is cancelled. It is waited for.
        let work = Task { await self.read() }
        await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            stop()
        }
    }

    /// Runs the consumer as long as `body` takes.
    @discardableResult
    public func running<Result: Sendable>(
        _ body: @Sendable (PullConsumer) async throws -> Result
    ) async throws -> Result {
        try await runningBeside({ try await self.run() }, { try await body(self) })
    }

    /// Begins the end; `run` returns when it has come.
    public func stop() { member.stop() }

    private func read() async {
        await withDiscardingTaskGroup { tasks in
            await member.run(in: &tasks)
            work.close()
            tasks.cancelAll()
        }
        await core.remoting.close()
    }

    /// The messages of all queues as they come, those of a queue in order. It ends when the
    /// consumer does, or the task that asks is cancelled. Several tasks may share it: each message
    /// goes to one.
    public var messages: PulledMessages { PulledMessages(consumer: self) }

    /// The next message; nil at the end.
    func next() async -> ReceivedMessage? {
        while let work = await work.next() {
            // Only an application that is told can say what is done.
            work.held.takeBack(work.handed, isDone: true, configuration)
            if let message = work.handed.messages.first { return message.opened() }
        }
        return nil
    }
}

/// See `PullConsumer.messages`.
public struct PulledMessages: AsyncSequence, Sendable {
    public typealias Element = ReceivedMessage
    public typealias Failure = Never

    let consumer: PullConsumer

    public struct AsyncIterator: AsyncIteratorProtocol {
        let consumer: PullConsumer

        public mutating func next() async -> ReceivedMessage? { await consumer.next() }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async -> ReceivedMessage? {
            await consumer.next()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(consumer: consumer) }
}
