// Closing: what is under way when it begins, and who may begin it.

import ApusFormat
import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("closing") struct ClosingTests {
    let directory: TemporaryDirectory
    let disk = FaultyDisk()

    init() throws { directory = try TemporaryDirectory() }

    private func open(
        observer: (any StoreObserver)? = nil,
        _ change: (inout StoreConfiguration) -> Void
    ) throws -> MessageStore {
        try MessageStore.open(
            directory.path, tinyConfiguration(change), observer: observer, disk: disk,
            time: .system)
    }

    @Test("a sync that fails while the store is closed is as final as any other")
    func failedSync() throws {
        let store = try open { $0.flush.mode = .sync }
        let queue = try store.queue(topic: "Orders")
        let heard = Mutex<[Result<AppendResult, StoreError>]>([])
        store.append(to: queue, body: [1].rawSpan, properties: [UInt8]().rawSpan) { result in
            heard.withLock { $0.append(result) }
        }
        disk.fail(Fault(operation: "sync", path: "/commitlog/", code: 5))
        #expect(throws: StoreError.self) { try store.close() }
        disk.fail(nil)
        #expect(heard.withLock { $0.count } == 1, "the completion hears of it")
        #expect(throws: StoreError.self) { try heard.withLock { $0 }.first?.get() }
        let syncs = disk.synced.count
        #expect(throws: StoreError.self, "who waits does not sync again") {
            _ = try store.log.poisonCause.map { throw StoreError.poisoned(cause: $0) }
            try store.commit.syncNow()
        }
        #expect(disk.synced.count == syncs)
    }

    @Test("a completion on the thread of the flusher may flush, append and close")
    func fromCompletion() throws {
        let store = try open {
            $0.flush.mode = .sync
            $0.threads = .own
        }
        let queue = try store.queue(topic: "Orders")
        let done = Signal()
        let seen = done.current
        let failure = Mutex<StoreError?>(nil)
        store.append(to: queue, body: [1].rawSpan, properties: [UInt8]().rawSpan) { _ in
            do throws(StoreError) {
                try store.flush()
                try store.append(message(2))
                try store.close()
            } catch { failure.withLock { $0 = error } }
            done.ring()
        }
        done.wait(after: seen, nanoseconds: 20_000_000_000)
        #expect(done.current != seen)
        #expect(failure.withLock { $0 } == nil)
        let again = try MessageStore.open(directory.path, tinyConfiguration())
        #expect(try again.maximumOffset(again.queue(topic: "Orders")) == 2)
        try again.close()
    }

    /// Holds a store until it is told to let it go.
    private final class Holder: Sendable {
        let store = Mutex<MessageStore?>(nil)
        func release() { store.withLock { $0 = nil } }
    }

    /// Runs `end` on the flusher's thread, in a completion, where the store's last reference is.
    private func endOnFlusher(_ end: @escaping @Sendable (Holder) -> Void) throws {
        let holder = Holder()
        let done = Signal()
        let seen = done.current
        do {
            let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
            let store = try MessageStore.open(
                directory.path,
                tinyConfiguration {
                    $0.flush.mode = .sync
                    $0.threads = .own
                }, observer: nil, disk: disk, time: .manual(clock))
            // Queues and mark are due in the step in which the store goes.
            clock.advance(milliseconds: 120_000)
            holder.store.withLock { $0 = store }
            let queue = try store.queue(topic: "Orders")
            store.append(to: queue, body: [1].rawSpan, properties: [UInt8]().rawSpan) { _ in
                SystemThread.sleep(nanoseconds: 50_000_000)
                end(holder)
                done.ring()
            }
        }
        done.wait(after: seen, nanoseconds: 20_000_000_000)
        #expect(done.current != seen)
        // What would be wrong comes behind the completion, in the same step.
        SystemThread.sleep(nanoseconds: 200_000_000)
    }

    @Test(
        "nothing is written once the lock is given up, though a step of an agent was under way",
        arguments: [false, true])
    func lastReference(closes: Bool) throws {
        try endOnFlusher { holder in
            if closes { try? holder.store.withLock { $0 }?.close() }
            holder.release()
        }
        let operations = disk.operations
        let unlock = try #require(operations.firstIndex { $0.name == "unlock" })
        #expect(operations[unlock...].allSatisfy { $0.name == "unlock" })
        let again = try MessageStore.open(directory.path, tinyConfiguration())
        #expect(try again.maximumOffset(again.queue(topic: "Orders")) == 1)
        try again.close()
    }

    /// Closes the store when it hears that a sync failed.
    private final class Closer: StoreObserver {
        let store = Mutex<MessageStore?>(nil)
        let heard = Atomic<Int>(0)
        func storeDid(_ event: StoreEvent) {
            guard case .poisoned = event else { return }
            heard.wrappingAdd(1, ordering: .relaxed)
            let held = store.withLock { held in
                defer { held = nil }
                return held
            }
            try? held?.close()
        }
    }

    @Test("an observer may close the store when it hears of a failed sync, and hears of it once")
    func fromObserver() throws {
        let closer = Closer()
        let store = try open(observer: closer) {
            $0.flush.mode = .sync
            $0.threads = .own
        }
        closer.store.withLock { $0 = store }
        disk.fail(Fault(operation: "sync", path: "/commitlog/", code: 5))
        #expect(throws: StoreError.self) { try store.append(message(1)) }
        #expect(throws: StoreError.self) { try store.append(message(2)) }
        #expect(closer.heard.load(ordering: .relaxed) == 1)
        #expect(throws: StoreError.closed) { try store.queues() }
    }
}
