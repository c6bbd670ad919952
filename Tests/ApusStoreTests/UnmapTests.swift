// Mappings of queues are taken away where nobody spins for a lock meanwhile.

import ApusSystem
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("a mapping of a queue that is needed no longer") struct UnmapTests {
    /// Counts files of the queue that are closed, and those of them that are closed under a lock.
    private final class Closes: Sendable {
        let count = Atomic<Int>(0)
        let underLock = Atomic<Int>(0)

        /// Whoever holds a lock for a moment lets it go; the thread that closes does not.
        private func canEver(_ take: () -> Bool) -> Bool {
            for _ in 0..<2_000 {
                if take() { return true }
                SystemThread.yield()
            }
            return false
        }

        func note(_ reservation: Reservation, _ queue: ConsumeQueue) {
            count.wrappingAdd(1, ordering: .relaxed)
            let isFree =
                canEver { reservation.canLock() }
                && canEver {
                    guard queue.files.tryLock() else { return false }
                    queue.files.unlock()
                    return true
                }
            if !isFree { underLock.wrappingAdd(1, ordering: .relaxed) }
        }
    }

    let directory: TemporaryDirectory
    let disk = FaultyDisk()
    let store: MessageStore
    let queue: ConsumeQueue
    private let closes = Closes()

    /// Files of 100 entries.
    init() throws {
        directory = try TemporaryDirectory()
        store = try MessageStore.open(
            directory.path, tinyConfiguration { $0.queues.fileByteCount = 2_000 }, observer: nil,
            disk: disk, time: .system)
        queue = try store.queue(topic: "Orders").queue
        let (log, queue, closes) = (store.log, queue, closes)
        disk.onClose { path in
            if path.contains("/consumequeue/") { closes.note(log.reservation, queue) }
        }
    }

    private func expectCloses(_ least: Int) {
        #expect(closes.count.load(ordering: .relaxed) >= least)
        #expect(closes.underLock.load(ordering: .relaxed) == 0)
    }

    @Test("is let go without a lock when the queue has gone on to other files")
    func goneOn() throws {
        for number in 0..<1_200 { try store.append(message(number)) }
        // Of twelve files four are kept for reads, and two for appends.
        expectCloses(6)
        try store.close()
    }

    @Test("is let go without a lock when reads have gone on to other files")
    func readElsewhere() throws {
        for number in 0..<1_200 { try store.append(message(number)) }
        let orders = try store.queue(topic: "Orders")
        let before = closes.count.load(ordering: .relaxed)
        for offset in stride(from: Int64(0), to: 1_200, by: 100) {
            #expect(try store.read(orders, from: offset, count: 1).messages().count == 1)
        }
        expectCloses(before + 6)
        try store.close()
    }

    @Test("is let go without a lock when it is given back")
    func givenBack() throws {
        for number in 0..<150 { try store.append(message(number)) }
        let log = store.log
        let before = closes.count.load(ordering: .relaxed)
        // The first time it was used since the time before.
        let freed = (0..<2).map { _ in
            log.roomLock.withLock { _ in log.mappings.makeRoom(log.reservation) }
        }
        #expect(freed == [0, 1])
        #expect(!queue.isMapped)
        expectCloses(before + 1)
        #expect(try queue.unit(at: 0) != nil)
        let kept = closes.count.load(ordering: .relaxed)
        queue.dropReadFiles()
        expectCloses(kept + 1)
        try store.close()
    }

    @Test("is let go without a lock when its messages are deleted")
    func removed() throws {
        for number in 0..<1_200 { try store.append(message(number)) }
        for offset in stride(from: Int64(0), to: 300, by: 100) {
            #expect(try queue.unit(at: offset) != nil)
        }
        let before = closes.count.load(ordering: .relaxed)
        #expect(try queue.removeFiles(logStart: store.published) > 10)
        expectCloses(before + 3)
        try store.close()
    }

    @Test("is not opened again when its messages are deleted while a read is about to")
    func removedMeanwhile() throws {
        for number in 0..<1_200 { try store.append(message(number)) }
        queue.dropReadFiles()
        let (store, queue, disk) = (store, queue, disk)
        disk.onOpen { _ in
            disk.onOpen(nil)
            _ = try? queue.removeFiles(logStart: store.published)
        }
        #expect(try queue.unit(at: 0) == nil)
        #expect(queue.files.withLock { $0.firsts.first } != 0)
        try store.close()
    }
}
