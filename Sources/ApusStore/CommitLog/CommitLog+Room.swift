// Making room: the next segment, and the next entries of a queue. The slow side of a reservation.

import ApusFormat
import ApusSystem
import Synchronization

extension CommitLog {
    /// Makes room for `size` bytes and `count` entries, or says why there is none.
    @inline(never)
    func makeRoom(size: Int, count: Int64, queue: ConsumeQueue) throws(StoreError) {
        do throws(StoreError) {
            try roomLock.withLock { _ throws(StoreError) in
                // Under the lock: `close` waits for it, and nobody makes a file behind that.
                if let refused = refusal.withLock({ $0 }) { throw refused }
                let (tail, _, segmentEnd) = reservation.position
                if tail + Int64(size + BlankMarker.byteCount) > segmentEnd {
                    try roll(from: segmentEnd)
                }
                let (next, prepared) = reservation.lock.withLock {
                    (queue.nextOffset, queue.preparedEnd)
                }
                if count > 0, next + count > prepared {
                    try prepare(queue, count: count, nextOffset: next)
                }
            }
        } catch {
            if case .diskFull(let path) = error { tellDiskFull(path) }
            throw error
        }
    }

    /// Ends the segment that ends at `segmentEnd` and goes on to the next one.
    private func roll(from segmentEnd: Int64) throws(StoreError) {
        let next = try preallocator.takeNext(base: segmentEnd)
        segments.append(next)
        let old = segments.segment(containing: segmentEnd - 1)
        let (ticket, blankAt) = reservation.roll(to: next)
        if let old, blankAt < segmentEnd {
            var bytes = old.bytes.mutableBytes
            BlankMarker.store(
                remaining: Int32(truncatingIfNeeded: segmentEnd - blankAt), into: &bytes,
                at: old.position(of: blankAt))
        }
        publication.waitForTurn(ticket)
        publication.published.store(segmentEnd, ordering: .releasing)
        publication.pass(ticket)
        preallocator.follow(next, position: 0)
    }

    /// Gives a queue room for its next entries.
    func prepare(_ queue: ConsumeQueue, count: Int64, nextOffset: Int64) throws(StoreError) {
        // The file before the last one is let go below: everything in it must be published.
        if let previous = queue.previousFile {
            while queue.published.load(ordering: .acquiring) < previous.window.end {
                SystemThread.yield()
            }
        }
        try queue.prepare(count: count, nextOffset: nextOffset) { first, second, end in
            reservation.lock.withLock {
                queue.install(first, second, preparedEnd: end)
            }
        }
    }

    /// Takes messages no more, for this reason. A failed sync outweighs everything, a closed store
    /// a full disk.
    func refuse(_ reason: StoreError) {
        refusal.withLock { held in
            switch (held, reason) {
            case (.poisoned, _): return
            case (.closed, .poisoned): break
            case (.closed, _): return
            default: break
            }
            held = reason
            // Under the lock, or a full disk that has room again could open a closed store.
            reservation.setAccepting(false)
        }
    }

    /// Takes messages again after a full disk.
    func resumeAfterFullDisk() {
        refusal.withLock { held in
            guard case .diskFull = held else { return }
            held = nil
            reservation.setAccepting(true)
        }
    }

    /// A sync failed: no acknowledgement from here on. The observer hears of it from
    /// `tellPoison`, when no lock is held.
    func poison(_ cause: DiskError) { refuse(.poisoned(cause: cause)) }

    /// Tells the observer of the first failed sync, once. Called without locks.
    func tellPoison() {
        if let cause = poisonCause, isPoisonTold.set() { observer?.storeDid(.poisoned(cause)) }
    }

    /// Tells the observer that the disk is full, at most once a second.
    func tellDiskFull(_ path: String) {
        let now = time.nanoseconds
        let isDue = diskFullTold.withLock { last in
            guard now - last >= 1_000_000_000 else { return false }
            last = now
            return true
        }
        if isDue { observer?.storeDid(.diskFull(path: path)) }
    }

    /// The cause, once a sync has failed.
    var poisonCause: DiskError? {
        refusal.withLock { held in
            if case .poisoned(let cause) = held { return cause }
            return nil
        }
    }
}
