// Pulls the messages of one queue, as long as the queue is the member's and there is room for more.

internal import ApusFormat
internal import ApusRemoting
internal import Logging

/// Where pulled messages go.
protocol MessageSink: Sendable {
    /// The queue has messages that wait to be handed out.
    func hasMessages(_ queue: HeldQueue)

    /// The queue is no longer the member's.
    func dropped(_ queue: HeldQueue)
}

/// Reads a queue.
struct QueueReader: Sendable {
    let held: HeldQueue
    let core: ClientCore
    let configuration: ConsumerConfiguration
    let subscription: Subscription
    let subscriptionVersion: Int64
    let sink: any MessageSink
    /// Rung when brokers should hear of the consumer at once.
    let heartbeat: Bell
    /// Whether messages are handled in the order of their queue.
    let isOrderly: Bool
    /// Whether only the holder of the broker's lock may read.
    let needsLock: Bool

    private var queue: MessageQueue { held.queue }

    /// Until the queue is dropped or the task is cancelled.
    func run() async {
        let check = TagCheck(subscription)
        var failures = 0
        var suggested: Int64 = 0
        var connection: Connection?
        while !held.isDropped, !Task.isCancelled {
            if held.isPaused || needsLock && !held.isLocked
                || held.isFull(configuration, spanCounts: !isOrderly)
            {
                await held.reading.wait(atMost: .seconds(1))
                continue
            }
            let offset = held.nextOffset
            let answer: PullAnswer
            switch await pull(at: offset, from: suggested, failures, over: &connection) {
            case .answer(let found): answer = found
            case .dropped: continue
            case .failed(let failure):
                failures += 1
                suggested = 0
                core.routes.bell.ring()
                // Finds out whether the connection is dead.
                if case .timedOut = failure { heartbeat.ring() }
                core.logger.warning(
                    "a pull failed, and is tried again",
                    metadata: ["queue": "\(queue)", "reason": "\(failure)"])
                await pause(failures)
                continue
            }
            suggested = answer.suggestedBroker ?? 0
            held.note(maximum: answer.maximum)
            let isGood = await follow(PullStep(answer, at: offset), answer, check, at: offset)
            failures = isGood ? 0 : failures + 1
            if !isGood { await pause(failures) }
        }
    }

    /// Does what an answer calls for. False: something is wrong that may pass.
    private func follow(
        _ step: PullStep, _ answer: PullAnswer, _ check: TagCheck, at offset: Int64
    ) async -> Bool {
        switch step {
        case .take(let next):
            var contents = PulledRecords.read(
                answer.body, broker: queue.broker, isRetry: held.isRetry,
                bodyLimit: configuration.maximumBodyBytes)
            if let damage = contents.damage {
                core.logger.error(
                    "a message that came cannot be read, and is passed over",
                    metadata: ["queue": "\(queue)", "damage": "\(damage)"])
            }
            let all = contents.messages.count
            contents.messages.removeAll { !(offset..<next).contains($0.queueOffset) }
            if contents.messages.count < all {
                core.logger.error(
                    "messages that came are none of those asked for, and are passed over",
                    metadata: ["queue": "\(queue)", "offset": "\(offset)", "next": "\(next)"])
            }
            if subscription.expression != "*" {
                contents.messages.removeAll { !check.isWanted($0) }
            }
            if held.add(contents.messages, from: offset, next: next), !contents.messages.isEmpty {
                sink.hasMessages(held)
            }
        case .goOn(let next):
            if next != offset { _ = held.add([], from: offset, next: next) }
        case .move(let next):
            core.logger.warning(
                "the offset is none of the queue's: reading goes on elsewhere",
                metadata: ["queue": "\(queue)", "offset": "\(offset)", "next": "\(next)"])
            held.reset(to: next)
        case .introduce:
            heartbeat.ring()
            return false
        case .wait(let reason):
            core.logger.warning(
                "a broker gives nothing, and is asked again",
                metadata: ["queue": "\(queue)", "reason": "\(reason)"])
            core.routes.bell.ring()
            return false
        }
        return true
    }

    private func pause(_ failures: Int) async {
        await held.reading.wait(atMost: .milliseconds(min(3000, 100 << min(failures, 5))))
    }

    // MARK: one pull

    /// `last` is the connection that the pull before this one went over.
    private func pull(
        at offset: Int64, from suggested: Int64, _ failures: Int, over last: inout Connection?
    ) async -> PullOutcome {
        guard let address = address(suggested, failures) else {
            return .failed(
                .connectFailed(address: queue.broker, reason: "no address of it is known"))
        }
        let time = configuration.longPoll + configuration.pullTimeout
        let connection: Connection
        switch await core.connection(
            to: address, until: Deadline(after: core.configuration.connectTimeout))
        {
        case .success(let open): connection = open
        case .failure(let error): return .failed(error)
        }
        // A broker that was restarted lists nobody: a member that joined before it hears of this
        // one would take its queues.
        if let last, last !== connection { heartbeat.ring() }
        last = connection
        // Nothing was sent then.
        func closed() -> PullOutcome {
            .failed(
                connection.refusal
                    ?? .connectFailed(address: address, reason: "it closes what is opened"))
        }
        let wait = PullWait()
        guard held.begin(wait, at: offset) else { return .dropped }
        // A queue that goes to somebody else is committed when it is drained, and not by a pull.
        let flags: Int64 = 2 | 4
        if core.remoting.isSigning {
            var command = RemotingCommand.request(.pullMessage)
            command.fields = fields(offset, flags)
            let isSent = connection.begin(core.remoting.signed(command), timeout: time) { result in
                switch result {
                case .success(let answer):
                    _ = answer.withRequest { wait.receive($0, on: connection) }
                case .failure(let error): wait.receive(error)
                }
            }
            return isSent ? await wait.value() : closed()
        }
        let isSent = connection.ask(.pullMessage, .binary, timeout: time, receiver: wait) {
            fields in
            fields.append("consumerGroup", configuration.group)
            fields.append("topic", queue.topic)
            fields.append("queueId", Int64(queue.id))
            fields.append("queueOffset", offset)
            fields.append("maxMsgNums", Int64(configuration.pullBatch))
            fields.append("sysFlag", flags)
            fields.append("commitOffset", 0 as Int64)
            fields.append("suspendTimeoutMillis", configuration.longPoll.milliseconds)
            fields.append("subscription", subscription.expression)
            fields.append("subVersion", subscriptionVersion)
            fields.append("expressionType", "TAG")
            fields.append("bname", queue.broker)
        } body: { _ in
        }
        return isSent ? await wait.value() : closed()
    }

    private func fields(_ offset: Int64, _ flags: Int64) -> HeaderFields {
        [
            "consumerGroup": configuration.group, "topic": queue.topic, "queueId": "\(queue.id)",
            "queueOffset": "\(offset)", "maxMsgNums": "\(configuration.pullBatch)",
            "sysFlag": "\(flags)", "commitOffset": "0",
            "suspendTimeoutMillis": "\(configuration.longPoll.milliseconds)",
            "subscription": subscription.expression, "subVersion": "\(subscriptionVersion)",
            "expressionType": "TAG", "bname": queue.broker,
        ]
    }

    /// The broker that was suggested, or the master; behind each failure the next one, since a
    /// replica has the messages too.
    private func address(_ suggested: Int64, _ failures: Int) -> String? {
        guard let all = core.routes.group(queue.broker)?.readable(from: suggested), !all.isEmpty
        else { return nil }
        return all[failures % all.count]
    }
}
