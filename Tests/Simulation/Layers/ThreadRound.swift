// Many writers and readers at once, on a real directory: what one thread cannot show.

import ApusFormat
import ApusStore
import ApusSystem
import Foundation
import Synchronization
import TestSupport

/// One round of writers that share a queue, and of readers that follow it.
struct ThreadRound {
    private static let writers = 3
    private static let each = 400
    let seed: UInt64

    /// Throws the first violation that any thread saw.
    func run() throws {
        let directory = try TemporaryDirectory()
        var settings = StoreConfiguration()
        settings.commitLog.segmentByteCount = 256 << 10
        settings.commitLog.writer = seed % 2 == 0 ? .mapped : .pageAligned
        settings.commitLog.populateAheadByteCount = 64 << 10
        settings.queues.fileByteCount = 20 * 500
        settings.queues.nearCount = [0, 256, 3][Int(seed % 3)]
        settings.queues.leastMapping = [20, 600, 16 << 10][Int(seed / 3 % 3)]
        settings.index.slotCount = 1000
        settings.index.entryCapacity = 4000
        let store = try MessageStore.open(directory.path, settings)
        let state = State(store: store)
        func start(_ name: String, _ body: @escaping @Sendable () throws -> Void) throws
            -> SystemThread
        {
            try SystemThread(name: name) {
                do { try body() } catch { state.fail("\(name): \(error)") }
            }
        }
        let readers = try (0..<2).map { _ in try start("reader") { try state.follow() } }
        let writers = try (0..<Self.writers).map { writer in
            try start("writer") { try state.write(writer, count: Self.each) }
        }
        try state.waitForWriters(Self.writers)
        for writer in writers { writer.join() }
        state.finish()
        for reader in readers { reader.join() }
        if let first = state.first { throw Violation("I2, I4: \(first)") }
        let queue = try store.queue(topic: "T")
        let end = try store.maximumOffset(queue)
        guard end == Int64(Self.writers * Self.each) else {
            throw Violation("I4: the queue ends at \(end)")
        }
        try store.close()
    }

    /// What the threads share.
    private final class State: Sendable {
        private let store: MessageStore
        private let words = Mutex<[String]>([])
        private let isDone = Atomic<Bool>(false)
        private let ended = Atomic<Int>(0)

        init(store: MessageStore) { self.store = store }

        var first: String? { words.withLock { $0.first } }
        func fail(_ text: String) { words.withLock { $0.append(text) } }
        func finish() { isDone.store(true, ordering: .releasing) }

        /// Fails when a thread sees a violation, or the writers do not come to an end. Threads are
        /// left behind then: those of a broken store may never end.
        func waitForWriters(_ count: Int) throws {
            for _ in 0..<3000 {
                if let first { throw Violation("I2, I4: \(first)") }
                if ended.load(ordering: .acquiring) == count { return }
                SystemThread.sleep(nanoseconds: 10_000_000)
            }
            throw Violation("I12: writers do not come to an end")
        }

        func write(_ writer: Int, count: Int) throws {
            defer { ended.wrappingAdd(1, ordering: .releasing) }
            for number in 0..<count {
                // While a long one is written, others overtake it, and must not show before it.
                let size = number % 5 == 3 ? 20_000 : 40
                try store.append(
                    Message(
                        topic: "T", body: [UInt8](repeating: UInt8(writer), count: size),
                        properties: [Property(name: "writer", value: "\(writer)/\(number)")]))
            }
        }

        /// Reads everything as soon as it can be read.
        func follow() throws {
            let queue = try store.queue(topic: "T")
            var offset: Int64 = 0
            while true {
                let wasDone = isDone.load(ordering: .acquiring)
                let end = try store.maximumOffset(queue)
                while offset < end {
                    let batch = try store.read(queue, from: offset)
                    guard !batch.isEmpty else {
                        return fail("nothing at \(offset), before the end at \(end)")
                    }
                    for message in try batch.messages() {
                        guard message.queueOffset == offset else {
                            return fail("\(message.queueOffset) is served at \(offset)")
                        }
                        guard message.physicalOffset < store.published else {
                            return fail("\(offset) was served before it was published")
                        }
                        offset += 1
                    }
                }
                if wasDone { return }
            }
        }
    }
}
