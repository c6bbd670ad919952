// One sync for all who wait, and the only code that syncs the log.
//
// Whoever holds `leading` syncs everything published so far; while that lasts, the next batch
// forms. A blocking appender may lead on its own thread; for completions the committer leads, and
// leaves it to the teller to call them when they are many and the next batch is there already.
// The flushed mark moves only after a sync that returned success, and the first failed sync is
// final.

import ApusSystem
import Synchronization

/// Syncs the log for everyone who waits.
final class GroupCommit: Sendable {
    private struct PendingList: ~Copyable {
        var all = PendingCompletions()
        /// Memory of those that were taken before, for the next ones.
        var spare: PendingCompletions? = PendingCompletions()
        /// Whether the teller looks at the list every now and then.
        var isWatched = false

        mutating func takeAll() -> PendingCompletions {
            var taken = spare.take() ?? PendingCompletions()
            swap(&taken, &all)
            return taken
        }
    }

    private let log: CommitLog
    private let leading = SpinLock()
    private let signal = Signal()
    private let pending = Mutex(PendingList())
    /// Rung when a completion waits for someone to lead.
    let wanted = Signal()
    /// Rung when completions are to be called, or one waits whose time may run out while nobody
    /// watches.
    let toTell = Signal()
    /// Syncs that brought something to the device, so far.
    let syncCount = Atomic<Int>(0)
    /// Queues with waiters that a sync, or a write, makes messages readable for.
    private let watched = Mutex<[ConsumeQueue]>([])

    /// Completions that are called sooner than another thread is woken to do it.
    private static let fewPending = 8
    /// Completions that memory is kept for while nobody waits: some hundreds of kilobytes.
    private static let sparePending = 8192
    /// Bytes that are brought to the device at once: a millisecond's work or less.
    private static let stepByteCount = 1 << 20

    /// Whether the teller has a thread, and can tell of a sync while the next one is made.
    private let hasTeller: Bool

    init(log: CommitLog) {
        self.log = log
        hasTeller = log.configuration.threads == .own
    }

    /// Waits until the log is on the device up to `end`, leading the sync when nobody does.
    func wait(until end: Int64, timeoutMilliseconds: Int64) -> FlushOutcome {
        let deadline = log.time.deadline(afterMilliseconds: timeoutMilliseconds)
        while true {
            let seen = signal.current
            if log.flushed.load(ordering: .acquiring) >= end { return .flushed }
            if let cause = log.poisonCause { return .poisoned(cause) }
            if leading.tryLock() {
                let led = lead()
                leading.unlock()
                finish()
                if case .failure(let cause) = led { return .poisoned(cause) }
                continue
            }
            let left = deadline - log.time.nanoseconds
            if left <= 0 { return .timedOut }
            signal.wait(after: seen, nanoseconds: left)
        }
    }

    /// Brings everything published, `end` included, to where it survives the process: what an
    /// append waits for that waits for no sync.
    func write(upTo end: Int64) throws(StoreError) {
        if let writer = log.writer, writer.written.load(ordering: .acquiring) < end {
            try log.writeOut(upTo: log.published)
            wakeWatched()
        }
        try log.checkStores()
    }

    /// Completes when the append is on the device: at once, or on the thread that led the sync.
    func whenFlushed(_ completion: Completion, timeoutMilliseconds: Int64) {
        let end = completion.end
        let deadline = log.time.deadline(afterMilliseconds: timeoutMilliseconds)
        let mustWake = pending.withLock { list in
            list.all.append(Pending(end: end, deadline: deadline, completion: completion))
            defer { list.isWatched = true }
            return !list.isWatched
        }
        // Behind the registration: whoever finished a sync in between did not see it.
        if log.flushed.load(ordering: .acquiring) >= end || log.poisonCause != nil {
            settle()
        } else {
            wanted.ring()
        }
        if mustWake { toTell.ring() }
    }

    /// Syncs everything published so far, unless the store is poisoned. With `goesOn`, what was
    /// published meanwhile is synced next, and another thread tells those who have waited.
    func syncNow(goesOn: Bool = false) throws(DiskError) {
        leading.lock()
        let led = lead()
        leading.unlock()
        if goesOn, hasTeller, isBehind, pending.withLock({ $0.all.count }) > Self.fewPending,
            case .success = led
        {
            signal.ring()
            toTell.ring()
        } else {
            finish()
        }
        if case .failure(let cause) = led { throw cause }
    }

    var hasPending: Bool { pending.withLock { !$0.all.isEmpty } }

    /// Whether to look at the completions' time again; when not, the next one rings `toTell`.
    func goesOnWatching() -> Bool {
        pending.withLock { list in
            list.isWatched = !list.all.isEmpty
            return list.isWatched
        }
    }

    /// Whether something was published that is not on the device.
    var isBehind: Bool { log.flushed.load(ordering: .relaxed) < log.published }
}

// MARK: - Leading

extension GroupCommit {
    /// One sync of each segment with unsynced records. The caller holds `leading`.
    private func lead() -> Result<Void, DiskError> {
        if let cause = log.poisonCause { return .failure(cause) }
        let target = log.published
        var position = log.flushed.load(ordering: .relaxed)
        while position < target {
            guard let segment = log.segments.segment(containing: position) else {
                position = target
                break
            }
            if Mutant.movesFlushedBeforeSync.isPlanted {
                log.flushed.store(min(target, segment.end), ordering: .releasing)
            }
            do throws(DiskError) {
                let end = min(target, segment.end)
                if try log.writer?.write(upTo: end, durableFrom: position) != true {
                    try sync(segment, position..<end)
                }
            } catch {
                if Mutant.retriesFailedSync.isPlanted, (try? segment.file.sync()) != nil {
                    position = min(target, segment.end)
                    log.flushed.store(position, ordering: .releasing)
                    continue
                }
                log.poison(error)
                return .failure(error)
            }
            // Another file's sync may have failed meanwhile. What the kernel says of this one is
            // not to be believed then: ext4 calls a sync a success that its aborted journal cut.
            if let cause = log.poisonCause { return .failure(cause) }
            position = min(target, segment.end)
            log.flushed.store(position, ordering: .releasing)
            syncCount.wrappingAdd(1, ordering: .relaxed)
        }
        return .success(())
    }

    /// Much goes to the device a step at a time. In one call its pages would be locked while they
    /// wait for the device, the one that is appended to with them, and appenders would wait too.
    private func sync(_ segment: Segment, _ range: Range<Int64>) throws(DiskError) {
        let step = min(Self.stepByteCount, max(4096, segment.bytes.count / 8 & ~4095))
        var position = segment.position(of: range.lowerBound) & ~4095
        let end = segment.position(of: range.upperBound) & ~4095
        while end - position >= step {
            let next = min(end, position + step)
            do throws(DiskError) {
                try segment.file.writeBack(segment.bytes, position..<next)
            } catch {
                if !Mutant.forgetsFailedWriteBack.isPlanted { throw error }
            }
            position = next
        }
        try segment.file.sync(
            segment.bytes,
            segment.position(of: range.lowerBound)..<segment.position(of: range.upperBound))
    }

    /// Tells everyone for whom a sync was enough. Not while leading: the next sync may begin.
    private func finish() {
        signal.ring()
        tell()
    }

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

    private func wakeWatched() {
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
