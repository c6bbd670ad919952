// A member of a group of consumers: tells brokers that it is there, finds out which queues are its
// own, has them read, and hands them over.

internal import ApusRemoting
internal import ApusSystem
internal import Logging
internal import Synchronization

/// How a consumer comes to its queues.
enum Membership: Sendable {
    /// As a member of a group that is called for each message, retries among them.
    case called
    /// As a member of a group that takes messages itself.
    case taking
    /// By hand.
    case assigned
}

/// What push and pull consumers have in common.
final class GroupMember: Sendable {
    struct State {
        var held: [MessageQueue: HeldQueue] = [:]
        /// Queues that are being handed over: not to be taken again before that is done.
        var releasing: Set<MessageQueue> = []
        /// Brokers that know of the member.
        var told: Set<String> = []
        /// Since when queues wait for the locks of those who had them before.
        var waiting: [MessageQueue: ContinuousClock.Instant] = [:]
        /// What was assigned by hand, where that is how it is done.
        var assigned: Set<MessageQueue> = []
        /// Where queues are to begin that were assigned and are not read yet.
        var seeks: [MessageQueue: Int64] = [:]
        /// Topics of which it was said that they cannot be read yet.
        var missing: Set<String> = []
        var isStopping = false
        var isPaused = false
    }

    let configuration: ConsumerConfiguration
    let core: ClientCore
    let keeper: any OffsetKeeper
    let sink: any MessageSink
    let isOrderly: Bool
    /// How it comes to its queues.
    let membership: Membership
    /// Runs the handler of a queue in order, beside its reader.
    let runOrderly: (@Sendable (HeldQueue) async -> Void)?
    /// Of its subscriptions, which do not change.
    let version = TimeSource.system.wallMilliseconds
    let heartbeat = Bell()
    let rebalancing = Bell()
    private let commits = Turnstile()
    let state = Mutex(State())

    init(
        _ configuration: ConsumerConfiguration, _ core: ClientCore, _ keeper: any OffsetKeeper,
        _ sink: any MessageSink, membership: Membership = .called,
        runOrderly: (@Sendable (HeldQueue) async -> Void)? = nil
    ) {
        self.membership = membership
        self.configuration = configuration
        self.core = core
        self.keeper = keeper
        self.sink = sink
        self.runOrderly = runOrderly
        isOrderly = runOrderly != nil
        core.routes.onChange { [rebalancing] _ in rebalancing.ring() }
        core.requests.onRequest(.notifyConsumerIdsChanged) { [rebalancing] request in
            rebalancing.ring()
            request.connection.respond(to: request.key, Response(.success))
        }
    }

    var logger: Logger { core.logger }
    var hasLocks: Bool { configuration.model == .clustering && membership != .assigned }

    /// What is read.
    var subscriptions: [Subscription] {
        switch membership {
        case .called: return configuration.allSubscriptions
        case .taking: return configuration.subscriptions
        case .assigned:
            let topics = Set(state.withLock { $0.assigned.map(\.topic) })
            // Also what is to be let go of.
            let held = Set(state.withLock { $0.held.keys.map(\.topic) })
            return topics.union(held).sorted().map { topic in
                configuration.subscriptions.first { $0.topic == topic } ?? Subscription(topic)
            }
        }
    }
    var isStopping: Bool { state.withLock { $0.isStopping } }
    var heldQueues: [HeldQueue] { state.withLock { Array($0.held.values) } }

    func held(_ queue: MessageQueue) -> HeldQueue? { state.withLock { $0.held[queue] } }

    /// Begins the end: what is in hand is finished, nothing more is read.
    func stop() {
        state.withLock { $0.isStopping = true }
        rebalancing.ring()
    }

