// Making room: the next segment, and the next entries of a queue. The slow side of a reservation.

import ApusFormat
import ApusSystem
import Synchronization

extension CommitLog {
    /// Makes room for `size` bytes and `count` entries, or says why there is none.
    @inline(never)
    func makeRoom(size: Int, count: Int64, queue: ConsumeQueue) throws(StoreError) {
        if let refused = refusal.withLock({ $0 }) { throw refused }
        try roomLock.withLock { _ throws(StoreError) in
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
    }

    /// Ends the segment that ends at `segmentEnd` and goes on to the next one.
    private func roll(from segmentEnd: Int64) throws(StoreError) {
        let next: Segment
        do throws(StoreError) {
            next = try preallocator.takeNext(base: segmentEnd)
        } catch {
            if case .diskFull(let path) = error { observer?.storeDid(.diskFull(path: path)) }
            throw error
        }
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

    /// Takes messages no more, for this reason. The first reason stays, but for a full disk.
    func refuse(_ reason: StoreError) {
        refusal.withLock { held in
            if case .poisoned = held { return }
            if case .closed = held { return }
            held = reason
        }
        reservation.setAccepting(false)
    }

    /// Takes messages again after a full disk.
    func resumeAfterFullDisk() {
        let resumes = refusal.withLock { held in
            guard case .diskFull = held else { return false }
            held = nil
            return true
        }
        if resumes { reservation.setAccepting(true) }
    }

    /// A sync failed: no acknowledgement from here on.
    func poison(_ cause: DiskError) {
        refuse(.poisoned(cause: cause))
        observer?.storeDid(.poisoned(cause))
    }

    /// The cause, once a sync has failed.
    var poisonCause: DiskError? {
        refusal.withLock { held in
            if case .poisoned(let cause) = held { return cause }
            return nil
        }
    }
}
