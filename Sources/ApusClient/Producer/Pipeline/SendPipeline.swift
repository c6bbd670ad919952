// Many messages under way at once, for one who does not want a task for each: sending returns when
// the message is on its way, and a closure hears what came of it.

internal import ApusFormat
internal import ApusRemoting
internal import ApusSystem
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
            defer { pipeline.letGo() }
            try await tasks.waitForAll()
            return try result.get()
        }
    }
}

/// The sending end of `withPipeline`. Any number of tasks may send.
public final class SendPipeline: Sendable {
    let producer: Producer
    let onResult: @Sendable (Int, PipelineResult) -> Void
    let bell = Bell()
    private let state = BriefMutex(State())
    // How many have been told. Partner: `all`.
    private let answered = Atomic(0)
    // How many there are, once no more are sent; -1 before. Either whoever tells the last one sees
    // it, or whoever sets it is seen by `takeFailures`, for which a bell is rung behind both.
    private let all = Atomic(-1)
    private let limits: PlainLimits
    /// Places for messages that were handed over and are not answered: twice as many as may be
    /// under way, so that the event loop finds the next ones when answers come, and no thread has
    /// to be woken for them in time.
    private let room: SendWindow

    /// A connection's lane, and what it is to send next.
    private struct Filling {
        let lane: SendLane
        var batch = FrameBatch()
        /// The event loop is on its way.
        var isScheduled = false
        /// Nothing of it is under way, so that no answer will have the event loop go on.
        var isResting = true
    }

    private struct State {
        var sent = 0
        var fillings: [Filling] = []
        /// What is to be tried by a task of its own.
        var failures: [FailedSend] = []
        /// Has messages, but no place for one.
        var stuck: SendLane?
        /// A place is waited for. All lanes go on when there is one, whichever it was for.
        var isAwaitingPlace = false
        /// The route that was used last, and the generation of routes that it is of.
        var route: PublishRoute?
        var generation = 0
        /// Of each target of `route`, the place of its broker's lane in `fillings`, or -1.
        var places: [Int] = []
        /// How the properties of the last plain message ended.
        var end = PlainEnd()

        func place(of endpoint: Endpoint) -> Int? {
            fillings.firstIndex { $0.lane.endpoint === endpoint }
        }

        func place(of lane: SendLane) -> Int? { fillings.firstIndex { $0.lane === lane } }

        /// Writes a plain message to a target of `route`. Nil when that has no lane.
        mutating func append(
            _ body: RawSpan, to target: Int, _ route: PublishRoute, at now: Int64,
            _ id: (millisecondsOfMonth: UInt32, counter: UInt16), begun: Int64,
            _ shardingKey: String?
        ) -> Int? {
            let place = places[target]
            if place < 0 { return nil }
            let end = end.bytes
            let start = fillings[place].batch.frames.append(
                route.templates[target], number: now, id.millisecondsOfMonth, id.counter,
                end: end.rawSpan, body: body)
            let slot = FrameSlot(
                number: sent, start: start, bytes: Int32(body.byteCount),
                route: fillings[place].batch.place(of: route), target: Int32(target),
                idTime: id.millisecondsOfMonth, idCounter: id.counter, begun: begun,
                shardingKey: shardingKey)
            fillings[place].batch.slots.append(slot)
            sent += 1
            return place
        }

        mutating func keep(_ route: PublishRoute, _ generation: Int) {
            self.generation = generation
            if self.route === route, !places.contains(-1) { return }
            self.route = route
            findPlaces()
        }

        /// Looks up where the lanes of the route's brokers are.
        mutating func findPlaces() {
            places = route?.endpoints.map { place(of: $0) ?? -1 } ?? []
        }
    }

    init(_ producer: Producer, _ onResult: @escaping @Sendable (Int, PipelineResult) -> Void) {
        self.producer = producer
        self.onResult = onResult
        limits = PlainLimits(producer)
        func twice(_ limit: Int) -> Int { limit > .max / 2 ? .max : 2 * limit }
        room = SendWindow(
            count: twice(producer.configuration.maximumInFlight),
            bytes: twice(producer.configuration.maximumInFlightBytes))
    }

