// Many messages under way at once, for one who does not want a task for each: sending returns when
// the message is on its way, and a closure hears what came of it.

internal import ApusRemoting
internal import Synchronization

/// What of a pipeline comes back: which message, and what came of it.
public typealias PipelineResult = Result<SendReceipt, ClientError>

extension Producer {
    /// Runs `body` with a pipeline, and returns when everything that was sent through it has been
    /// answered.
    ///
    /// `onResult` is called once for each message, with the number that `send` gave it, on an event
    /// loop or in a task: it must not block. Failed attempts are repeated as `send` does it; a
    /// message with a sharding key may then come behind one that was sent after it.
    ///
    /// ```swift
    /// try await producer.withPipeline { number, result in
    ///     if case .failure(let error) = result { print(number, error) }
    /// } body: { pipeline in
    ///     for line in lines { try await pipeline.send(Message(line, to: "Lines")) }
    /// }
    /// ```
    public func withPipeline<Value: Sendable>(
        onResult: @escaping @Sendable (Int, PipelineResult) -> Void,
        body: @Sendable (SendPipeline) async throws -> Value
    ) async throws -> Value {
        let pipeline = SendPipeline(self, onResult)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { await pipeline.repeatFailures() }
            let result: Result<Value, any Error>
            do { result = .success(try await body(pipeline)) } catch { result = .failure(error) }
            pipeline.end()
            try await tasks.waitForAll()
            return try result.get()
        }
    }
}

/// The sending end of `withPipeline`. Any number of tasks may send.
public final class SendPipeline: Sendable {
    private let producer: Producer
    private let onResult: @Sendable (Int, PipelineResult) -> Void
    private let bell = Bell()
    private let state = Mutex(State())
    private let cycle = PipelineCycle()
    /// Answered in the read cycle that is under way.
    private let stored = Mutex(Stored())
    /// Places for messages that were handed over and are not answered: twice as many as may be
    /// under way, so that the event loop finds the next ones when answers come, and no thread has
    /// to be woken for them in time.
    private let room: SendWindow

    private struct Stored {
        var sends: [PipelinedSend] = []
        var receipts: [SendReceipt] = []
    }

    private struct State {
        var sent = 0
        var answered = 0
        var isEnding = false
        /// What waits for a place among those under way, in the order of its numbers.
        var backlog = PipelineBacklog()
        /// What is to be tried by a task of its own.
        var failures: [PipelinedSend] = []
        /// Those that are through, for others.
        var spare: [PipelinedSend] = []
        /// The route that was used last, and the generation of routes that it is of.
        var route: PublishRoute?
        var generation = 0
    }

    init(_ producer: Producer, _ onResult: @escaping @Sendable (Int, PipelineResult) -> Void) {
        self.producer = producer
        self.onResult = onResult
        room = SendWindow(
            count: 2 * producer.configuration.maximumInFlight,
            bytes: 2 * producer.configuration.maximumInFlightBytes)
        cycle.pipeline = self
    }

    /// Sends a message; waits only while too much is not answered: `maximumInFlight` messages may
    /// be under way, and as many wait behind them. Answers with the message's number, from 0 on.
    /// Throws for a message that cannot be sent, or when the task is cancelled: nothing was sent
    /// then, and `onResult` hears nothing.
    @discardableResult
    public func send(
        _ message: Message, shardingKey: String? = nil
    ) async throws(ClientError) -> Int {
        try producer.checkIsOpen("sending to \(message.topic)")
        if let tracing = producer.tracing {
            return try await hand(over: tracing.mark(message), shardingKey)
        }
        return try await hand(over: message, shardingKey)
    }