    /// Does everything until `stop`, and hands all queues over before it returns. What it has added
    /// to the group ends when the group's tasks are cancelled.
    func run(in tasks: inout DiscardingTaskGroup) async {
        tasks.addTask {
            await self.core.routes.run(every: self.configuration.client.routeRefreshInterval)
        }
        if membership != .assigned {
            tasks.addTask {
                await self.core.sendHeartbeats(self.heartbeat, toMastersOnly: false) {
                    self.heartbeatBody
                }
            }
        }
        tasks.addTask { await self.commitAgainAndAgain() }
        if hasLocks { tasks.addTask { await self.renewLocks() } }
        while !isStopping {
            let isWhole = await rebalance(in: &tasks)
            let isWaiting = state.withLock { !$0.waiting.isEmpty }
            await rebalancing.wait(
                atMost: isWaiting
                    ? .milliseconds(200) : isWhole ? configuration.rebalanceInterval : .seconds(1))
        }
        let all = heldQueues
        await withDiscardingTaskGroup { endings in
            for held in all {
                drop(held)
                endings.addTask { await self.release(held) }
            }
        }
        // Those that were being handed over when the end began.
        while !state.withLock({ $0.held.isEmpty }) { await rebalancing.wait(atMost: .seconds(1)) }
        if membership != .assigned { await core.unregister(consumer: configuration.group) }
        keeper.close()
    }

    var heartbeatBody: JSON {
        let start: String =
            switch configuration.start {
            case .last: "CONSUME_FROM_LAST_OFFSET"
            case .first: "CONSUME_FROM_FIRST_OFFSET"
            case .time: "CONSUME_FROM_TIMESTAMP"
            }
        let isBroadcasting = configuration.model == .broadcasting
        let member: JSONObject = [
            "consumeFromWhere": .string(start),
            "consumeType": membership == .called ? "CONSUME_PASSIVELY" : "CONSUME_ACTIVELY",
            "groupName": .string(configuration.group),
            "messageModel": isBroadcasting ? "BROADCASTING" : "CLUSTERING",
            "subscriptionDataSet": .array(
                subscriptions.map { $0.json(version: version) }),
            "unitMode": false,
        ]
        let fields: JSONObject = [
            "clientID": .string(core.identity.id), "consumerDataSet": [.object(member)],
            "producerDataSet": [],
        ]
        return .object(fields)
    }
}

// Handing over.
extension GroupMember {
    /// Nothing more is read or handed out.
    func drop(_ held: HeldQueue) {
        state.withLock { _ = $0.releasing.insert(held.queue) }
        held.drop()
        sink.dropped(held)
    }

    /// Waits for what is in hand, commits, and lets go: in this order, and nothing is committed
    /// behind it, so that the next owner's offset is not moved back.
    func release(_ held: HeldQueue) async {
        let end = Deadline(after: configuration.drainLimit)
        // A queue in order is not anybody else's while its handler runs.
        while held.inHands > 0, !end.isOver || isOrderly && !isStopping {
            await held.returned.wait(
                atMost: min(.seconds(1), max(end.remaining, .milliseconds(10))))
        }
        await commit([held])
        if hasLocks { await unlock([held.queue]) }
        state.withLock { state in
            state.held[held.queue] = nil
            state.releasing.remove(held.queue)
        }
        rebalancing.ring()
    }

    private func commitAgainAndAgain() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: configuration.commitInterval)
            if Task.isCancelled { return }
            await commit(heldQueues.filter { !$0.isDropped })
        }
    }

    /// Commits what is new of some queues. False: of some it did not go well.
    @discardableResult
    func commit(_ queues: [HeldQueue]) async -> Bool {
        await commits.pass {
            var offsets: [MessageQueue: Int64] = [:]
            for held in queues {
                if let offset = held.takeCommit() { offsets[held.queue] = offset }
            }
            if offsets.isEmpty { return true }
            let kept = await keeper.keep(offsets)
            for held in queues where kept.contains(held.queue) {
                if let offset = offsets[held.queue] { held.committed(offset) }
            }
            return kept.count == offsets.count
        } ?? false
    }
}
