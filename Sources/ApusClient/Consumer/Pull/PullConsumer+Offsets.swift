// Where a pull consumer reads, and what it has committed.

internal import Synchronization

extension PullConsumer {
    /// The queues that are read now.
    public var assignment: [MessageQueue] {
        member.heldQueues.filter { !$0.isDropped }.map(\.queue).sorted()
    }

    /// Reads these queues and no others. For a consumer without subscriptions; a queue that is read
    /// already goes on where it is.
    public func assign(_ queues: [MessageQueue]) throws(ClientError) {
        guard member.membership == .assigned else {
            throw ClientError(
                .invalidSetting, "assigning queues", "the group divides the queues: it subscribes")
        }
        member.state.withLock { state in
            state.assigned = Set(queues)
            state.seeks = state.seeks.filter { state.assigned.contains($0.key) }
        }
        member.rebalancing.ring()
    }

    /// The queues of a topic that can be read, in RocketMQ's order.
    public func queues(of topic: String) async throws(ClientError) -> [MessageQueue] {
        try Names.check(topic: topic, "looking for the queues of \(topic)")
        let route = try await member.core.routes.route(
            of: topic, creates: false,
            until: Deadline(after: member.configuration.client.requestTimeout))
        return route.readable.sorted()
    }

    /// Commits that this message and all before it in its queue are done, and waits until the
    /// broker has taken it. False when the queue is another member's by now, or the broker did not
    /// take it: it is tried again in the background as long as the queue is held.
    @discardableResult
    public func commit(through message: ReceivedMessage) async -> Bool {
        guard let held = member.held(message.queue), held.want(message.queueOffset + 1) else {
            return false
        }
        return await member.commit([held])
    }

    /// Commits everything that `messages` has given.
    @discardableResult
    public func commit() async -> Bool {
        let all = member.heldQueues.filter { $0.want(nil) }
        return await member.commit(all)
    }

    /// What the group has committed of a queue; nil when it has nothing.
    public func committedOffset(of queue: MessageQueue) async throws(ClientError) -> Int64? {
        try await member.keeper.offset(of: queue)
    }

    /// Goes on at another offset; what was read ahead is forgotten. An offset outside of the queue
    /// is corrected by the broker.
    public func seek(_ queue: MessageQueue, to offset: Int64) throws(ClientError) {
        let attempt = "seeking to \(offset) in \(queue)"
        guard offset >= 0 else {
            throw ClientError(.invalidSetting, attempt, "offsets begin at 0")
        }
        // One that was assigned a moment ago begins there.
        let (held, isAssigned) = member.state.withLock { state -> (HeldQueue?, Bool) in
            if let held = state.held[queue], !held.isDropped { return (held, true) }
            guard state.assigned.contains(queue) else { return (nil, false) }
            state.seeks[queue] = offset
            return (nil, true)
        }
        guard isAssigned else {
            throw ClientError(.noRoute, attempt, "the queue is not read by this consumer")
        }
        held?.reset(to: offset)
    }

    /// Goes on at the first message that is kept.
    public func seekToBeginning(of queue: MessageQueue) async throws(ClientError) {
        try seek(queue, to: try await questions.minimumOffset(of: queue))
    }

    /// Goes on behind the last message.
    public func seekToEnd(of queue: MessageQueue) async throws(ClientError) {
        try seek(queue, to: try await questions.maximumOffset(of: queue))
    }

    /// Goes on at the first message that was stored then or later, in milliseconds since 1970.
    public func seek(
        _ queue: MessageQueue, toTime milliseconds: Int64
    ) async throws(ClientError) {
        try seek(queue, to: try await questions.offset(of: queue, at: milliseconds))
    }

    private var questions: QueueQuestions { QueueQuestions(core: member.core) }

    /// Reads nothing more of these queues, and gives nothing of what was read ahead.
    public func pause(_ queues: [MessageQueue]) { setPaused(true, queues) }

    public func resume(_ queues: [MessageQueue]) { setPaused(false, queues) }

    private func setPaused(_ isPaused: Bool, _ queues: [MessageQueue]) {
        for queue in queues {
            guard let held = member.held(queue) else { continue }
            held.setPaused(isPaused)
            if !isPaused, held.hasWaiting { member.sink.hasMessages(held) }
        }
    }

    /// How far it has come, in each of its queues.
    public var progress: [ConsumerProgress] {
        member.heldQueues.map(\.report).sorted { $0.queue < $1.queue }
    }
}
