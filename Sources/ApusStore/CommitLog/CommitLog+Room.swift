// Making room: the next segment, and the next entries of a queue. The slow side of a reservation.

import ApusFormat
import ApusSystem
import Synchronization

extension CommitLog {
    /// Makes room for `size` bytes and `count` entries, or says why there is none.
    @inline(never)
    func makeRoom(size: Int, count: Int64, queue: ConsumeQueue) throws(StoreError) {
        try roomLock.withLock { _ throws(StoreError) in
            // In the lock, for which `close` waits: nothing is made once the store is closed.
            if !isEnding.isSet { _ = try makeUpStart() }
            if let refused = refusal.withLock({ $0 }) { throw refused }
            let (tail, _, segmentEnd) = reservation.position
            if tail + Int64(size + BlankMarker.byteCount) > segmentEnd {
                try roll(from: segmentEnd)
            }
            let (next, prepared) = reservation.withLock {
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
            next = try preallocator.maker.takeNext(base: segmentEnd)
        } catch {
            if case .diskFull(let path) = error { tellDiskFull(path) }
            throw error
        }
        segments.append(next)
        let old = segments.segment(containing: segmentEnd - 1)
        let (ticket, blankAt) = reservation.roll(to: next)
        if let old, blankAt < segmentEnd, !Mutant.leavesBlankOut.isPlanted {
            let target = old.target
            var bytes = target.mutableBytes
            BlankMarker.store(
                remaining: Int32(truncatingIfNeeded: segmentEnd - blankAt), into: &bytes,
                at: old.position(of: blankAt))
        }
        inTurn(of: ticket) { publication.close(segmentEnd) }
        preallocator.follow(next, position: 0)
        if zeroesAhead { zeroWanted.ring() }
    }

    /// Gives a queue room for its next entries. The caller holds the room lock, or is recovery.
    func prepare(
        _ queue: ConsumeQueue, count: Int64, nextOffset: Int64, for maker: RoomMaker = .appender
    ) throws(StoreError) {
        do throws(StoreError) {
            try tryPreparing(queue, count: count, nextOffset: nextOffset, maker)
        } catch {
            guard case .limitReached = error, mappings.makeRoom(reservation, for: queue) > 0
            else { throw error }
            try tryPreparing(queue, count: count, nextOffset: nextOffset, maker)
        }
    }

    private func tryPreparing(
        _ queue: ConsumeQueue, count: Int64, nextOffset: Int64, _ maker: RoomMaker
    ) throws(StoreError) {
        // The mapping before the last one is let go below: everything in it must be published.
        if queue.previousFile != nil {
            while queue.published.load(ordering: .acquiring) < queue.previousEnd {
                // One that was put off waits for nobody else.
                if publishedEnd(of: queue) < queue.previousEnd { SystemThread.yield() }
            }
        }
        try queue.prepare(
            count: count, nextOffset: nextOffset,
            preparedEnd: reservation.withLock { queue.preparedEnd }, for: maker
        ) { first, second, end in
            let (next, leaving) = reservation.withLock {
                let leaving = queue.install(first, second, preparedEnd: end)
                return (queue.nextOffset, leaving)
            }
            withExtendedLifetime(leaving) {}
            queue.files.withLock { $0.limitOutgrown(to: next, except: first, second) }
        }
    }

    /// Gives a queue more room, ahead of its appenders.
    func extend(_ queue: ConsumeQueue) throws(StoreError) {
        // What takes long first, without the lock: appenders to other queues may need it.
        let step = roomLock.withLock { _ in
            refusal.withLock({ $0 }) == nil
                ? queue.beginStep(preparedEnd: reservation.withLock { queue.preparedEnd }) : nil
        }
        // What fails here fails below too, where it is handled.
        if let step { try? queue.take(step) }
        try roomLock.withLock { _ throws(StoreError) in
            // A step that nobody goes on from would hold its file.
            defer { queue.dropStep() }
            if refusal.withLock({ $0 }) != nil { return }
            let (next, prepared) = reservation.withLock {
                (queue.nextOffset, queue.preparedEnd)
            }
            // Its mappings may have been given back meanwhile.
            guard queue.currentFile != nil else { return }
            try prepare(queue, count: prepared - next + 1, nextOffset: next, for: .extender)
        }
    }

    /// Takes messages no more, for this reason. A closed or poisoned store stays so.
    func refuse(_ reason: StoreError) {
        refusal.withLock { held in
            switch held {
            case .poisoned, .closed: break
            default: held = reason
            }
            reservation.setAccepting(false)
        }
    }

    /// Takes messages again after a full disk.
    func resumeAfterFullDisk() {
        let isReady = roomLock.withLock { _ in
            if isEnding.isSet { return false }
            return (try? makeUpStart()) ?? false
        }
        guard isReady else { return }
        refusal.withLock { held in
            guard case .diskFull = held else { return }
            held = nil
            reservation.setAccepting(true)
        }
    }

    /// Takes messages from now on, unless there is a reason not to.
    func startAccepting() {
        refusal.withLock { if $0 == nil { reservation.setAccepting(true) } }
    }
}
