// One sync for all who wait.
//
// Whoever holds `leading` syncs everything published so far; while that lasts, the next batch
// forms. A blocking appender may lead on its own thread; for completions the committer leads, and
// leaves it to the teller to call them when they are many and the next batch is there already.
// How a commit is led is told in GroupCommit+Lead.swift, who hears of it in GroupCommit+Tell.swift.

import ApusSystem
import Synchronization

/// Syncs the log for everyone who waits.
final class GroupCommit: Sendable {
    struct PendingList: ~Copyable {
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

    let log: CommitLog
    let leading = SpinLock()
    /// The commit that began last: its number, and what it brings to the device.
    let newest = SpinLocked((number: 0, end: Int64(0)))
    /// Those that wait for a commit with an even number sleep at one, the others at the other.
    let even = Signal()
    let odd = Signal()
    let pending = Mutex(PendingList())
    /// Rung when a completion waits for someone to lead.
    let wanted = Signal()
    /// Rung when completions are to be called, or one waits whose time may run out while nobody
    /// watches.
    let toTell = Signal()
    /// Appends that have come for a sync so far, those for which one leads among them.
    let arrivals = Atomic<Int>(0)
    /// As many as a commit that is about to begin waits for; rung by the one that completes them.
    let awaited = Atomic<Int>(.max)
    let gathered = Signal()
    let gathering = SpinLocked(Gathering())
    /// Syncs that brought something to the device, so far.
    let syncCount = Atomic<Int>(0)
    /// Queues with waiters that a sync, or a write, makes messages readable for.
    let watched = Mutex<[ConsumeQueue]>([])

    /// Completions that are called sooner than another thread is woken to do it.
    private static let fewPending = 8

    /// Whether the teller has a thread, and can tell of a sync while the next one is made.
    private let hasTeller: Bool

    init(log: CommitLog) {
        self.log = log
        hasTeller = log.configuration.threads == .own
    }

    /// Waits until the log is on the device up to `end`, leading the sync when nobody does.
    func wait(until end: Int64, timeoutMilliseconds: Int64) -> FlushOutcome {
        let deadline = log.time.deadline(afterMilliseconds: timeoutMilliseconds)
        if log.flushed.load(ordering: .acquiring) < end { arrive() }
        while true {
            let signal = sleepingPlace(end)
            let seen = signal.current
            if log.flushed.load(ordering: .acquiring) >= end { return .flushed }
            if let cause = log.poisonCause {
                // It may have been woken to lead the others, who are to hear of it as well.
                signal.ring()
                return .poisoned(cause)
            }
            if leading.tryLock() {
                let (number, led) = lead(gathers: true)
                leading.unlock()
                finish(number)
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
            arrive()
            wanted.ring()
        }
        if mustWake { toTell.ring() }
    }

    /// Syncs everything published so far, unless the store is poisoned. With `goesOn`, what was
    /// published meanwhile is synced next, and another thread tells those who have waited.
    func syncNow(goesOn: Bool = false) throws(DiskError) {
        leading.lock()
        let (number, led) = lead(gathers: goesOn)
        leading.unlock()
        if goesOn, hasTeller, isBehind, pending.withLock({ $0.all.count }) > Self.fewPending,
            !gathering.withLock({ $0.isHopeful }), case .success = led
        {
            ring(number)
            toTell.ring()
        } else {
            finish(number)
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
