// Waiting for the next message: blocking, by callback, and as a sequence.

import ApusFormat
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("who waits for a message") struct TailTests {
    @Test("is woken by its publication, not by that of another queue")
    func callback() throws {
        let directory = try TemporaryDirectory()
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        let queue = try store.queue(topic: "Orders")
        let calls = Atomic<Int>(0)
        store.whenReadable(queue, offset: 1) { calls.wrappingAdd(1, ordering: .relaxed) }
        try store.append(message(0, queue: 1))
        try store.append(message(1))
        #expect(calls.load(ordering: .relaxed) == 0)
        try store.append(message(2))
        #expect(calls.load(ordering: .relaxed) == 1)
        try store.append(message(3))
        #expect(calls.load(ordering: .relaxed) == 1)
        store.whenReadable(queue, offset: 2) { calls.wrappingAdd(1, ordering: .relaxed) }
        #expect(calls.load(ordering: .relaxed) == 2, "it is there already")
        let token = store.whenReadable(queue, offset: 9) { Issue.record("was cancelled") }
        #expect(token.cancel() && !token.cancel())
        try store.close()
    }

    @Test("gets false when the time is over, and true when the message came")
    func blocking() throws {
        let directory = try TemporaryDirectory()
        let store = try MessageStore.open(
            directory.path, tinyConfiguration { $0.threads = .own })
        let queue = try store.queue(topic: "Orders")
        #expect(try store.wait(for: queue, offset: 0, timeoutMilliseconds: 20) == false)
        let writer = Thread {
            Thread.sleep(forTimeInterval: 0.05)
            _ = try? store.append(message(1))
        }
        writer.start()
        #expect(try store.wait(for: queue, offset: 0, timeoutMilliseconds: 5_000))
        try store.close()
    }

    @Test("in SYNC_FLUSH mode sees a message only when it is on the device")
    func sync() throws {
        let directory = try TemporaryDirectory()
        let store = try MessageStore.open(
            directory.path, tinyConfiguration { $0.flush.mode = .sync })
        let queue = try store.queue(topic: "Orders")
        let calls = Atomic<Int>(0)
        store.whenReadable(queue, offset: 0) { calls.wrappingAdd(1, ordering: .relaxed) }
        let body: [UInt8] = [1]
        store.append(to: queue, body: body.rawSpan, properties: [UInt8]().rawSpan) { _ in }
        #expect(try store.maximumOffset(queue) == 0 && store.read(queue, from: 0).isEmpty)
        #expect(calls.load(ordering: .relaxed) == 0)
        try store.flush()
        #expect(try store.maximumOffset(queue) == 1 && store.read(queue, from: 0).count == 1)
        #expect(calls.load(ordering: .relaxed) == 1)
        try store.close()
    }

    @Test("gets every message in order from the sequence, which ends when the store closes")
    func sequence() async throws {
        let directory = try TemporaryDirectory()
        let store = try MessageStore.open(
            directory.path, tinyConfiguration { $0.threads = .own })
        let queue = try store.queue(topic: "Orders")
        let reader = Task {
            var bodies: [[UInt8]] = []
            for try await message in store.messages(in: queue, from: 0) {
                bodies.append(message.body)
            }
            return bodies
        }
        for number in 0..<500 {
            try await store.append(message(number))
            if number % 50 == 0 { try await Task.sleep(for: .milliseconds(2)) }
        }
        while try store.wait(for: queue, offset: 499, timeoutMilliseconds: 1_000) == false {}
        try await Task.sleep(for: .milliseconds(200))
        try store.close()
        #expect(try await reader.value == (0..<500).map { message($0).body })
    }

    @Test("stops when its task is cancelled")
    func cancelled() async throws {
        let directory = try TemporaryDirectory()
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        let queue = try store.queue(topic: "Orders")
        let reader = Task {
            for try await _ in store.messages(in: queue, from: 0) {}
        }
        try await Task.sleep(for: .milliseconds(20))
        reader.cancel()
        try await reader.value
        #expect(queue.queue.waiterCount.load(ordering: .relaxed) == 0)
        try store.close()
    }
}