    private func hand(
        over message: Message, _ shardingKey: String?
    ) async throws(ClientError) -> Int {
        let generation = producer.publishing.generation
        let (spare, topicIsGood, isKnown) = state.withBriefLock { state in
            // A topic with a route has a name that is one.
            let topicIsGood = state.route?.topic == message.topic
            return (
                state.spare.popLast(), topicIsGood, topicIsGood && state.generation == generation
            )
        }
        // The first ones would otherwise take a task each, and overtake each other.
        if !isKnown, producer.publishing.known(message.topic) == nil {
            await producer.prepareRoute(message.topic)
        }
        let sending = spare ?? PipelinedSend(self)
        let bytes: Int
        do throws(ClientError) {
            bytes = try sending.prepare(
                message, shardingKey.map { .key($0) } ?? .inTurn, topicIsGood, with: producer)
        } catch {
            keep(sending)
            throw error
        }
        if !room.tryEnter(bytes), await !room.enter(bytes) {
            keep(sending)
            throw .cancelled("sending to \(message.topic)")
        }
        let (number, pumps) = state.withBriefLock { state in
            let number = state.sent
            state.sent += 1
            sending.setNumber(number)
            state.backlog.append(sending, bytes)
            return (number, state.backlog.beginPumping())
        }
        if pumps { pump() }
        return number
    }

    private func keep(_ sending: PipelinedSend) { state.withBriefLock { $0.spare.append(sending) } }

    /// Begins what waits, as far as there are places, one after the other: for whoever was told to.
    private func pump() {
        while true {
            let (next, isStuck) = state.withBriefLock { $0.backlog.next(producer.window) }
            guard let next else {
                if isStuck { bell.ring() }
                return
            }
            begin(next)
        }
    }

    private func pumpIfNeeded() {
        if state.withBriefLock({ $0.backlog.beginPumping() }) { pump() }
    }

    /// The first attempt, without a task. What cannot go at once goes by `repeatFailures`.
    private func begin(_ sending: PipelinedSend) {
        let generation = producer.publishing.generation
        let topic = sending.topic
        let known = state.withBriefLock { state -> PublishRoute? in
            state.generation == generation && state.route?.topic == topic ? state.route : nil
        }
        let route = known ?? producer.publishing.known(topic)
        if known == nil {
            state.withBriefLock { state in
                state.route = route
                state.generation = generation
            }
        }
        if !sending.begin(route, producer) { leave(sending) }
    }

    private func leave(_ sending: PipelinedSend) {
        state.withBriefLock { $0.failures.append(sending) }
        bell.ring()
    }

    /// What came of the first attempt, on the event loop.
    func answered(_ sending: PipelinedSend, _ outcome: SendOutcome, on connection: Connection) {
        guard case .stored(let receipt) = outcome,
            receipt.status == .stored || !producer.configuration.retriesWhatIsNotSafe
        else { return failed(sending, outcome) }
        // Those that were answered together are told together.
        let isFirst = stored.withBriefLock { stored in
            stored.sends.append(sending)
            stored.receipts.append(receipt)
            return stored.sends.count == 1
        }
        if isFirst { connection.onEndOfCycle(cycle) }
    }

    func failed(_ sending: PipelinedSend, _ outcome: SendOutcome) {
        sending.note(outcome)
        leave(sending)
    }

    private func finish(_ sending: PipelinedSend, _ result: PipelineResult) {
        let bytes = sending.byteCount
        tell(sending, result)
        producer.window.leave(bytes: bytes)
        state.withBriefLock { $0.backlog.ended(1) }
        pumpIfNeeded()
        finished([sending], bytes)
    }

    private func tell(_ sending: PipelinedSend, _ result: PipelineResult) {
        if let observer = producer.observer { sending.tell(observer, result) }
        onResult(sending.end(), result)
    }

    private func finished(_ sendings: [PipelinedSend], _ bytes: Int) {
        let isOver = state.withBriefLock { state in
            state.answered += sendings.count
            state.spare.append(contentsOf: sendings)
            return state.isEnding && state.answered == state.sent
        }
        room.leave(sendings.count, bytes: bytes)
        if isOver { bell.ring() }
    }

    /// Nothing more is sent.
    fileprivate func end() {
        state.withBriefLock { $0.isEnding = true }
        bell.ring()
    }

