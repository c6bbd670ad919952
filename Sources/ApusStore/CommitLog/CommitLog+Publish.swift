// The end of step 6 in the life of a message: it becomes readable, in its turn.

import ApusSystem
import Synchronization

extension CommitLog {
    /// Makes a whole record, and its entries up to `queueEnd` (-1: none), readable in its turn.
    @inline(__always)
    func publish(
        _ place: Place, upTo end: Int64, queue: ConsumeQueue, queueEnd: Int64,
        isKeyed: Bool
    ) {
        let isKeyed = isKeyed && !Mutant.forgetsKeys.isPlanted
        let range = place.physicalOffset..<end
        if publication.turn.load() == place.ticket || Mutant.breaksOrder.isPlanted {
            show(range, place.storeTimestamp, of: queue, queueEnd: queueEnd, isKeyed: isKeyed)
            // As `pass` does: with a call of it the compiler inlines nothing of this.
            publication.turn.raise(to: place.ticket &+ 1)
            if publication.left.has(place.ticket &+ 1) { showLeft(from: place.ticket &+ 1) }
        } else {
            leave(
                place.ticket, range, place.storeTimestamp, of: queue, queueEnd: queueEnd,
                isKeyed: isKeyed)
        }
        attendIfNeeded(to: queue, queueEnd: queueEnd, end: end)
    }

    /// Does what has to be done behind some appends, where this is one of them. Behind the turn.
    @inline(__always)
    func attendIfNeeded(to queue: ConsumeQueue, queueEnd: Int64, end: Int64) {
        // The barrier behind the turn pairs with the one behind `ConsumeQueue.add`.
        let isAwaited = !readersWait && queue.waiterCount.load(ordering: .relaxed) != 0
        if isAwaited || wakesOnAppend || end >= preallocator.wakeAt.load(ordering: .relaxed)
            || queueEnd >= queue.extendAt.load(ordering: .relaxed)
        {
            attend(to: queue, queueEnd: queueEnd, isAwaited: isAwaited, end: end)
        }
    }

    @inline(never)
    private func attend(to queue: ConsumeQueue, queueEnd: Int64, isAwaited: Bool, end: Int64) {
        if queueEnd >= queue.extendAt.load(ordering: .relaxed) { roomRequests.note(queue) }
        if isAwaited, queueEnd >= 0 { queue.wakeWaiters(readableEnd: queueEnd) }
        if wakesOnAppend { flushWanted.ring() }
        if end >= preallocator.wakeAt.load(ordering: .relaxed) { follow(end) }
    }

    /// Moves the marks. In turn only.
    @inline(__always)
    private func show(
        _ range: Range<Int64>, _ storeTimestamp: Int64, of queue: ConsumeQueue, queueEnd: Int64,
        isKeyed: Bool
    ) {
        showRecord(range, storeTimestamp, of: queue, isQueued: queueEnd >= 0, isKeyed: isKeyed)
        guard queueEnd >= 0 else { return }
        // Entries before these may have been put off.
        if queue.deferredEnd.load(ordering: .relaxed) > queue.published.load(ordering: .relaxed),
            !Mutant.passesDeferred.isPlanted
        {
            writeDeferred()
        }
        queue.published.store(queueEnd, ordering: .releasing)
    }

    /// The same without the queue's own mark.
    @inline(__always)
    func showRecord(
        _ range: Range<Int64>, _ storeTimestamp: Int64, of queue: ConsumeQueue, isQueued: Bool,
        isKeyed: Bool
    ) {
        // Before the marks: who reads a mark in a turn of its own finds these done.
        if isKeyed { keyed.note(range) }
        if isQueued,
            queue.dirtyEpoch.load(ordering: .relaxed) != dirtyQueues.epoch.load(ordering: .relaxed)
        {
            dirtyQueues.add(queue)
        }
        // The log first: an entry that can be seen has a record that can be read.
        publication.publish(upTo: range.upperBound, timestamp: storeTimestamp)
    }

    private func show(_ record: FinishedRecord) {
        show(
            record.physicalOffset..<record.end, record.storeTimestamp, of: unsafe record.queue,
            queueEnd: record.queueEnd, isKeyed: record.isKeyed)
    }

    /// Ends a turn, and those of records that were left for it.
    @inline(__always)
    func pass(_ ticket: UInt32) {
        publication.turn.raise(to: ticket &+ 1)
        if publication.left.has(ticket &+ 1) { showLeft(from: ticket &+ 1) }
    }

    @inline(never)
    private func showLeft(from first: UInt32) {
        var ticket = first
        while let record = publication.left.take(ticket) {
            show(record)
            ticket &+= 1
            publication.turn.raise(to: ticket)
        }
    }

    private static var looksBeforeLeaving: Int { 32 }

    /// Leaves a record to whoever has the turn, and returns when it is published.
    @inline(never)
    func leave(
        _ ticket: UInt32, _ range: Range<Int64>, _ storeTimestamp: Int64, of queue: ConsumeQueue,
        queueEnd: Int64, isKeyed: Bool
    ) {
        // Most often the one before is through in a moment, and nobody has to take anything over.
        var looks = Self.looksBeforeLeaving
        while looks > 0 {
            looks -= 1
            if publication.turn.load() == ticket {
                show(range, storeTimestamp, of: queue, queueEnd: queueEnd, isKeyed: isKeyed)
                return pass(ticket)
            }
            spinHint()
        }
        help { ticket &- $0 >= TurnRing<FinishedRecord>.count }
        let record = FinishedRecord(
            isKeyed: isKeyed, physicalOffset: range.lowerBound, end: range.upperBound,
            storeTimestamp: storeTimestamp, queueEnd: queueEnd, queue: queue)
        publication.left.leave(record, for: ticket)
        help { !$0.isBehind(ticket) }
    }

    /// Waits while `isTooEarly` holds for the turn, and publishes what was left to be meanwhile.
    @inline(__always)
    private func help(while isTooEarly: (UInt32) -> Bool) {
        var looks = 0
        while true {
            let turn = publication.turn.load()
            if !isTooEarly(turn) { return }
            if publication.left.has(turn) {
                showLeft(from: turn)
                continue
            }
            looks += 1
            if looks < 256 {
                spinHint()
            } else if looks < 272 {
                SystemThread.yield()
            } else {
                publication.turn.sleep(while: turn)
            }
        }
    }

    /// A turn of its own: `body` sees everything published that was reserved before, and no
    /// appender publishes meanwhile; no entry is put off.
    func inTurn<Result>(_ body: () -> Result) -> Result {
        inTurn(of: reservation.ticket(), body)
    }

    /// The same for a ticket that the caller has.
    func inTurn<Result>(of ticket: UInt32, _ body: () -> Result) -> Result {
        help { $0 != ticket }
        defer { pass(ticket) }
        if publication.deferred.count > 0, !Mutant.keepsDeferred.isPlanted { writeDeferred() }
        return body()
    }

    private func follow(_ end: Int64) {
        guard let segment = segments.segment(containing: end - 1) else { return }
        preallocator.follow(segment, position: segment.position(of: end))
        if zeroesAhead { zeroWanted.ring() }
    }
}
