// Brings delayed messages to their topics when their time has come: a queue for each level, looked
// at when its first message is due and when one comes to an empty queue, never in between.
//
// How far it has come is kept in `delayOffset.json`, never ahead of what is on the device: after a
// crash messages since then are delivered again, and none is lost. Runs on the errands' loop.

import ApusRemoting
import ApusStore
import ApusSystem
import Logging
import NIOCore
import Synchronization

/// All levels of a running broker.
final class DelayedDelivery: Sendable {
    private let core: BrokerCore
    private let levels: Mutex<[DelayLevelQueue]>
    private let isStopped = Atomic<Bool>(false)

    init(_ core: BrokerCore) throws(StoreError) {
        self.core = core
        var levels: [DelayLevelQueue] = []
        for level in 1...core.delays.highest {
            levels.append(
                try DelayLevelQueue(
                    level: level, delay: core.delays.delay(level: level), store: core.store,
                    from: core.state.delayOffsets.offset(level: Int32(level)) ?? 0))
        }
        self.levels = Mutex(levels)
    }

    func start() {
        for index in 0..<core.delays.highest { core.errands.execute { self.run(index) } }
    }

    /// Delivers nothing from now on, but what is being delivered.
    func stop() { isStopped.store(true, ordering: .relaxed) }

    private func run(_ index: Int) {
        if isStopped.load(ordering: .relaxed) { return }
        let now = core.time.wallMilliseconds
        let (next, queue, offset) = step(index, now: now)
        switch next {
        case .more: core.errands.execute { self.run(index) }
        case .at(let time):
            // Not for hours at a time: the wall clock may be set meanwhile.
            let wait = min(max(1, time - now), Self.longestWait)
            core.errands.scheduleTask(in: .milliseconds(wait)) { self.run(index) }
        case .whenReadable:
            core.store.whenReadable(queue, offset: offset) { [core] in
                core.errands.execute { self.run(index) }
            }
        }
    }

    private static let longestWait: Int64 = 60_000

    /// Delivers what is due of one level, a batch at most. Answers what is to happen next, and the
    /// queue and offset that come then.
    func step(_ index: Int, now: Int64) -> (DelayLevelQueue.Next, MessageQueue, Int64) {
        levels.withLock { levels in
            let next = levels[index].step(now: now) { error in
                core.logger.warning(
                    "a delayed message cannot be delivered",
                    metadata: ["level": "\(index + 1)", "reason": "\(error)"])
            }
            return (next, levels[index].queue, levels[index].offset)
        }
    }

    /// Keeps how far all levels have come, once that is on the device. Waits for it.
    func keepOffsets() throws(StoreError) {
        let reached = levels.withLock { $0.map { ($0.level, $0.offset, $0.deliveredEnd) } }
        let end = reached.map(\.2).max() ?? 0
        if core.store.flushed < end { try core.store.flush() }
        // Levels that never had a message are left out, as Java does.
        for (level, offset, _) in reached
        where offset > 0 || core.state.delayOffsets.offset(level: Int32(level)) != nil {
            core.state.delayOffsets.set(level: Int32(level), to: offset)
        }
    }
}