    /// Sends a message; waits only while too much is not answered: `maximumInFlight` messages may
    /// be under way, and as many wait behind them. Answers with the message's number, from 0 on.
    /// Throws for a message that cannot be sent, or when the task is cancelled: nothing was sent
    /// then, and `onResult` hears nothing.
    @discardableResult
    nonisolated(nonsending) public func send(
        _ message: Message, shardingKey: String? = nil
    ) async throws(ClientError) -> Int {
        // No closure takes hold of the message here: it would be copied for that each time.
        if producer.isOpen, let number = handOverPlain(message, shardingKey) { return number }
        return try await handOverAny(message, shardingKey)
    }

    private func handOverAny(
        _ message: Message, _ shardingKey: String?
    ) async throws(ClientError) -> Int {
        try producer.checkIsOpen("sending to \(message.topic)")
        return try await handOver(producer.tracing?.mark(message) ?? message, shardingKey)
    }

    // MARK: handing over

    /// A message like most, to the topic of the one before: written straight into what goes out.
    /// Nil: nothing was done, and `handOver` is to do it.
    private func handOverPlain(_ message: borrowing Message, _ shardingKey: String?) -> Int? {
        guard limits.holdFor(message) else { return nil }
        // One by one: a closure that takes hold of a message copies all of it.
        let (topic, body, tag, waits) = (
            message.topic, message.body, message.tag, message.waitsForStore
        )
        let bytes = body.count
        let now = producer.wallMilliseconds
        guard RequestTemplate.numbers.contains(now), room.tryEnter(bytes: bytes) else { return nil }
        let generation = producer.publishing.generation
        let id = producer.generator.nextParts(milliseconds: now)
        let begun = begun()
        let (number, next) = state.withBriefLock { state -> (Int?, SendLane?) in
            guard state.generation == generation, let route = state.route,
                route.topic == topic, state.end.isOf(tag, waits),
                let target = route.place(for: shardingKey),
                let place = state.append(
                    body.rawSpan, to: target, route, at: now, id, begun: begun,
                    shardingKey)
            else { return (nil, nil) }
            return (state.sent - 1, laneToSchedule(place, &state))
        }
        if number == nil { room.leave(bytes: bytes) }
        next?.schedule()
        return number
    }

    /// The lane, if the event loop has to be told that it has something to send.
    @inline(__always)
    private func laneToSchedule(_ place: Int, _ state: inout State) -> SendLane? {
        if state.fillings[place].isScheduled { return nil }
        if !state.fillings[place].isResting, producer.window.free == 0 { return nil }
        state.fillings[place].isScheduled = true
        return state.fillings[place].lane
    }

    /// Any message.
    private func handOver(
        _ message: Message, _ shardingKey: String?
    ) async throws(ClientError) -> Int {
        let send = try producer.prepare(message, "sending to \(message.topic)")
        guard await room.enter(send.body.count) else {
            throw .cancelled("sending to \(message.topic)")
        }
        // The first ones would otherwise take a task each, and overtake each other.
        if producer.publishing.known(message.topic) == nil {
            await producer.prepareRoute(message.topic)
        }
        let generation = producer.publishing.generation
        // A route that was forgotten just now does for one more message: a task of its own would
        // overtake those that wait here.
        let route =
            producer.publishing.known(message.topic)
            ?? state.withBriefLock { $0.route?.topic == message.topic ? $0.route : nil }
        let choice = shardingKey.map { QueueChoice.key($0) } ?? .inTurn
        let target = route.flatMap { producer.choose(choice, $0, avoiding: []) }
        let (number, next, isFailure) = state.withBriefLock { state -> (Int, SendLane?, Bool) in
            let number = state.sent
            guard let route, let target, let place = lane(to: target.endpoint, &state) else {
                state.sent += 1
                state.failures.append(FailedSend(number, send, choice, begun: begun()))
                return (number, nil, true)
            }
            state.keep(route, generation)
            state.end.note(message)
            let start = state.fillings[place].batch.frames.append(
                send.code, fields: { send.write(&$0, to: target, route) }, body: send.body.rawSpan)
            let slot = FrameSlot(
                number: number, start: start, bytes: Int32(send.body.count),
                route: state.fillings[place].batch.place(of: route), target: Int32(target.place),
                idTime: send.uniqueID.millisecondsOfMonth, idCounter: send.uniqueID.counter,
                begun: begun(), shardingKey: shardingKey)
            state.fillings[place].batch.slots.append(slot)
            state.sent += 1
            return (number, laneToSchedule(place, &state), false)
        }
        next?.schedule()
        if isFailure { bell.ring() }
        return number
    }

