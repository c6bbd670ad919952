// Reads that deletion overtakes midway, at a moment that the test chooses.

import ApusSystem
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("a read that deletion overtakes") struct OvertakenReadTests {
    /// The real disk, which calls a hook once, when a queue file is opened.
    private final class HookedDisk: InterceptingDisk {
        let hook = Mutex<(@Sendable () -> Void)?>(nil)
        let thread = Mutex<SystemThread?>(nil)

        func before(_ operation: String, _ path: String) throws(DiskError) {
            guard operation == "open", path.contains("/consumequeue/") else { return }
            let body = hook.withLock { held in
                defer { held = nil }
                return held
            }
            body?()
        }
    }

    private let directory: TemporaryDirectory
    private let disk = HookedDisk()
    private let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
    private let store: MessageStore
    private let queue: MessageQueue

    init() throws {
        directory = try TemporaryDirectory()
        store = try MessageStore.open(
            directory.path,
            tinyConfiguration {
                $0.retention.deleteHours = Set(0..<24)
                $0.retention.reservedHours = 1
                $0.retention.deleteBatchLimit = 1
                $0.retention.maximumUsedPercent = 100
                $0.retention.forcibleUsedPercent = 100
                $0.retention.warningUsedPercent = 101
            }, observer: nil, disk: disk, time: .manual(clock))
        for number in 0..<1_000 { try store.append(message(number)) }
        clock.advance(milliseconds: 7_200_000)
        try store.flush()
        queue = try store.queue(topic: "Orders")
        queue.queue.dropReadFiles()
    }

    /// Deletes the oldest segment as soon as the read that follows has to open a queue file. The
    /// cleaner goes on to the queue's files when the read lets it.
    private func deleteDuringNextRead() {
        let (cleaner, log, disk) = (store.cleaner, store.log, disk)
        disk.hook.withLock {
            $0 = {
                let thread = try? SystemThread(name: "cleaner") { _ = cleaner.doWork() }
                disk.thread.withLock { $0 = thread }
                while (log.segments.first?.base ?? 0) == 0 { SystemThread.yield() }
            }
        }
    }

    /// Whether that happened; it is over then.
    private func hasDeleted() -> Bool {
        guard let thread = disk.thread.withLock({ $0 }) else { return false }
        thread.join()
        return store.physicalMinimum > 0
    }

    @Test("goes on behind it when it is a sequence")
    func sequence() async throws {
        deleteDuringNextRead()
        var messages = store.messages(in: queue, from: 0).makeAsyncIterator()
        let first = try await messages.next(isolation: nil)
        #expect(hasDeleted())
        #expect(first?.queueOffset == (try store.minimumOffset(queue)))
        try store.close()
    }

    @Test("finds the first message that is left when it looks for an older one")
    func time() throws {
        _ = try store.minimumOffset(queue)
        queue.queue.dropReadFiles()
        deleteDuringNextRead()
        let found = try store.offset(in: queue, at: 0)
        #expect(hasDeleted())
        #expect(found == (try store.minimumOffset(queue)))
        try store.close()
    }
}
