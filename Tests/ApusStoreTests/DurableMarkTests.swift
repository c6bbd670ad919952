// The durable mark is never ahead of what a successful sync has covered.

import ApusFormat
import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("the durable mark") struct DurableMarkTests {
    let directory: TemporaryDirectory
    let disk = FaultyDisk()
    let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)

    init() throws { directory = try TemporaryDirectory() }

    private func open(
        _ change: (inout StoreConfiguration) -> Void = { _ in }
    ) throws -> MessageStore {
        try MessageStore.open(
            directory.path, tinyConfiguration(change), observer: nil, disk: disk,
            time: .manual(clock))
    }

    @Test("does not cover queue entries that recovery made anew before they are synced")
    func afterRecovery() throws {
        do {
            let killed = try open()
            for number in 0..<50 { try killed.append(message(number)) }
        }
        let store = try open()
        #expect(try store.maximumOffset(store.queue(topic: "Orders")) == 50)
        clock.advance(milliseconds: 1_100)
        _ = store.flusher.doWork()
        #expect(store.checkpoint.mark.queuesDurable == 0)
        try store.flush()
        #expect(store.checkpoint.mark.queuesDurable == store.published)
        try store.close()
    }

    @Test("stays behind a queue whose files could not be opened to be synced")
    func unopenedQueue() throws {
        let store = try open()
        for number in 0..<250 { try store.append(message(number)) }
        try store.flush()
        let before = store.checkpoint.mark.queuesDurable
        for number in 0..<250 { try store.append(message(number)) }
        // The files that are mapped still need not be opened.
        try store.queue(topic: "Orders").queue.dropReadFiles()
        disk.fail(Fault(operation: "open", path: "/consumequeue/", code: 24))
        #expect(throws: StoreError.self) { try store.flush() }
        disk.fail(nil)
        #expect(store.checkpoint.mark.queuesDurable == before)
        let syncs = disk.synced.count
        try store.flush()
        let queueSyncs = disk.synced[syncs...].filter { $0.contains("/consumequeue/") }
        #expect(queueSyncs.count >= 2, "the queue is flushed at the next try")
        try store.close()
    }

    @Test(
        "stays behind a queue or index whose sync failed, and nothing is acknowledged any more",
        arguments: ["/consumequeue/", "/index/"], [Int32(5), 28, 30])
    func failedSync(path: String, code: Int32) throws {
        let store = try open()
        try store.append(message(1))
        try store.flush()
        let before = store.checkpoint.mark
        try store.append(message(2))
        disk.fail(Fault(operation: "sync", path: path, code: code))
        #expect(throws: StoreError.self) { try store.flush() }
        disk.fail(nil)
        let syncs = disk.synced.count
        do {
            try store.append(message(3))
            Issue.record("acknowledged after a failed sync")
        } catch StoreError.poisoned(let cause) { #expect(cause.code == code) }
        clock.advance(milliseconds: 100_000)
        _ = store.flusher.doWork()
        #expect(disk.synced[syncs...].isEmpty, "nothing is synced again")
        #expect(store.checkpoint.mark.queuesDurable == before.queuesDurable)
        #expect(store.checkpoint.mark.indexDurable == before.indexDurable)
    }
}
