// Mappings and descriptors of queues, given back when the process can have no more.
//
// A queue in use keeps a file or two open and mapped. There may be more queues than a process may
// have of either: then those that nobody used for the longest while make room for the others, and
// open their files again when their time comes.

import ApusSystem
import Synchronization

/// All queues that were looked up since the store was opened.
final class QueueMappings: Sendable {
    private struct State {
        var queues: [ConsumeQueue] = []
        /// Where the next round begins, so that each queue's turn comes.
        var next = 0

        /// All queues, from the one whose turn it is.
        var inTurn: [ConsumeQueue] {
            guard !queues.isEmpty else { return [] }
            let first = next % queues.count
            return Array(queues[first...] + queues[..<first])
        }
    }
    private let state = Mutex(State())
    private let limit = Atomic<Int>(.max)

    func add(_ queue: ConsumeQueue) { state.withLock { $0.queues.append(queue) } }

    /// Whether more queues are known than may keep mappings.
    var mayBeTooMany: Bool {
        state.withLock { $0.queues.count } > limit.load(ordering: .relaxed)
    }

    /// Sets how many queues keep mappings when idle ones are given back: as many as the settings
    /// say, and not more than half of what the process may have.
    func setLimit(to most: Int, of limits: ProcessLimits?) {
        let half = limits.map { min($0.descriptorLimit, $0.mappingLimit) / 2 } ?? most
        limit.store(min(most, half), ordering: .relaxed)
    }

    /// Takes mappings of queues that were not used since they were last asked for here, until only
    /// as many have some as may. The caller holds the room lock. Answers how many had any.
    @discardableResult
    func giveBackIdle(_ reservation: Reservation) -> Int {
        giveBackIdle(reservation, keeping: limit.load(ordering: .relaxed))
    }

    private func giveBackIdle(_ reservation: Reservation, keeping kept: Int) -> Int {
        state.withLock { state in
            let mapped = state.inTurn.filter(\.isMapped)
            // All are asked, whoever gives way: each answers for the time since it was asked last.
            let idle = mapped.filter { $0.isIdle() }
            var freed = 0
            for queue in idle where mapped.count - freed > kept {
                if giveBack(queue, reservation) { freed += 1 }
            }
            state.next += freed
            return freed
        }
    }

    /// Makes room for more: takes the mappings of idle queues or, when these are few, of half of
    /// those that have nothing in flight. The caller holds the room lock.
    func makeRoom(_ reservation: Reservation, for one: ConsumeQueue? = nil) -> Int {
        var freed = giveBackIdle(reservation, keeping: 0)
        if freed >= 64 { return freed }
        state.withLock { state in
            let mapped = state.inTurn.filter { $0 !== one && $0.isMapped }
            for queue in mapped.prefix(mapped.count / 2) where giveBack(queue, reservation) {
                freed += 1
            }
            state.next += state.queues.count / 2
        }
        return freed
    }

    private func giveBack(_ queue: ConsumeQueue, _ reservation: Reservation) -> Bool {
        let leaving: ConsumeQueue.LeavingFiles? = reservation.withLock {
            guard queue.published.load(ordering: .acquiring) == queue.nextOffset else {
                return nil
            }
            return queue.takeMappings()
        }
        return withExtendedLifetime(leaving) { leaving != nil }
    }
}

extension ConsumeQueue {
    /// Whether nobody read from the queue or appended to it since this was last asked. An append
    /// says nothing of it: where the queue ends tells.
    fileprivate func isIdle() -> Bool {
        let end = published.load(ordering: .relaxed)
        let lastEnd = endAtSweep.exchange(end, ordering: .relaxed)
        return !wasUsed.exchange(false, ordering: .relaxed) && end == lastEnd
    }
}

extension CommitLog {
    /// Does what needs files of queues; when the process can have no more, once again with room.
    /// The caller holds no lock.
    func withMappings<Result>(
        _ body: () throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        do throws(StoreError) {
            return try body()
        } catch {
            guard case .limitReached = error,
                roomLock.withLock({ _ in mappings.makeRoom(reservation) }) > 0
            else { throw error }
            return try body()
        }
    }
}
