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
            if case .poisoned(let cause) = error { poison(cause) }
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
            preparedEnd: reservation.withLock { queue.preparedEnd }, for: maker,
            at: time.nanoseconds
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
        guard try extendInFile(queue) else { return }
        // The next file is not left to an appender that comes to the end of this one: to make it
        // takes longer than the appender does for what is left. Nobody needs it yet: whoever does
        // tries again, and gets the error.
        _ = try? extendInFile(queue)
    }

    /// The same in one file; true when that has no more to give.
    private func extendInFile(_ queue: ConsumeQueue) throws(StoreError) -> Bool {
        // What takes long first, without the lock: appenders to other queues may need it. What
        // fails here fails below too, where it is handled.
        try makeFile(of: queue)
        let step = roomLock.withLock { _ in
            takesMessages ? queue.beginStep(marks(of: queue)) : nil
        }
        if let step {
            var work = courtesy.begin()
            try? queue.take(step) { work.endPiece() }
        }
        return try roomLock.withLock { _ throws(StoreError) in
            // A step that nobody goes on from would hold its file.
            defer { queue.dropStep() }
            guard takesMessages else { return false }
            // Its mappings may have been given back meanwhile.
            guard queue.currentFile != nil else { return false }
            let marks = marks(of: queue)
            try prepare(
                queue, count: marks.preparedEnd - marks.nextOffset + 1,
                nextOffset: marks.nextOffset, for: .extender)
            return queue.isNextWanted(self.marks(of: queue))
        }
    }

    /// Makes the file behind one that has room to its end.
    private func makeFile(of queue: ConsumeQueue) throws(StoreError) {
        let first = roomLock.withLock { _ in
            takesMessages ? queue.fileToMake(marks(of: queue)) : nil
        }
        guard let first else { return }
        do throws(StoreError) {
            let file = try queue.makeFile(from: first)
            let leaving = roomLock.withLock { _ in queue.list(file) }
            withExtendedLifetime(leaving) {}
        } catch {
            // Of this nobody is told again.
            guard case .poisoned(let cause) = error else { return }
            poison(cause)
            throw error
        }
    }

    private var takesMessages: Bool { refusal.withLock { $0 } == nil }

    private func marks(of queue: ConsumeQueue) -> ConsumeQueue.Marks {
        reservation.withLock {
            ConsumeQueue.Marks(nextOffset: queue.nextOffset, preparedEnd: queue.preparedEnd)
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
