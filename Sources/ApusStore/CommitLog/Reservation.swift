// Who writes where: the positions that the next append gets, and the segment they lie in.
//
// What can fail (room in the log, room in the queue,
// the state of the store) is looked at before a place is given out; once it is given, nothing
// fails.

import ApusFormat
import ApusSystem

/// A place in the log, given to one appender alone.
struct Place {
    /// When the appender's turn to publish comes.
    let ticket: UInt32
    let physicalOffset: Int64
    /// Where that is in the segment.
    let position: Int
    let segment: MappedBytes
    /// The number of the first message in its queue.
    let queueOffset: Int64
    let storeTimestamp: Int64
    /// Where the first queue entry goes; a batch may reach over into the file behind.
    let window: QueueWindow
}

/// Gives out places, in order.
final class Reservation: Sendable {
    private struct State {
        var nextTicket: UInt32 = 0
        /// False while the store takes no messages: not open yet, closed, poisoned, or the disk is
        /// full.
        var accepts = false
        var tail: Int64 = 0
        var lastTimestamp: Int64 = 0
        var segmentStart: Int64 = 0
        var segmentEnd: Int64 = 0
        var segment = MappedBytes.empty
        var tenure = Tenure()

        @inline(__always)
        func hasRoom(size: Int, count: Int64, queue: ConsumeQueue) -> Bool {
            accepts && tail &+ Int64(size &+ BlankMarker.byteCount) <= segmentEnd
                && (queue.nextOffset &+ count <= queue.preparedEnd || count == 0)
        }

        /// There is room.
        @inline(__always)
        mutating func take(size: Int, count: Int64, queue: ConsumeQueue, now: Int64) -> Place {
            let start = tail
            tail = start &+ Int64(size)
            let queueOffset = queue.nextOffset
            queue.nextOffset = queueOffset &+ count
            let timestamp = Mutant.forgetsTime.isPlanted ? now : max(now, lastTimestamp)
            lastTimestamp = timestamp
            return Place(
                ticket: takeTicket(), physicalOffset: start,
                position: Int(start &- segmentStart), segment: segment, queueOffset: queueOffset,
                storeTimestamp: timestamp,
                window: queueOffset < queue.current.end ? queue.current : queue.following)
        }

        @inline(__always)
        mutating func takeTicket() -> UInt32 {
            let ticket = nextTicket
            nextTicket = ticket &+ 1
            return ticket
        }
    }

    private let state = SpinLocked(State())

    /// Keeps appenders from taking places meanwhile, and from what they touch of queues then.
    func withLock<Result>(_ body: () -> Result) -> Result { state.withLock { _ in body() } }

    /// Takes the lock for a moment, unless somebody holds it: for tests.
    func canLock() -> Bool {
        guard state.tryLock() else { return false }
        state.unlock()
        return true
    }

    /// Gives out `size` bytes and `count` entries of `queue` (0 for a record that no queue holds);
    /// nil when room has to be made first or the store takes no messages.
    @inline(__always)
    func reserve(size: Int, count: Int64, queue: ConsumeQueue, now: Int64) -> Place? {
        state.lock()
        if state.withHeld({ $0.tenure.owner != threadMark() }) {
            succeed(waits: size <= Tenure.longestRecord)
        }
        // Both ways out unlock for themselves: joined, they would pass the place through memory.
        let hasRoom = state.withHeld { $0.hasRoom(size: size, count: count, queue: queue) }
        guard hasRoom else {
            giveUp()
            return nil
        }
        let place = state.withHeld { $0.take(size: size, count: count, queue: queue, now: now) }
        state.unlock()
        return place
    }

    /// Begins a tenure of this thread; where it `waits`, after most of one that is under way. The
    /// lock is held, but not meanwhile. Several threads append then, and none waits yet for this
    /// one: the time to give its processor away.
    @inline(never)
    private func succeed(waits: Bool) {
        var now = steadyNanoseconds()
        if ProcessorShare.isOwnOver(at: now) {
            state.unlock()
            ProcessorShare.endOwn(at: now)
            state.lock()
            now = steadyNanoseconds()
        }
        if waits {
            awaitTenure(from: now)
            now = steadyNanoseconds()
        }
        state.withHeld { state in
            state.tenure.begin(threadMark(), at: now, nextTicket: state.nextTicket)
        }
    }

    /// Waits for most of the tenure that is under way, if its owner is busy.
    private func awaitTenure(from now: Int64) {
        let (tenure, seen) = state.withHeld { ($0.tenure, $0.nextTicket) }
        if tenure.isBusy(at: now, nextTicket: seen) {
            pause(from: now, until: min(now &+ Tenure.look, tenure.end))
            if state.withHeld({ $0.nextTicket != seen }) {
                pause(from: now, until: tenure.end)
            }
        }
    }

    /// Gives the lock up until then.
    private func pause(from start: Int64, until end: Int64) {
        state.unlock()
        var now = start
        while now < end {
            spinHint()
            now = steadyNanoseconds()
        }
        state.lock()
    }

    /// Elsewhere, so that there is less to inline where places are taken.
    @inline(never)
    private func giveUp() { state.unlock() }

    /// The same for a batch, with the queue file behind the place's one.
    func reserveBatch(
        size: Int, count: Int64, queue: ConsumeQueue, now: Int64
    ) -> (place: Place, following: QueueWindow)? {
        state.lock()
        defer { state.unlock() }
        if state.withHeld({ $0.tenure.owner != threadMark() }) { succeed(waits: false) }
        return state.withHeld { state in
            guard state.hasRoom(size: size, count: count, queue: queue) else { return nil }
            let place = state.take(size: size, count: count, queue: queue, now: now)
            return (place, queue.following)
        }
    }

    /// Whether somebody has a place that is not published when this turn comes, or takes one just
    /// now.
    func isAnyoneIn(behind turn: UInt32) -> Bool {
        guard state.tryLock() else { return true }
        let next = state.withHeld { $0.nextTicket }
        state.unlock()
        return next != turn
    }

    /// A turn to publish without a place: what was reserved before it is published before it.
    func ticket() -> UInt32 {
        state.withLock { $0.takeTicket() }
    }

    func setAccepting(_ accepting: Bool) { state.withLock { $0.accepts = accepting } }

    /// Where the next record would begin, and where the segment it would lie in ends.
    var position: (tail: Int64, segmentStart: Int64, segmentEnd: Int64) {
        state.withLock { ($0.tail, $0.segmentStart, $0.segmentEnd) }
    }

    /// Starts at `tail` in `segment`: what recovery found.
    func start(at tail: Int64, in segment: Segment, lastTimestamp: Int64) {
        state.withLock { state in
            state.tail = tail
            state.lastTimestamp = lastTimestamp
            state.segment = segment.target
            state.segmentStart = segment.base
            state.segmentEnd = segment.end
        }
    }

    /// Goes on to `next`. Answers the ticket, and where the blank marker of the segment before
    /// goes.
    func roll(to next: Segment) -> (ticket: UInt32, blankAt: Int64) {
        state.withLock { state in
            let blankAt = state.tail
            state.tail = next.base
            state.segment = next.target
            state.segmentStart = next.base
            state.segmentEnd = next.end
            return (state.takeTicket(), blankAt)
        }
    }
}