    /// Tries again what failed, until all is answered. When the task is cancelled, what is on its
    /// way is still waited for, but not tried again.
    fileprivate func repeatFailures() async {
        await withDiscardingTaskGroup { tasks in
            while true {
                let (failures, isOver) = state.withBriefLock { state in
                    defer { state.failures = [] }
                    return (
                        state.failures,
                        state.failures.isEmpty && state.isEnding && state.answered == state.sent
                    )
                }
                if isOver { return }
                for sending in failures {
                    tasks.addTask { await self.repeatAttempts(of: sending) }
                }
                if let bytes = state.withBriefLock({ $0.backlog.takeStuck() }) {
                    await waitForPlace(bytes)
                    continue
                }
                if failures.isEmpty {
                    if Task.isCancelled { await bell.waitUncancelled() } else { await bell.wait() }
                }
            }
        }
    }

    /// Others have all places: waits for one, and begins what stands first.
    private func waitForPlace(_ bytes: Int) async {
        guard await producer.window.enter(bytes) else {
            // Nobody waits any longer for what was not begun.
            let left = state.withBriefLock { $0.backlog.removeAll() }
            for (sending, bytes) in left {
                tell(sending, .failure(.cancelled("sending through a pipeline")))
                finished([sending], bytes)
            }
            return
        }
        producer.window.leave(bytes: bytes)
        pumpIfNeeded()
    }

    private func repeatAttempts(of sending: PipelinedSend) async {
        let deadline = Deadline(after: producer.configuration.sendTimeout)
        let (send, choice, target, outcome) = sending.parts
        do throws(ClientError) {
            guard let send else { throw .closed("sending through a pipeline") }
            let receipt = try await producer.goOn(send, choice, target, outcome, until: deadline)
            finish(sending, .success(receipt))
        } catch {
            finish(sending, .failure(error))
        }
    }
}

/// Tells a pipeline of its read cycles, so that the pipeline itself need not be public about it.
private final class PipelineCycle: CycleListener {
    private let state = Mutex(State())

    private struct State {
        weak var pipeline: SendPipeline?
    }

    var pipeline: SendPipeline? {
        get { state.withLock { $0.pipeline } }
        set { state.withLock { $0.pipeline = newValue } }
    }

    func cycleEnded() { pipeline?.cycleEnded() }
}

extension SendPipeline {
    fileprivate func cycleEnded() {
        // The memory goes back when it has been gone through: another loop may use it meanwhile.
        var all = Stored()
        stored.withBriefLock { swap(&all, &$0) }
        // First the next ones, so that the broker has something to do while results are told.
        let bytes = all.sends.reduce(0) { $0 + $1.byteCount }
        producer.window.leave(all.sends.count, bytes: bytes)
        let pumps = state.withBriefLock { state in
            state.backlog.ended(all.sends.count)
            return state.backlog.beginPumping()
        }
        if pumps { pump() }
        for place in all.sends.indices {
            tell(all.sends[place], .success(all.receipts[place]))
        }
        finished(all.sends, bytes)
        all.sends.removeAll(keepingCapacity: true)
        all.receipts.removeAll(keepingCapacity: true)
        stored.withBriefLock { if $0.sends.isEmpty { swap(&all, &$0) } }
    }
}

extension Producer {
    /// Goes on after a first attempt that was made elsewhere; without one it is the first.
    fileprivate func goOn(
        _ send: PreparedSend, _ choice: QueueChoice, _ target: SendTarget?,
        _ outcome: SendOutcome?, until deadline: Deadline
    ) async throws(ClientError) -> SendReceipt {
        var progress = DeliveryProgress()
        if let target, let outcome {
            let error = progress.note(
                outcome, send, target, mayUseAnother: choice.isFree || outcome.isFailure)
            notice(outcome, at: target)
            let isLast = progress.attempts >= configuration.attempts
            if case .stored(let receipt) = outcome, isLast { return receipt }
            if isLast || !progress.goesOn { throw error.inDoubt(progress.isInDoubt) }
        }
        return try await attempt(send, choice, progress, until: deadline)
    }
}
