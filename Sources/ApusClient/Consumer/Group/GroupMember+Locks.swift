// Queues belong to the member that has the broker's lock on them.
//
// Where messages are consumed in order nobody reads without it. Where they are not, it is a matter
// of courtesy: whoever hands a queue over unlocks it when it has committed, and whoever takes it
// waits for that, but not for long, since the one before may be gone. RocketMQ's own clients lock
// queues in order alone, and are not waited for.

internal import ApusFormat
internal import ApusRemoting
internal import Logging
internal import Synchronization

extension GroupMember {
    /// How long a lock counts here after it was given: half as long as brokers keep it.
    static let lockLife = Duration.seconds(30)
    private static let renewal = Duration.seconds(20)

    /// Those of the queues that the brokers give to this member.
    func lock(_ queues: [MessageQueue]) async -> [MessageQueue] {
        await askLocks(.lockBatchMq, queues)
    }

    /// How long a queue that is not in order waits for the lock.
    private static let courtesy = Duration.seconds(3)

    /// Those of the queues that may be read now. `own` are all of the topic that are to be.
    func lockOrWait(
        _ queues: [MessageQueue], _ own: Set<MessageQueue>, of topic: String
    ) async -> [MessageQueue] {
        let given = Set(await lock(queues))
        let now = ContinuousClock.now
        return state.withLock { state in
            for queue in state.waiting.keys where queue.topic == topic && !own.contains(queue) {
                state.waiting[queue] = nil
            }
            return queues.filter { queue in
                let since = state.waiting[queue] ?? now
                let isPatient = isOrderly || since.duration(to: now) < Self.courtesy
                if !given.contains(queue), isPatient {
                    state.waiting[queue] = since
                    return false
                }
                state.waiting[queue] = nil
                return true
            }
        }
    }

    func unlock(_ queues: [MessageQueue]) async { _ = await askLocks(.unlockBatchMq, queues) }

    /// Renews the locks of what is held, until the task is cancelled.
    func renewLocks() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.renewal)
            if Task.isCancelled { return }
            let held = heldQueues.filter { !$0.isDropped }
            let asked = ContinuousClock.now
            let given = Set(await lock(held.map(\.queue)))
            for one in held {
                if given.contains(one.queue) {
                    one.locked(until: asked.advanced(by: Self.lockLife))
                } else if isOrderly {
                    logger.warning(
                        "the lock of a queue was not renewed: it waits until it is",
                        metadata: ["queue": "\(one.queue)"])
                }
            }
            if isOrderly, given.count < held.count { rebalancing.ring() }
        }
    }

    /// Asks each broker for its own queues.
    private func askLocks(_ code: RequestCode, _ queues: [MessageQueue]) async -> [MessageQueue] {
        let brokers = Dictionary(grouping: queues, by: \.broker)
        return await withTaskGroup(of: [MessageQueue].self) { tasks in
            for (broker, own) in brokers {
                tasks.addTask { await self.askLocks(code, own, on: broker) }
            }
            return await tasks.reduce(into: []) { $0 += $1 }
        }
    }

    private func askLocks(
        _ code: RequestCode, _ queues: [MessageQueue], on broker: String
    ) async -> [MessageQueue] {
        let body: JSONObject = [
            "clientId": .string(core.identity.id), "consumerGroup": .string(configuration.group),
            "mqSet": .array(queues.map { .object($0.json) }), "onlyThisBroker": false,
        ]
        let attempt = "locking queues on \(broker)"
        do throws(ClientError) {
            let address = try core.master(of: broker, attempt)
            let answer = try await core.demand(
                .request(code, body: JSON.object(body).bytes()), on: address, attempt)
            if code == .unlockBatchMq { return queues }
            let json = try? JSON(parsing: answer.body.rawSpan)
            let given = json?["lockOKMQSet"]?.array ?? []
            let ids = Set(given.compactMap { MessageQueue($0) })
            return queues.filter { ids.contains($0) }
        } catch {
            logger.warning("locks were not given", metadata: ["reason": "\(error)"])
            return []
        }
    }
}
