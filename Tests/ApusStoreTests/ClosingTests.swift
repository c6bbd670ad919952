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
