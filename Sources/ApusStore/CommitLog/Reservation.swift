// Who writes where: the positions that the next append gets, and the segment they lie in.
//
// Every property is touched under `lock` only. What can fail (room in the log, room in the queue,
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
final class Reservation: @unchecked Sendable {
    // Sendable: the mutable properties are touched under `lock` only.
    let lock = SpinLock()
    /// False while the store takes no messages: not open yet, closed, poisoned, or the disk is
    /// full.
    private var accepts = false
    private var nextTicket: UInt32 = 0
    private var tail: Int64 = 0
    private var lastTimestamp: Int64 = 0
    private var segment = MappedBytes.empty
    private var segmentStart: Int64 = 0
    private var segmentEnd: Int64 = 0

    /// Gives out `size` bytes and `count` entries of `queue` (0 for a record that no queue holds);
    /// nil when room has to be made first or the store takes no messages.
    @inline(__always)
    func reserve(size: Int, count: Int64, queue: ConsumeQueue, now: Int64) -> Place? {
        lock.lock()
        // Both ways out unlock for themselves: joined, they would pass the place through memory.
        guard hasRoom(size: size, count: count, queue: queue) else {
            lock.unlock()
            return nil
        }
        let place = take(size: size, count: count, queue: queue, now: now)
        lock.unlock()
        return place
    }

    /// The same for a batch, with the queue file behind the place's one.
    func reserveBatch(
        size: Int, count: Int64, queue: ConsumeQueue, now: Int64
    ) -> (place: Place, following: QueueWindow)? {
        lock.withLock {
            guard hasRoom(size: size, count: count, queue: queue) else { return nil }
            return (take(size: size, count: count, queue: queue, now: now), queue.following)
        }
    }

    /// The caller holds the lock.
    @inline(__always)
    private func hasRoom(size: Int, count: Int64, queue: ConsumeQueue) -> Bool {
        accepts && tail &+ Int64(size &+ BlankMarker.byteCount) <= segmentEnd
            && (queue.nextOffset &+ count <= queue.preparedEnd || count == 0)
    }

    /// The caller holds the lock, and there is room.
    @inline(__always)
    private func take(size: Int, count: Int64, queue: ConsumeQueue, now: Int64) -> Place {
        let start = tail
        tail = start &+ Int64(size)
        let queueOffset = queue.nextOffset
        queue.nextOffset = queueOffset &+ count
        let ticket = nextTicket
        nextTicket = ticket &+ 1
        let timestamp = Mutant.forgetsTime.isPlanted ? now : max(now, lastTimestamp)
        lastTimestamp = timestamp
        return Place(
            ticket: ticket, physicalOffset: start, position: Int(start &- segmentStart),
            segment: segment, queueOffset: queueOffset, storeTimestamp: timestamp,
            window: queueOffset < queue.current.end ? queue.current : queue.following)
    }

    /// A turn to publish without a place: what was reserved before it is published before it.
    func ticket() -> UInt32 {
        lock.withLock {
            defer { nextTicket &+= 1 }
            return nextTicket
        }
    }

    func setAccepting(_ accepting: Bool) { lock.withLock { accepts = accepting } }

    /// Where the next record would begin, and where the segment it would lie in ends.
    var position: (tail: Int64, segmentStart: Int64, segmentEnd: Int64) {
        lock.withLock { (tail, segmentStart, segmentEnd) }
    }

    /// Starts at `tail` in `segment`: what recovery found.
    func start(at tail: Int64, in segment: Segment, lastTimestamp: Int64) {
        lock.withLock {
            self.tail = tail
            self.lastTimestamp = lastTimestamp
            self.segment = segment.target
            segmentStart = segment.base
            segmentEnd = segment.end
        }
    }

    /// Goes on to `next`. Answers the ticket, and where the blank marker of the segment before
    /// goes.
    func roll(to next: Segment) -> (ticket: UInt32, blankAt: Int64) {
        lock.withLock {
            let blankAt = tail
            let ticket = nextTicket
            nextTicket &+= 1
            tail = next.base
            segment = next.target
            segmentStart = next.base
            segmentEnd = next.end
            return (ticket, blankAt)
        }
    }
}
