// Threads of the store's own that give their processor to an appender that does not get on.

import ApusSystem
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("long work of the store's own") struct CourtesyTests {
    /// What a thread of the store's own looks at.
    private final class Bench: Sendable {
        let publication = Publication()
        let reservation = Reservation()
        let courtesy: Courtesy
        /// In nanoseconds.
        private let clock: Clock

        private final class Clock: Sendable {
            let time = Atomic<Int64>(1_000_000_000)
            /// What passes while the processor is given away, once.
            let absence: Int64
            let givenCount = Mutex<@Sendable () -> Int> { 0 }

            init(absence: Int64) { self.absence = absence }

            var now: Int64 {
                time.load(ordering: .relaxed) + absence * Int64(givenCount.withLock { $0 }())
            }
        }

        init(absence: Int64 = 0) {
            let clock = Clock(absence: absence)
            self.clock = clock
            courtesy = Courtesy(publication, reservation) { clock.now }
            clock.givenCount.withLock { count in
                count = { [weak courtesy] in courtesy?.givenCount.load(ordering: .relaxed) ?? 0 }
            }
        }

        var given: Int { courtesy.givenCount.load(ordering: .relaxed) }

        func pass(_ nanoseconds: Int64) { clock.time.add(nanoseconds, ordering: .relaxed) }

        func append() { publication.turn.raise(to: reservation.ticket() + 1) }

        /// Work that begins when turns have passed, each after so long.
        func work(after turns: Int64, nanosecondsEach: Int64) -> Courtesy.Work {
            _ = courtesy.begin()
            for _ in 0..<turns { append() }
            pass(turns * nanosecondsEach)
            return courtesy.begin()
        }
    }

    @Test("gives its processor away behind a piece during which many turns should have passed")
    func late() {
        let bench = Bench()
        var work = bench.work(after: 1000, nanosecondsEach: 1000)
        bench.pass(4_003)
        work.endPiece()
        #expect(bench.given == 0)
        bench.pass(4_004)
        work.endPiece()
        #expect(bench.given == 1)
        bench.append()
        bench.pass(1_000_000)
        work.endPiece()
        #expect(bench.given == 1)
    }

    @Test("goes by the pace before where work begins too soon to tell of another")
    func soon() {
        let bench = Bench()
        _ = bench.work(after: 1000, nanosecondsEach: 1000)
        bench.pass(50_000)
        var work = bench.courtesy.begin()
        bench.pass(10_000)
        work.endPiece()
        #expect(bench.given == 1)
        bench.pass(50_000)
        var slow = bench.courtesy.begin()
        bench.pass(10_000)
        slow.endPiece()
        #expect(bench.given == 1)
    }

    @Test("does not count what passes while it has no processor")
    func without() {
        let bench = Bench(absence: 4_000_000)
        var work = bench.work(after: 1000, nanosecondsEach: 1000)
        bench.pass(10_000)
        work.endPiece()
        #expect(bench.given == 1)
        bench.pass(3_000)
        work.endPiece()
        #expect(bench.given == 1)
    }

    @Test("keeps its processor where appends are seldom, and none is under way")
    func seldom() {
        let bench = Bench()
        var work = bench.work(after: 10, nanosecondsEach: 1_000_000)
        for _ in 0..<100 {
            bench.pass(20_000)
            work.endPiece()
        }
        #expect(bench.given == 0)
        // The same in a store that nobody appends to.
        bench.pass(1_000_000_000)
        var idle = bench.courtesy.begin()
        for _ in 0..<100 {
            bench.pass(1_000_000)
            idle.endPiece()
        }
        #expect(bench.given == 0)
    }

    @Test("gives its processor away where somebody is in the middle of an append")
    func inside() {
        let bench = Bench()
        var work = bench.courtesy.begin()
        work.endPiece()
        #expect(bench.given == 0)
        let ticket = bench.reservation.ticket()
        work.endPiece()
        work.endPiece()
        #expect(bench.given == 2)
        // A piece during which a turn passed is none of that, though another is in the middle.
        let next = bench.reservation.ticket()
        bench.publication.turn.raise(to: ticket + 1)
        work.endPiece()
        #expect(bench.given == 2)
        bench.publication.turn.raise(to: next + 1)
        work.endPiece()
        // Who takes a place just now is.
        bench.reservation.withLock { work.endPiece() }
        #expect(bench.given == 3)
        work.endPiece()
        #expect(bench.given == 3)
    }

    @Test("ends a piece at each 64 KiB of pages that are brought in")
    func pages() throws {
        let bytes = try MappedBytes.reserve(count: 1 << 20)
        defer { bytes.unmap() }
        var pieces = 0
        bytes.populateForWriting(0..<(300 << 10)) { pieces += 1 }
        #expect(pieces == 5)
    }

    @Test("looks at appenders while a queue gets room, and while pages of the log come in")
    func agents() throws {
        let directory = try TemporaryDirectory()
        let store = try MessageStore.open(
            directory.path,
            tinyConfiguration {
                $0.commitLog.writer = .mapped
                $0.commitLog.segmentByteCount = 4 << 20
                $0.commitLog.populateAheadByteCount = 1 << 20
                $0.queues.fileByteCount = 400_000
                $0.queues.extentByteCount = 200_000
            })
        func given() -> Int { store.log.courtesy.givenCount.load(ordering: .relaxed) }
        try store.append(message(1))
        // One that does not get on.
        var ticket = store.log.reservation.ticket()
        var before = given()
        try store.log.extend(try store.queue(topic: "Orders").queue)
        // Zeros of 200,000 bytes, then their pages.
        #expect(given() >= before + 6, "given away \(given() - before) times")
        store.log.publication.turn.raise(to: ticket + 1)
        for number in 2..<2_000 { try store.append(message(number, size: 400)) }
        ticket = store.log.reservation.ticket()
        before = given()
        let segment = try #require(store.log.segments.last)
        store.log.preallocator.follow(segment, position: Int(store.published))
        #expect(store.log.preallocator.doWork() == 1)
        #expect(given() >= before + 8, "given away \(given() - before) times")
        store.log.publication.turn.raise(to: ticket + 1)
        try store.close()
    }
}
