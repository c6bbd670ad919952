// The ways to wait for messages that are to come: with a timeout, by callback, as a sequence.

import ApusSystem
import Synchronization
import TestSupport

@testable import ApusStore

extension ReaderCrew {
    /// A wish to be called, and what became of it.
    final class Callback: Sendable {
        let calls = Atomic<Int>(0)
        let wasCancelled = Flag()

        /// Called once or cancelled, never both.
        var isKept: Bool {
            calls.load(ordering: .acquiring) + (wasCancelled.isSet ? 1 : 0) == 1
        }
    }

    /// Waits for a message that is there soon, or for none.
    func wait(_ numbers: inout SeededNumbers) throws {
        let queue = queues[Int.random(in: 0..<queues.count, using: &numbers)]
        let end = try store.maximumOffset(queue)
        if numbers.next() % 4 == 0 {
            _ = try store.wait(for: queue, offset: end + 1000, timeoutMilliseconds: 0)
        } else {
            // Days of the clock: a message comes before they are over.
            let offset = end + Int64.random(in: 0...3, using: &numbers)
            if try !store.wait(for: queue, offset: offset, timeoutMilliseconds: 1 << 36) {
                fail("\(queue.id)/\(offset) did not come")
            }
            if try store.maximumOffset(queue) <= offset { fail("woken too early") }
        }
    }

    func callBack(_ numbers: inout SeededNumbers) throws {
        let queue = queues[Int.random(in: 0..<queues.count, using: &numbers)]
        let offset = try store.maximumOffset(queue) + Int64.random(in: -1...3, using: &numbers)
        let callback = Callback()
        let signal = Signal()
        let seen = signal.current
        let token = store.whenReadable(queue, offset: offset) {
            callback.calls.wrappingAdd(1, ordering: .acquiringAndReleasing)
            signal.ring()
        }
        callbacks.withLock { $0.append(callback) }
        if numbers.next() % 3 == 0 {
            if token.cancel() { _ = callback.wasCancelled.set() }
        } else {
            signal.wait(after: seen, nanoseconds: 2_000_000)
        }
    }

    /// Follows a queue from its start, where messages go next, for one message or for more than a
    /// batch, again and again, until the store closes or the task is cancelled.
    func follow(_ id: Int32) async {
        defer { ended() }
        let name = "sequence"
        var numbers = SeededNumbers(seed: seed &+ UInt64(id))
        do {
            while !Task.isCancelled {
                // The test's own tasks are to run as well.
                await Task.yield()
                var messages = store.messages(in: queues[Int(id)], from: 0).makeAsyncIterator()
                var next: Int64?
                for _ in 0..<(Bool.random(using: &numbers) ? 1 : 60) {
                    guard let message = try await messages.next(isolation: nil) else {
                        count(name) { $0.isClosed = $0.isClosed || store.isClosedNow }
                        if !Task.isCancelled, !store.isClosedNow { fail("\(name) ends") }
                        return
                    }
                    count(name) { $0.reads += 1 }
                    fail(written.fault(in: message))
                    let isNext = next == nil || message.queueOffset == next
                    if message.queueID != id || !isNext, try !isDeleted(id, next ?? 0) {
                        fail("\(message.queueID)/\(message.queueOffset), not \(id)/\(next ?? 0)")
                    }
                    next = message.queueOffset + 1
                }
            }
        } catch {
            // A sequence passes over what was deleted, and ends when the store is closed.
            if error as? StoreError == .closed, store.isClosedNow { return }
            fail("\(name): \(error)")
        }
    }
}
