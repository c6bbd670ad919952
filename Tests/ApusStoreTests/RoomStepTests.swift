// Room for entries that is made ahead, while an appender makes room for itself.

import ApusFormat
import ApusSystem
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("room that is made ahead") struct RoomStepTests {
    /// A queue whose steps are longer than what is zeroed at once.
    private func open(_ directory: TemporaryDirectory) throws -> MessageStore {
        try MessageStore.open(
            directory.path,
            tinyConfiguration {
                $0.queues.fileByteCount = 400_000
                $0.queues.extentByteCount = 100_000
            })
    }

    private func step(_ store: MessageStore, _ queue: ConsumeQueue) throws -> RoomStep {
        try #require(
            store.log.roomLock.withLock { _ in
                queue.beginStep(preparedEnd: queue.preparedEnd)
            })
    }

    /// Appends messages up to `end`, and past it by some.
    private func fill(_ store: MessageStore, past end: Int64) throws {
        let queue = try store.queue(topic: "Orders")
        while try store.maximumOffset(queue) < end + 600 {
            try store.append(message(7, size: 20))
        }
    }

    private func expectAll(_ store: MessageStore) throws {
        let queue = try store.queue(topic: "Orders")
        let end = try store.maximumOffset(queue)
        // First without a read, which finds what an entry has lost in the log again.
        let lost = try (0..<end).filter { try queue.queue.unit(at: $0)?.isWritten != true }
        #expect(lost.isEmpty, "lost: \(lost.count) entries from \(lost.first ?? -1) on")
        var next: Int64 = 0
        while next < end {
            let read = try store.read(queue, from: next, count: 32).messages()
            try #require(!read.isEmpty, "nothing at \(next) of \(end)")
            for one in read {
                #expect(one.queueOffset == next && one.body == message(7, size: 20).body)
                next += 1
            }
        }
    }

    @Test(
        "is not zeroed any more once an appender has made room there for itself", arguments: [0, 1])
    func ended(pieces: Int) throws {
        let directory = try TemporaryDirectory()
        let store = try open(directory)
        try store.append(message(7, size: 20))
        let queue = try store.queue(topic: "Orders").queue
        let step = try step(store, queue)
        #expect(step.range.lowerBound == queue.preparedEnd && step.range.count > 4_000)
        for _ in 0..<pieces {
            let goesOn = try step.advance(by: 1_000) { entries throws(StoreError) in
                _ = try queue.reserve(step.file, entries)
            }
            #expect(goesOn)
        }
        try fill(store, past: step.range.lowerBound + Int64(pieces) * 1_000)
        try queue.take(step)
        try expectAll(store)
        try store.close()
    }

    @Test("is taken as far as it was made, and what is behind is made then")
    func continued() throws {
        let directory = try TemporaryDirectory()
        let store = try open(directory)
        try store.append(message(7, size: 20))
        let queue = try store.queue(topic: "Orders").queue
        let step = try step(store, queue)
        try queue.take(step)
        #expect(step.end() == step.range.upperBound)
        try store.log.extend(queue)
        #expect(queue.preparedEnd >= step.range.upperBound)
        try fill(store, past: step.range.upperBound)
        try expectAll(store)
        try store.close()
    }

    @Test("is made by one at a time: another step ends the one before")
    func replaced() throws {
        let directory = try TemporaryDirectory()
        let store = try open(directory)
        try store.append(message(7, size: 20))
        let queue = try store.queue(topic: "Orders").queue
        let first = try step(store, queue)
        let second = try step(store, queue)
        let isStale = try first.advance(by: 1) { _ in Issue.record("goes on") }
        let isNew = try second.advance(by: 1) { _ in }
        #expect(!isStale && isNew)
        try store.close()
    }

    @Test("ahead and by appenders at once, loses nobody's entries")
    func together() throws {
        let directory = try TemporaryDirectory()
        let store = try open(directory)
        let extender = QueueExtender(store.log)
        let isDone = Flag()
        let thread = try SystemThread(name: "ahead") {
            while !isDone.isSet { if extender.doWork() == 0 { SystemThread.yield() } }
        }
        let queue = try store.queue(topic: "Orders").queue
        try store.append(message(7, size: 20))
        for _ in 0..<40 {
            // As if it were needed at once, while the appender comes to the end by itself.
            store.log.roomRequests.note(queue)
            try fill(store, past: queue.published.load(ordering: .relaxed))
        }
        _ = isDone.set()
        thread.join()
        try expectAll(store)
        try store.close()
    }
}
