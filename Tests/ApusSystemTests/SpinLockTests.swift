// Locks, numbers that are slept on, and what is left for whoever has the turn.

import Synchronization
import Testing

@testable import ApusSystem

@Suite("locks", .timeLimit(.minutes(1))) struct SpinLockTests {
    /// Runs `body` in so many threads at once.
    private func crowd(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) throws {
        let threads = try (0..<count).map { number in
            try SystemThread(name: "crowd-\(number)") { body(number) }
        }
        for thread in threads { thread.join() }
    }

    @Test("one held by a thread keeps the others out, and none sleeps for ever")
    func excludes() throws {
        final class Counter: Sendable { let value = SpinLocked(0) }
        let counter = Counter()
        try crowd(8) { _ in
            for _ in 0..<50_000 { counter.value.withLock { $0 += 1 } }
        }
        #expect(counter.value.withLock { $0 } == 400_000)
    }

    @Test("those who sleep for one that is held long get it, one after the other")
    func slept() throws {
        final class Counter: Sendable { let value = SpinLocked(0) }
        let counter = Counter()
        try crowd(6) { _ in
            for _ in 0..<20 {
                counter.value.withLock { value in
                    value += 1
                    SystemThread.sleep(nanoseconds: 200_000)
                }
            }
        }
        #expect(counter.value.withLock { $0 } == 120)
    }

    @Test("one that is held is not taken, and is free afterwards")
    func tried() {
        let lock = SpinLock()
        let (first, second) = (lock.tryLock(), lock.tryLock())
        #expect(first && !second)
        lock.unlock()
        let wasHeld = lock.lock()
        #expect(!wasHeld)
        lock.unlock()
    }

    @Test("whoever sleeps on a number wakes when it rises, from any number on")
    func rises() throws {
        final class Turn: Sendable { let word = RisingWord(()) }
        let turn = Turn()
        // Around the wrap, where a plain comparison would take old for new.
        let start = UInt32.max - 3_000
        turn.word.raise(to: start)
        // Each thread passes the turn on to the next one, which mostly sleeps by then.
        try crowd(4) { number in
            for round in 0..<1_500 {
                let mine = start &+ UInt32(round * 4 + number)
                while true {
                    let seen = turn.word.load()
                    if seen == mine { break }
                    turn.word.sleep(while: seen)
                }
                turn.word.raise(to: mine &+ 1)
            }
        }
        #expect(turn.word.load() == start &+ 6_000)
    }

    @Test("a number is behind those before it, around the wrap too")
    func order() {
        #expect(UInt32(1).isBehind(0) && !UInt32(0).isBehind(1) && !UInt32(5).isBehind(5))
        #expect(UInt32(2).isBehind(.max) && !UInt32.max.isBehind(2))
    }
}

@Suite("what is left for a turn", .timeLimit(.minutes(1))) struct TurnRingTests {
    @Test("is there for its ticket alone, and is taken once")
    func once() {
        let ring = TurnRing<Int64>()
        let next = TurnRing<Int64>.count
        let untouched = (ring.has(0), ring.take(0))
        #expect(!untouched.0 && untouched.1 == nil)
        ring.leave(7, for: 0)
        let there = (ring.has(0), ring.has(1), ring.has(next))
        #expect(there.0 && !there.1 && !there.2)
        let taken = (ring.take(next), ring.take(0), ring.take(0))
        #expect(taken.0 == nil && taken.1 == 7 && taken.2 == nil)
        ring.leave(8, for: next)
        let later = (ring.take(0), ring.take(next), ring.has(next))
        #expect(later.0 == nil && later.1 == 8 && !later.2)
    }

    @Test("is had by one of those who reach for it, whole")
    func whole() throws {
        final class Shared: Sendable {
            let ring = TurnRing<SIMD4<UInt64>>()
            let turn = Atomic<UInt32>(0)
            let sum = Atomic<UInt64>(0)
            let torn = Atomic<Int>(0)
        }
        let shared = Shared()
        let count: UInt32 = 10_000
        let threads = try (0..<4).map { number in
            try SystemThread(name: "ring-\(number)") {
                if number == 0 {
                    for ticket in 0..<count {
                        while ticket &- shared.turn.load(ordering: .acquiring)
                            >= TurnRing<SIMD4<UInt64>>.count
                        { SystemThread.yield() }
                        shared.ring.leave(SIMD4(repeating: UInt64(ticket)), for: ticket)
                    }
                    return
                }
                while true {
                    let ticket = shared.turn.load(ordering: .acquiring)
                    if ticket == count { return }
                    guard let value = shared.ring.take(ticket) else {
                        SystemThread.yield()
                        continue
                    }
                    if value != SIMD4(repeating: UInt64(ticket)) {
                        shared.torn.wrappingAdd(1, ordering: .relaxed)
                    }
                    shared.sum.wrappingAdd(value[0], ordering: .relaxed)
                    shared.turn.store(ticket + 1, ordering: .releasing)
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(shared.torn.load(ordering: .relaxed) == 0)
        #expect(shared.sum.load(ordering: .relaxed) == UInt64(count) * UInt64(count - 1) / 2)
    }
}