    /// Where the lane of a broker is; nil when no connection is open, or each request is signed.
    private func lane(to endpoint: Endpoint, _ state: inout State) -> Int? {
        if let place = state.place(of: endpoint) { return place }
        guard !producer.core.remoting.isSigning, let connection = endpoint.openConnection else {
            return nil
        }
        state.fillings.append(Filling(lane: SendLane(self, producer, endpoint, connection)))
        return state.fillings.count - 1
    }

    /// Now, where somebody wants to know how long it takes.
    @inline(__always)
    private func begun() -> Int64 {
        !limits.isObserved ? 0 : TimeSource.system.nanoseconds
    }

    static func time(since begun: Int64) -> Duration {
        .nanoseconds(TimeSource.system.nanoseconds - begun)
    }

    // MARK: what lanes ask for

    /// Moves what was filled for a lane behind what it has. False when that is nothing: of what is
    /// filled from then on the event loop has to be told again.
    func take(into work: inout LaneWork, for lane: SendLane) -> Bool {
        let isResting = work.underWay == 0
        return state.withBriefLock { state in
            guard let place = state.place(of: lane) else { return false }
            state.fillings[place].isScheduled = false
            let isEmpty = state.fillings[place].batch.isEmpty
            state.fillings[place].isResting = isEmpty && isResting
            if isEmpty { return false }
            work.take(&state.fillings[place].batch)
            return true
        }
    }

    func isStuck(_ lane: SendLane) {
        let isFirst = state.withBriefLock { state in
            if state.isAwaitingPlace { return false }
            state.stuck = lane
            return true
        }
        if isFirst { bell.ring() }
    }

    func endWaitForPlace() { state.withBriefLock { $0.isAwaitingPlace = false } }

    var lanes: [SendLane] { state.withBriefLock { $0.fillings.map(\.lane) } }

    /// A lane whose connection is gone. Answers with what was filled for it.
    func remove(_ lane: SendLane) -> FrameBatch? {
        state.withBriefLock { state in
            guard let place = state.place(of: lane) else { return nil }
            defer { state.findPlaces() }
            return state.fillings.remove(at: place).batch
        }
    }

    func leave(_ failure: FailedSend) {
        state.withBriefLock { $0.failures.append(failure) }
        bell.ring()
    }

    /// Places came free that no lane gave back.
    func scheduleAll() {
        for lane in lanes { lane.schedule() }
    }

    func finished(_ count: Int, bytes: Int) {
        let told = answered.wrappingAdd(count, ordering: .sequentiallyConsistent).newValue
        room.leave(count, bytes: bytes)
        if told == all.load(ordering: .sequentiallyConsistent) { bell.ring() }
    }

    // MARK: the end

    func takeFailures() -> (failures: [FailedSend], stuck: SendLane?, isOver: Bool) {
        let (failures, stuck) = state.withBriefLock { state in
            defer {
                state.failures = []
                if state.stuck != nil { state.isAwaitingPlace = true }
                state.stuck = nil
            }
            return (state.failures, state.stuck)
        }
        let isOver =
            failures.isEmpty
            && answered.load(ordering: .sequentiallyConsistent)
                == all.load(ordering: .sequentiallyConsistent)
        return (failures, stuck, isOver)
    }

    /// Nothing more is sent.
    fileprivate func end() {
        all.store(state.withBriefLock { $0.sent }, ordering: .sequentiallyConsistent)
        bell.ring()
    }

    /// All has been answered.
    fileprivate func letGo() { state.withBriefLock { $0.fillings = [] } }
}
