// How many are woken; who is woken on the processor of who rang, and goes away from there.

import Glibc
import Synchronization
import Testing

@testable import ApusSystem

@Suite("signals", .timeLimit(.minutes(1))) struct SignalTests {
    /// Rings for a thread on the same processor, and answers where that one was before and after
    /// it had left, and whether it may run where it could.
    private func ring() throws -> (before: Int32, after: Int32, isFree: Bool, rang: Int32) {
        struct Found { var before: Int32 = -1, after: Int32 = -1, isFree = false }
        final class Shared: Sendable {
            let signal = Signal()
            let isReady = Flag()
            let found = Mutex(Found())
        }
        let shared = Shared()
        let all = Affinity.allowed()
        defer { Affinity.allow(all) }
        let here = SystemThread.processor
        Affinity.allow(Affinity.only(here))
        let thread = try SystemThread(name: "woken") {
            let seen = shared.signal.current
            _ = shared.isReady.set()
            shared.signal.wait(after: seen)
            // It came here with who made it, and may go now.
            Affinity.allow(all)
            let before = SystemThread.processor
            shared.signal.leaveRinger()
            let after = SystemThread.processor
            let isFree = Affinity.bits(Affinity.allowed()) == Affinity.bits(all)
            shared.found.withLock { $0 = Found(before: before, after: after, isFree: isFree) }
        }
        while !shared.isReady.isSet { SystemThread.yield() }
        SystemThread.sleep(nanoseconds: 2_000_000)
        shared.signal.ring()
        thread.join()
        let found = shared.found.withLock { $0 }
        return (found.before, found.after, found.isFree, here)
    }

    @Test("whoever is woken on the processor of who rang leaves it, where there are others")
    func leaves() throws {
        let count = Affinity.bits(Affinity.allowed()).reduce(0) { $0 + $1.nonzeroBitCount }
        var wasThere = 0
        for _ in 0..<20 {
            let (before, after, isFree, rang) = try ring()
            #expect(isFree)
            guard before == rang else { continue }
            wasThere += 1
            #expect(count == 1 ? after == rang : after != rang)
        }
        #expect(wasThere > 0)
    }

    /// Rings on this processor for a thread that goes to another one, if there is one, and rings
    /// from there. Answers for which processor it rang, and where both were.
    private func ringOn(leavesRinger: Bool) throws -> (rungFor: Int32, here: Int32, there: Int32) {
        let (first, second) = (Signal(), Signal())
        let there = Atomic<Int32>(-1)
        let all = Affinity.allowed()
        defer { Affinity.allow(all) }
        let here = SystemThread.processor
        Affinity.allow(Affinity.only(here))
        let seenBySleeper = second.current
        let sleeper = try SystemThread(name: "last") { second.wait(after: seenBySleeper) }
        let between = try SystemThread(name: "between") {
            let seen = first.current
            first.wait(after: seen)
            Affinity.allow(all)
            let elsewhere = Affinity.processors(all).first { $0 != here }
            Affinity.allow(Affinity.only(elsewhere ?? here))
            if leavesRinger { first.leaveRinger() }
            there.store(SystemThread.processor, ordering: .relaxed)
            second.ring()
        }
        // Who rings while nobody sleeps does not say where.
        for signal in [first, second] {
            while signal.sleepers.load(ordering: .sequentiallyConsistent) == 0 {
                SystemThread.yield()
            }
        }
        first.ring()
        between.join()
        sleeper.join()
        return (
            second.ringer.load(ordering: .relaxed), here, there.load(ordering: .relaxed)
        )
    }

    @Test("who was rung for rings for the same processor, and others ring for their own")
    func ringsOn() throws {
        let handedOn = try ringOn(leavesRinger: true)
        #expect(handedOn.rungFor == handedOn.here)
        let own = try ringOn(leavesRinger: false)
        #expect(own.rungFor == own.there)
    }

    @Test("as many are woken as was rung for, and the others by the next ring")
    func someAreWoken() throws {
        let signal = Signal()
        let awake = Atomic<Int>(0)
        let seen = signal.current
        let threads = try (0..<4).map { number in
            try SystemThread(name: "sleeper-\(number)") {
                signal.wait(after: seen)
                awake.wrappingAdd(1, ordering: .sequentiallyConsistent)
            }
        }
        SystemThread.sleep(nanoseconds: 100_000_000)
        signal.ring(1)
        SystemThread.sleep(nanoseconds: 100_000_000)
        #expect(awake.load(ordering: .sequentiallyConsistent) == 1)
        signal.ring()
        for thread in threads { thread.join() }
    }
}
