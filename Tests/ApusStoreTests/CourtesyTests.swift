// Threads of the store's own that give their processor to an appender that does not get on.

import ApusSystem
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("long work of the store's own") struct CourtesyTests {
    @Test("gives its processor away behind a piece during which no turn passed, and only then")
    func looks() {
        let publication = Publication()
        let courtesy = Courtesy(publication)
        var work = courtesy.begin()
        func given() -> Int { courtesy.givenCount.load(ordering: .relaxed) }
        work.endPiece()
        #expect(given() == 1)
        publication.turn.raise(to: 1)
        work.endPiece()
        #expect(given() == 1)
        work.endPiece()
        #expect(given() == 2)
        // Another thread's work looks for itself.
        publication.turn.raise(to: 2)
        var other = courtesy.begin()
        other.endPiece()
        #expect(given() == 3)
        work.endPiece()
        #expect(given() == 3)
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
        var before = given()
        try store.log.extend(try store.queue(topic: "Orders").queue)
        // Zeros of 200,000 bytes, then their pages.
        #expect(given() >= before + 6, "given away \(given() - before) times")
        for number in 2..<2_000 { try store.append(message(number, size: 400)) }
        before = given()
        let segment = try #require(store.log.segments.last)
        store.log.preallocator.follow(segment, position: Int(store.published))
        #expect(store.log.preallocator.doWork() == 1)
        #expect(given() >= before + 8, "given away \(given() - before) times")
        try store.close()
    }
}
