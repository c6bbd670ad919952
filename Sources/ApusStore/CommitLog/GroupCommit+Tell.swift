// Who hears of a commit: threads that wait, completions, readers.

import ApusSystem
import Synchronization

extension GroupCommit {
    /// Completions that memory is kept for while nobody waits: some hundreds of kilobytes.
    private static let sparePending = 8192

    /// Tells everyone for whom a sync was enough. Not while leading: the next sync may begin.
    func finish(_ number: Int) {
        ring(number)
        tell()
    }

    /// Wakes all who waited for this commit, and one who leads the next, or finds that the store is
    /// poisoned and wakes the others.
    func ring(_ number: Int) {
        signal(of: number).ring()
        signal(of: number + 1).ring(1)
    }

    /// Where to sleep until the log is on the device up to `end`: with those whom the newest commit
    /// covers, or with those that wait for the next one and are not woken by this one.
    func sleepingPlace(_ end: Int64) -> Signal {
        let (number, covered) = newest.withLock { $0 }
        return signal(of: end <= covered ? number : number + 1)
    }

    private func signal(of number: Int) -> Signal { number & 1 == 0 ? even : odd }

    /// Calls the completions that have what they wait for, and wakes readers.
    func tell() {
        settle()
        wakeWatched()
    }

    /// Completes what can be completed: flushed, poisoned, or out of time.
    func settle() {
        while settleOnce() {}
    }

    /// True when some were put back that could be completed by now: whoever led a sync meanwhile
    /// did not see them.
    private func settleOnce() -> Bool {
        let flushed = log.flushed.load(ordering: .acquiring)
        let cause = log.poisonCause
        let now = log.time.nanoseconds
        var taken = pending.withLock { $0.takeAll() }
        var left = PendingCompletions()
        while let one = taken.popFirst() {
            if one.end <= flushed {
                one.completion.end(with: .flushed)
            } else if let cause {
                one.completion.end(with: .poisoned(cause))
            } else if one.deadline <= now {
                one.completion.end(with: .timedOut)
            } else {
                left.append(one)
            }
        }
        if left.isEmpty {
            giveBack(taken)
            return false
        }
        // Whoever looked for something to do meanwhile has not seen these.
        let mustWake = putBack(&left)
        wanted.ring()
        if mustWake { toTell.ring() }
        return log.flushed.load(ordering: .acquiring) != flushed
            || cause == nil && log.poisonCause != nil
    }
}

// MARK: - The list of those who wait

extension GroupCommit {
    /// Keeps memory for the next ones, if it is not what a crowd left behind.
    private func giveBack(_ memory: consuming PendingCompletions) {
        if memory.capacity > Self.sparePending { return }
        var memory: PendingCompletions? = memory
        pending.withLock { $0.spare = memory.take() }
    }

    /// Puts some back before all that came meanwhile; true when nobody watches them.
    private func putBack(_ left: inout PendingCompletions) -> Bool {
        pending.withLock { list in
            while let one = list.all.popFirst() { left.append(one) }
            swap(&left, &list.all)
            defer { list.isWatched = true }
            return !list.isWatched
        }
    }
}

// MARK: - Readers that wait for a sync

extension GroupCommit {
    /// Remembers a queue with a waiter, where readers wait for a sync or a write.
    func watch(_ queue: ConsumeQueue) {
        watched.withLock { all in
            if !all.contains(where: { $0 === queue }) { all.append(queue) }
        }
    }

    func wakeWatched() {
        let queues = watched.withLock { all in
            all.removeAll { $0.waiterCount.load(ordering: .sequentiallyConsistent) == 0 }
            return all
        }
        for queue in queues {
            // Who waits finds out by a read what cannot be found out here.
            queue.wakeWaiters(readableEnd: (try? log.readableEnd(of: queue)) ?? .max)
        }
    }
}
