// Threads of the store's own that give their processor to an appender that does not get on.

import ApusSystem
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("long work of the store's own") struct CourtesyTests {
    /// What a thread of the store's own looks at.
    private struct Bench {
        let publication = Publication()
        let reservation = Reservation()
        let courtesy: Courtesy
        let start = steadyNanoseconds()

        init() { courtesy = Courtesy(publication, reservation) }

        var given: Int { courtesy.givenCount.load(ordering: .relaxed) }

        /// Work that begins when turns have passed, each after so long.
        func work(after turns: UInt32, nanosecondsEach: Int64) -> Courtesy.Work {
            _ = courtesy.begin(at: start)
            for _ in 0..<turns { publication.turn.raise(to: reservation.ticket() + 1) }
            return courtesy.begin(at: start + Int64(turns) * nanosecondsEach)
        }
    }

    @Test("gives its processor away behind a piece during which many turns should have passed")
    func late() {
        let bench = Bench()
        // Each takes 1 us: in 4 us none may have come, in 10 us one should have.
        var work = bench.work(after: 1000, nanosecondsEach: 1000)
        let begun = bench.start + 1_000_000
        work.endPiece(at: begun + 4_000)
        #expect(bench.given == 0)
        work.endPiece(at: begun + 14_000)
        #expect(bench.given == 1)
        // When it got the processor back is what counts from then on.
        let now = steadyNanoseconds()
        work.endPiece(at: now + 1_000_000)
        #expect(bench.given == 2)
        bench.publication.turn.raise(to: bench.reservation.ticket() + 1)
        work.endPiece(at: now + 2_000_000)
        work.endPiece(at: now + 2_004_000)
        #expect(bench.given == 2)
    }

    @Test("keeps its processor where appends are seldom, and none is under way")
    func seldom() {
        let bench = Bench()
        var work = bench.work(after: 10, nanosecondsEach: 1_000_000)
        let begun = bench.start + 10_000_000
        for piece in 1...100 as ClosedRange<Int64> { work.endPiece(at: begun + piece * 20_000) }
        #expect(bench.given == 0)
        // The same in a store that nobody appends to.
        var idle = bench.courtesy.begin(at: begun + 1_000_000_000)
        for piece in 1...100 as ClosedRange<Int64> {
            idle.endPiece(at: begun + 1_000_000_000 + piece * 1_000_000)
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
        // Who takes a place just now is, too.
        bench.publication.turn.raise(to: ticket + 1)
        work.endPiece()
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
