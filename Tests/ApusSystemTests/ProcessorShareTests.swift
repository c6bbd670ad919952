// When a thread gives its processor away.

import Synchronization
import Testing

@testable import ApusSystem

@Suite("a thread's share of a processor", .timeLimit(.minutes(1))) struct ProcessorShareTests {
    private static let start: Int64 = 7_000_000_000

    /// Ends one after `passed` nanoseconds. The thread worked for `worked` of them, and was away
    /// for `away` if it gave its processor away then. Answers whether it did.
    private func end(
        _ share: inout ProcessorShare, after passed: Int64, worked: Int64, away: Int64 = 0
    ) -> Bool {
        let now = share.start + passed
        var gave = false
        share.end(at: now, used: share.used + worked) {
            gave = true
            return now + away
        }
        return gave
    }

    private func begun() -> ProcessorShare {
        var share = ProcessorShare()
        share.end(at: Self.start, used: 1_000_000) { Self.start }
        return share
    }

    @Test("the first one is over at once, and gives nothing away")
    func first() {
        var share = ProcessorShare()
        #expect(share.isOver(at: Self.start))
        #expect(!end(&share, after: Self.start, worked: 1_000_000_000))
        #expect(share.start == Self.start && share.used == 1_000_000_000)
    }

    @Test("one lasts a quarter of a millisecond")
    func lasts() {
        let share = begun()
        #expect(!share.isOver(at: Self.start + 249_999))
        #expect(share.isOver(at: Self.start + 250_000))
    }

    @Test("who worked for three quarters of it gives its processor away, and who did less does not")
    func worked() {
        var (busy, idle) = (begun(), begun())
        #expect(end(&busy, after: 400_000, worked: 300_000, away: 90_000))
        #expect(busy.start == Self.start + 490_000)
        #expect(!end(&idle, after: 400_000, worked: 299_999, away: 90_000))
        #expect(idle.start == Self.start + 400_000)
    }

    @Test("only what was worked since the last one counts")
    func since() {
        var share = begun()
        #expect(!end(&share, after: 400_000, worked: 0))
        #expect(!end(&share, after: 400_000, worked: 299_999))
        #expect(end(&share, after: 400_000, worked: 300_000))
    }

    @Test(
        "one beside a thread that keeps the processor lasts longer, and the next as long as usual")
    func besideOthers() {
        var share = begun()
        #expect(end(&share, after: 250_000, worked: 250_000, away: 1_500_001))
        #expect(!share.isOver(at: share.start + 1_249_999))
        #expect(share.isOver(at: share.start + 1_250_000))
        #expect(end(&share, after: 1_250_000, worked: 1_250_000, away: 1_500_000))
        #expect(share.isOver(at: share.start + 250_000))
    }

    @Test("each thread has its own, and begins it when it ends the last")
    func own() throws {
        let seen = Mutex<[Bool]>([])
        let now = steadyNanoseconds()
        ProcessorShare.endOwn(at: now)
        #expect(!ProcessorShare.isOwnOver(at: now))
        let thread = try SystemThread(name: "other") {
            let first = ProcessorShare.isOwnOver(at: now)
            ProcessorShare.endOwn(at: now)
            seen.withLock { $0 = [first, ProcessorShare.isOwnOver(at: now)] }
        }
        thread.join()
        #expect(seen.withLock { $0 } == [true, false])
        #expect(ProcessorShare.isOwnOver(at: now + 1_000_000_000))
    }

    @Test("whoever shares the processor gets it from a thread that ends its share")
    func given() throws {
        final class Other: Sendable {
            let steps = Atomic<Int>(0)
            let isOver = Flag()
        }
        let other = Other()
        let all = Affinity.allowed()
        defer { Affinity.allow(all) }
        Affinity.allow(Affinity.only(SystemThread.processor))
        let thread = try SystemThread(name: "other") {
            while !other.isOver.isSet { other.steps.add(1, ordering: .relaxed) }
        }
        // The system need not give it to that one each time. Between two looks it takes it from
        // this thread of its own accord once in some ten thousand times.
        var hadIt = false
        for _ in 0..<100 where !hadIt {
            ProcessorShare.endOwn(at: steadyNanoseconds())
            let start = threadNanoseconds()
            while threadNanoseconds() - start < 300_000 {}
            let now = steadyNanoseconds()
            let before = other.steps.load(ordering: .relaxed)
            ProcessorShare.endOwn(at: now)
            hadIt = other.steps.load(ordering: .relaxed) != before
        }
        _ = other.isOver.set()
        thread.join()
        #expect(hadIt)
    }

    @Test("the time that a thread worked grows while it works, and not while it sleeps")
    func threadTime() {
        let start = threadNanoseconds()
        while threadNanoseconds() - start < 1_000_000 {}
        let worked = threadNanoseconds()
        SystemThread.sleep(nanoseconds: 20_000_000)
        #expect(threadNanoseconds() - worked < 10_000_000)
    }
}
