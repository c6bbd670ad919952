// What may be seen: records become readable in the order in which their places were given out.
//
// Everything below `published` is whole, and of a queue everything below its own mark. An appender
// whose record is whole when its turn comes moves the marks and passes the turn on. One that is
// through earlier leaves its record to whoever has the turn, and waits until it was published. So
// the turn never waits for a thread that has nothing left to do but wait, which on few cores may be
// long: it waits only for those that are still writing.
//
// Nobody takes a left record out of turn, and nobody but who took it passes its turn on. Behind the
// turn stands the light side of a barrier; the heavy side is with whoever goes to sleep, or counts
// itself as a waiter.

import ApusSystem
import Synchronization

/// A whole record or batch that is to become readable.
struct FinishedRecord: BitwiseCopyable {
    let isKeyed: Bool
    let physicalOffset: Int64
    let end: Int64
    let storeTimestamp: Int64
    /// Where its entries end; -1 when no queue holds it.
    let queueEnd: Int64
    /// Whoever appends it holds the queue until it is published.
    unowned(unsafe) let queue: ConsumeQueue
}

/// Moves the marks in order.
final class Publication: Sendable {
    /// The ticket that is published next, and what changes with it.
    let turn = RisingWord(Marks())
    /// Records whose appenders wait.
    let left = TurnRing<FinishedRecord>()
    /// Entries of published records that are still to be written.
    let deferred = TurnBuffer<DeferredEntry>(capacity: 32)

    struct Marks: ~Copyable {
        let published = Atomic<Int64>(0)
        let newestTimestamp = Atomic<Int64>(0)
    }

    /// Records that end at or before this physical offset are whole.
    @inline(__always)
    var published: Int64 { turn.withBeside { $0.published.load(ordering: .acquiring) } }

    /// Store timestamp of the newest published record, or of one behind `published`.
    var newestTimestamp: Int64 { turn.withBeside { $0.newestTimestamp.load(ordering: .acquiring) } }

    /// Goes on to the next segment, which begins at `end`. In turn only.
    func close(_ end: Int64) {
        turn.withBeside { $0.published.store(end, ordering: .releasing) }
    }

    /// Makes everything up to `end` readable. In turn only.
    @inline(__always)
    func publish(upTo end: Int64, timestamp: Int64) {
        turn.withBeside { marks in
            marks.newestTimestamp.store(timestamp, ordering: .relaxed)
            marks.published.store(end, ordering: .releasing)
        }
    }
}
