// What may be seen: records become readable in the order in which their places were given out.
//
// An appender whose record is whole waits for its turn, moves the marks, and passes the turn on. So
// everything below `published` is whole, and of a queue everything below its own mark. The wait is
// short: whoever is before has its place already and only copies. Behind the turn stands the light
// side of a barrier; the heavy side is with whoever counts itself as a sleeper or a waiter.

import ApusSystem
import Synchronization

/// Moves the marks in order.
final class Publication: Sendable {
    private let turn = FutexWord()
    private let sleepers = Atomic<Int>(0)
    private let isAsymmetric = AsymmetricBarrier.isAvailable
    /// Records that end at or before this physical offset are whole. Written in turn.
    let published = Atomic<Int64>(0)
    /// Store timestamp of the newest published record. Written in turn, before `published`.
    let newestTimestamp = Atomic<Int64>(0)

    /// Waits until everyone with a smaller ticket has published.
    @inline(__always)
    func waitForTurn(_ ticket: UInt32) {
        if turn.load() != ticket { sleep(until: ticket) }
    }

    @inline(never)
    private func sleep(until ticket: UInt32) {
        for _ in 0..<256 {
            if turn.load() == ticket { return }
            spinHint()
        }
        for _ in 0..<16 {
            if turn.load() == ticket { return }
            SystemThread.yield()
        }
        sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
        AsymmetricBarrier.heavy()
        while true {
            let current = turn.load()
            if current == ticket { break }
            turn.wait(while: current)
        }
        sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }

    /// Makes everything up to `end` readable. In turn only.
    @inline(__always)
    func publish(upTo end: Int64, timestamp: Int64) {
        newestTimestamp.store(timestamp, ordering: .relaxed)
        published.store(end, ordering: .releasing)
    }

    /// Ends the turn of `ticket`.
    @inline(__always)
    func pass(_ ticket: UInt32) {
        turn.store(ticket &+ 1)
        AsymmetricBarrier.light(isAvailable: isAsymmetric)
        if sleepers.load(ordering: .relaxed) != 0 { turn.wake() }
    }
}
