// Zeros ahead of the page-aligned writer: where they go, and what happens when they cannot.

import ApusFormat
import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("zeros ahead of the page-aligned writer") struct ZeroAheadTests {
    private let directory: TemporaryDirectory
    private let disk = FaultyDisk()
    private let listener = Listener()

    init() throws { directory = try TemporaryDirectory() }

    private func open(
        _ writer: WriterKind = .pageAligned, _ mode: FlushSettings.Mode = .sync,
        segmentByteCount: Int? = nil
    ) throws -> MessageStore {
        let configuration = tinyConfiguration {
            $0.commitLog.writer = writer
            if let segmentByteCount { $0.commitLog.segmentByteCount = segmentByteCount }
            $0.flush.mode = mode
        }
        return try MessageStore.open(
            directory.path, configuration, observer: listener, disk: disk, time: .system)
    }

    private func agent(of store: MessageStore) throws -> any Agent {
        try #require(store.agents.first { $0.roleName == "zero" })
    }

    @Test("are durable, a step at a time, and never over a record")
    func ahead() throws {
        let store = try open()
        let agent = try agent(of: store)
        try store.append(message(0))
        let before = disk.synced.count
        #expect(agent.doWork() == 1)
        #expect(disk.synced.count == before + 1)
        #expect(agent.doWork() == 0, "all of a tiny segment is done in one step")
        for number in 1..<300 {
            try store.append(message(number))
            if number % 5 == 0 { _ = agent.doWork() }
        }
        let queue = try store.queue(topic: "Orders")
        #expect(
            try store.read(queue, from: 0, count: 300, byteCount: 1 << 20).messages().map(\.body)
                == (0..<300).map { message($0).body })
        try store.close()
    }

    @Test("are waited for by a record that would go where they are being written")
    func exclusion() throws {
        let store = try open()
        let agent = try agent(of: store)
        try store.append(message(0))
        let isDone = DispatchSemaphore(value: 0)
        let isFirst = Flag()
        let thread = Mutex<SystemThread?>(nil)
        let early = Flag()
        // At the moment of the write: a record of several pages comes, and has to wait.
        disk.onWrite { path in
            guard path.contains("/commitlog/"), isFirst.set() else { return }
            let started = try? SystemThread(name: "late") {
                do { try store.append(message(1, size: 9000)) } catch { Issue.record(error) }
                isDone.signal()
            }
            thread.withLock { $0 = started }
            if isDone.wait(timeout: .now() + 0.2) == .success { _ = early.set() }
        }
        #expect(agent.doWork() == 1)
        disk.onWrite(nil)
        thread.withLock { $0 }?.join()
        #expect(!early.isSet, "the record did not wait")
        let queue = try store.queue(topic: "Orders")
        #expect(
            try store.read(queue, from: 0).messages().map(\.body)
                == [message(0).body, message(1, size: 9000).body])
        try store.close()
    }

    @Test("that nobody needs yet are not asked for at the lock of a commit under way")
    func noWaiting() throws {
        let store = try open()
        let agent = try agent(of: store)
        try store.append(message(0))
        while agent.doWork() > 0 {}
        let isFirst = Flag()
        let isDone = DispatchSemaphore(value: 0)
        let thread = Mutex<SystemThread?>(nil)
        let early = Flag()
        // In the write of a commit, which has the lock.
        disk.onWrite { path in
            guard path.contains("/commitlog/"), isFirst.set() else { return }
            let looking = try? SystemThread(name: "looking") {
                _ = agent.doWork()
                isDone.signal()
            }
            thread.withLock { $0 = looking }
            if isDone.wait(timeout: .now() + 10) == .success { _ = early.set() }
        }
        try store.append(message(1))
        disk.onWrite(nil)
        thread.withLock { $0 }?.join()
        #expect(isFirst.isSet && early.isSet, "the agent waited for the commit")
        try store.close()
    }

    @Test(
        "end the store when their sync fails, whatever the reason: it may have been of records",
        arguments: [Int32(5), 28, 12])
    func failedSync(_ code: Int32) throws {
        let store = try open()
        let agent = try agent(of: store)
        try store.append(message(0))
        disk.fail(Fault(operation: "sync", path: "/commitlog/", code: code))
        #expect(agent.doWork() == 0)
        disk.fail(nil)
        #expect(throws: StoreError.self) { try store.append(message(1)) }
        #expect(throws: StoreError.self) { try store.close() }
    }

    @Test(
        "are left out of a segment, and told of, where there is no descriptor or no room for them",
        arguments: [("open", Int32(24)), ("write", 28), ("write", 22)])
    func noRoom(_ operation: String, _ code: Int32) throws {
        let store = try open()
        let agent = try agent(of: store)
        try store.append(message(0))
        disk.fail(Fault(operation: operation, path: "/commitlog/", code: code))
        #expect(agent.doWork() == 0)
        disk.fail(nil)
        let told = listener.events.contains { event in
            if case .delayed(let task, _) = event { task == "writing zeros ahead" } else { false }
        }
        #expect(told)
        let writes = disk.operations.count { $0.name == "write" }
        #expect(agent.doWork() == 0)
        #expect(disk.operations.count { $0.name == "write" } == writes, "not in this segment")
        #expect(try store.append(message(1)).status == .stored)
        while store.log.segments.all.count < 2 { try store.append(message(2)) }
        #expect(agent.doWork() == 1, "but in the next one")
        try store.close()
    }

    @Test("go on while nothing is appended, and stop at four megabytes while something is")
    func quiet() throws {
        let store = try open(segmentByteCount: 16 << 20)
        let agent = try agent(of: store)
        try store.append(message(0))
        let segment = try #require(store.log.segments.last)
        let size = PageAlignedWriter.zeroStep
        var zeroed: Int { segment.zeroed.load(ordering: .relaxed) / size }
        // The first record's page is not among them: one step fewer than there is room for.
        let busy = (4 << 20) / size - 1
        for step in 1...busy {
            #expect(agent.doWork() == 1)
            #expect(zeroed == step)
        }
        #expect(agent.doWork() == 0, "the first look tells nothing of whether it is quiet")
        #expect(store.isZeroing && agent.idleNanoseconds == 20_000_000)
        try store.append(message(1))
        #expect(agent.doWork() == 0, "something was appended since")
        #expect(zeroed == busy)
        while agent.doWork() > 0 {}
        #expect(
            zeroed == (16 << 20) / size - 1,
            "to the end, but for what the first page took of the last step")
        #expect(!store.isZeroing && agent.idleNanoseconds == nil)
        let bodies = try store.read(store.queue(topic: "Orders"), from: 0).messages().map(\.body)
        #expect(bodies == [message(0).body, message(1).body])
        try store.close()
    }

    @Test("go into the next segment as this one fills, and are all there before it is needed")
    func next() throws {
        let store = try open()
        let agent = try agent(of: store)
        try store.append(message(0))
        while agent.doWork() > 0 {}
        #expect(store.log.preallocator.maker.prepared == nil)
        let first = try #require(store.log.segments.last)
        while store.log.published < Int64(first.bytes.count * 3 / 4) {
            try store.append(message(1))
        }
        store.log.preallocator.follow(first, position: Int(store.log.published))
        _ = store.log.preallocator.doWork()
        _ = store.log.preallocator.maker.doWork()
        let next = try #require(store.log.preallocator.maker.prepared)
        #expect(next.zeroed.load(ordering: .relaxed) == 0)
        while agent.doWork() > 0 {}
        #expect(next.zeroed.load(ordering: .relaxed) == next.bytes.count)
        #expect(disk.operations.last { $0.name == "sync" }?.path == next.file.path)
        // Nothing is written there twice.
        while store.log.segments.last !== next { try store.append(message(2)) }
        let writes = disk.operations.count { $0.name == "write" }
        #expect(agent.doWork() == 0)
        #expect(disk.operations.count { $0.name == "write" } == writes)
        let queue = try store.queue(topic: "Orders")
        let end = try store.maximumOffset(queue)
        #expect(try store.read(queue, from: end - 1).messages().map(\.body) == [message(2).body])
        try store.close()
    }

    @Test("go on, page by page, where the writer had come to their end")
    func overtaken() throws {
        let configuration = tinyConfiguration {
            $0.commitLog.writer = .pageAligned
            $0.flush.mode = .sync
            $0.commitLog.segmentByteCount = 16 << 20
        }
        let store = try MessageStore.open(directory.path, configuration)
        let agent = try agent(of: store)
        func append(_ count: Int) throws {
            for number in 0..<count { try store.append(message(number, size: 50_001)) }
        }
        try append(1)
        #expect(agent.doWork() == 1)
        try append(40)
        #expect(agent.doWork() == 0, "the writer is let go ahead")
        let segment = try #require(store.log.segments.last)
        #expect(segment.zeroed.load(ordering: .relaxed) % 4096 == 0)
        try append(80)
        #expect(agent.doWork() == 1)
        #expect(store.log.poisonCause == nil)
        try append(1)
        try store.close()
    }

    @Test("come into the page cache in pieces of 64 KiB, which one sync makes durable")
    func pieces() throws {
        let store = try open(segmentByteCount: 1 << 20)
        let agent = try agent(of: store)
        try store.append(message(0))
        let before = disk.operations.count
        #expect(agent.doWork() == 1)
        let names = disk.operations.dropFirst(before).filter { $0.path.contains("/commitlog/") }
            .map(\.name)
        #expect(names == ["open", "write", "write", "write", "write", "sync"])
        try store.close()
    }

    @Test("are written for no other store, and asking for them there is refused")
    func nothingElse() throws {
        let configuration = tinyConfiguration {
            $0.commitLog.writer = .mapped
            $0.commitLog.zeroesAhead = true
        }
        #expect(throws: StoreError.self) {
            _ = try MessageStore.open(directory.path, configuration)
        }
        let store = try open(.pageAligned, .async)
        #expect(!store.agents.contains { $0.roleName == "zero" })
        try store.close()
    }
}
