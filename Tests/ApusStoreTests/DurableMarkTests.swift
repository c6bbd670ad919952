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

    @Test(
        "knows of queues that are missing until they are made again, however often that is cut",
        arguments: [false, true])
    func missingQueues(wasClosed: Bool) throws {
        do {
            let store = try open()
            for number in 0..<20 { try store.append(message(number, topic: "Gone")) }
            for number in 0..<20 { try store.append(message(number)) }
            if wasClosed { try store.close() } else { try store.flush() }
        }
        let queue = "\(directory.path)/consumequeue/Gone"
        try FileManager.default.removeItem(atPath: queue)
        // The directory is made again; then the machine stops, and its entries were not synced.
        disk.fail(Fault(operation: "rename", path: "/abort.new", code: 5))
        #expect(throws: StoreError.self) { _ = try open() }
        disk.fail(nil)
        let file = "\(queue)/0/00000000000000000000"
        #expect(FileManager.default.fileExists(atPath: file))
        try Data().write(to: URL(filePath: file))
        let store = try open()
        #expect(try store.maximumOffset(store.queue(topic: "Gone")) == 20)
        #expect(try store.append(message(20, topic: "Gone")).queueOffset == 20)
        try store.close()
        #expect(
            try #require(Checkpoint.read(disk, "\(directory.path)/checkpoint").mark).queueCount == 2
        )
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

    /// What a power cut takes: the log behind its last sync, while the index came to the device.
    @Test("counts no index entries of records that a power cut can take", arguments: [0, 10])
    func indexAhead(more: Int) throws {
        func slow(_ settings: inout StoreConfiguration) {
            settings.flush.intervalMilliseconds = 1_000_000
            settings.flush.thoroughIntervalMilliseconds = 1_000_000
            settings.queues.thoroughIntervalMilliseconds = 10
            // The second file begins behind the sync, too.
            settings.index.entryCapacity = 60
        }
        let durable: Int64
        do {
            let store = try open(slow)
            for number in 0..<40 { try store.append(message(number)) }
            try store.flush()
            durable = store.flushed
            for number in 40..<80 { try store.append(message(number)) }
            clock.advance(milliseconds: 2_000)
            _ = store.flusher.doWork()
            #expect(store.index?.durable.end == store.published)
            #expect(store.checkpoint.mark.indexDurable == durable)
        }
        let segment = "\(directory.path)/commitlog/00000000000000000000"
        try overwrite(
            segment, at: Int(durable), with: [UInt8](repeating: 0, count: 65_536 - Int(durable)))
        let store = try open(slow)
        #expect(store.published == durable)
        for number in 80..<80 + more { try store.append(message(number)) }
        #expect(try store.messages(topic: "Orders", key: "key60").isEmpty)
        #expect(try store.messages(topic: "Orders", key: "key85").count == min(more, 1))
        try store.close()
        let files = try StoreFiles.survey(SystemDisk(), StoreDirectory(root: directory.path))
        let report = Verification.run(SystemDisk(), files, VerificationOptions(indexSlots: 100))
        #expect(report.findings.filter { $0.severity != .note }.isEmpty, "\(report.findings)")
    }

    @Test("counts a queue once whose directory was there before its first file")
    func emptyQueueDirectory() throws {
        let first = try open()
        try first.append(message(1))
        try first.close()
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/consumequeue/Orders/1", withIntermediateDirectories: true)
        let second = try open()
        try second.append(message(2, queue: 1))
        try second.append(message(3, queue: 2))
        try second.close()
        #expect(second.checkpoint.mark.queueCount == 3)
        let listener = Listener()
        try MessageStore.open(
            directory.path, tinyConfiguration(), observer: listener, disk: disk,
            time: .manual(clock)
        ).close()
        let recovered = listener.events.contains {
            if case .recovering = $0 { true } else { false }
        }
        #expect(!recovered, "a closed store has nothing to recover")
    }
}
