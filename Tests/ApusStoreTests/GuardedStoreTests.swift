// Files that are cut short under an open store: with guarded mappings nothing that is not theirs is
// served or acknowledged, the rest goes on, and the process lives.

import ApusFormat
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore
@testable import ApusSystem

@Suite("a store with guarded mappings") struct GuardedStoreTests {
    let directory: TemporaryDirectory
    let listener = Listener()

    init() throws { directory = try TemporaryDirectory() }

    private func open(_ mode: FlushSettings.Mode = .async) throws -> MessageStore {
        let configuration = tinyConfiguration {
            $0.guardsMappings = true
            $0.flush.mode = mode
        }
        return try MessageStore.open(directory.path, configuration, observer: listener)
    }

    /// Appends messages until the log has three files; answers their places.
    private func fill(_ store: MessageStore) throws -> [AppendResult] {
        var places: [AppendResult] = []
        while (places.last?.physicalOffset ?? 0) < 2 * 65_536 {
            places.append(try store.append(message(places.count)))
        }
        return places
    }

    private func segment(_ number: Int64) -> String {
        "\(directory.path)/commitlog/\(StoreDirectory.fileName(number * 65_536))"
    }

    private func cut(_ path: String, to count: UInt64 = 0) throws {
        let handle = try FileHandle(forUpdating: URL(filePath: path))
        try handle.truncate(atOffset: count)
        try handle.close()
    }

    /// The path in the error that `body` fails with, when that is one of a mapping.
    private func failedMapping(_ body: () throws -> Void) -> String? {
        do {
            try body()
        } catch StoreError.mappingFailed(let error) {
            return error.path
        } catch {
            Issue.record("\(error)")
        }
        return nil
    }

    private func poisonCause(_ body: () throws -> Void) -> String? {
        do {
            try body()
        } catch StoreError.poisoned(let cause) {
            return cause.path
        } catch {
            Issue.record("\(error)")
        }
        return nil
    }

    // MARK: - An older file of the log

    @Test("reads from an older segment that was cut short fail, all others and appends go on")
    func olderSegment() throws {
        let store = try open()
        let places = try fill(store)
        try store.flush()
        let queue = try store.queue(topic: "Orders")
        let second = try #require(places.firstIndex { $0.physicalOffset >= 65_536 })
        let batch = try store.read(queue, from: Int64(second), count: 4)
        try cut(segment(0), to: 4_096)
        #expect(failedMapping { _ = try store.read(queue, from: 30) } == segment(0))
        // The rest of the file too: which of its pages are good is not known.
        #expect(failedMapping { _ = try store.read(queue, from: 0) } == segment(0))
        #expect(
            failedMapping { _ = try store.message(at: places[1].physicalOffset) } == segment(0))
        #expect(
            failedMapping { _ = try store.messages(topic: "Orders", key: "key3") } == segment(0))
        for number in second..<places.count {
            let read = try store.read(queue, from: Int64(number), count: 1).messages()
            #expect(read.map(\.body) == [message(number).body])
        }
        let found = try store.messages(topic: "Orders", key: "key\(second)")
        #expect(found.map(\.queueOffset) == [Int64(second)])
        #expect(try batch.messages().count == 4)
        #expect(try store.append(message(9)).queueOffset == Int64(places.count))
        for _ in 0..<3 { _ = store.flusher.doWork() }
        let told = listener.events.filter { if case .mappingFailed = $0 { true } else { false } }
        #expect(told.count == 1, "told of once")
        try store.close()
        #expect(
            throws: StoreError.wrongFileLength(path: segment(0), found: 4_096, expected: 65_536)
        ) {
            _ = try open()
        }
    }

    @Test("records that were read before say that they are not the file's any more")
    func leasedRecords() throws {
        let store = try open()
        let places = try fill(store)
        try store.flush()
        let batch = try store.read(store.queue(topic: "Orders"), from: 30, count: 3)
        let lease = try store.log.record(at: places[3].physicalOffset)
        try batch.checkMappings()
        try cut(segment(0))
        #expect(failedMapping { _ = try lease.message() } == segment(0))
        #expect(failedMapping { _ = try batch.messages() } == segment(0))
        var sum = 0
        batch.forEach { sum += Int($0.queueID) + $0.body.byteCount }
        #expect(failedMapping { try batch.checkMappings() } == segment(0))
        try store.close()
    }

    @Test("a queue whose last record cannot be reached is not given a number twice")
    func numbers() throws {
        var store = try open()
        try store.append(message(0, topic: "Once"))
        _ = try fill(store)
        try store.close()
        store = try open()
        try cut(segment(0))
        #expect(failedMapping { try store.append(message(1, topic: "Once")) } == segment(0))
        try store.close()
    }

    // MARK: - The file being written

    @Test("appends to a segment that was cut short fail, the first as well, and reads go on")
    func activeSegment() throws {
        let store = try open()
        let places = try fill(store)
        try store.flush()
        let copy = try Data(contentsOf: URL(filePath: segment(2)))
        try cut(segment(2))
        #expect(poisonCause { try store.append(message(1)) } == segment(2))
        #expect(poisonCause { try store.append(message(2)) } == segment(2))
        #expect(poisonCause { try store.append(batch: [message(3)]) } == segment(2))
        let queue = try store.queue(topic: "Orders")
        let outcome = Mutex<Result<AppendResult, StoreError>?>(nil)
        store.append(to: queue, body: [1].span.bytes) { result in outcome.withLock { $0 = result } }
        #expect(poisonCause { _ = try outcome.withLock { $0 }?.get() } == segment(2))
        #expect(try store.read(queue, from: 0).messages().first?.body == message(0).body)
        let last = Int64(places.count - 1)
        #expect(failedMapping { _ = try store.read(queue, from: last) } == segment(2))
        #expect(poisonCause { try store.close() } == segment(2))
        #expect(FileManager.default.fileExists(atPath: "\(directory.path)/abort"))

        #expect(throws: StoreError.self, "the file is too short") { _ = try open() }
        try copy.write(to: URL(filePath: segment(2)))
        let again = try open()
        #expect(try again.maximumOffset(again.queue(topic: "Orders")) == Int64(places.count))
        for (number, place) in places.enumerated() {
            #expect(try again.message(at: place.physicalOffset).body == message(number).body)
        }
        try again.close()
    }

    @Test("messages that were lost with a segment are missed when that has its length again")
    func lostMessages() throws {
        let store = try open()
        let places = try fill(store)
        try store.flush()
        try cut(segment(2))
        #expect(throws: StoreError.self) { try store.append(message(1)) }
        #expect(throws: StoreError.self) { try store.close() }
        try cut(segment(2), to: 65_536)
        let again = try open()
        let lost = places[places.count - 1].physicalOffset
        #expect(throws: StoreError.self) { try again.message(at: lost) }
        #expect(try again.message(at: places[9].physicalOffset).body == message(9).body)
        #expect(try again.append(message(1)).physicalOffset > lost)
        #expect(throws: StoreError.self) { try again.message(at: lost) }
        try again.close()
    }

    @Test("a SYNC_FLUSH append to a segment that was cut short is not acknowledged")
    func syncAppend() async throws {
        let store = try open(.sync)
        _ = try fill(store)
        let flushed = store.flushed
        try cut(segment(2))
        let queue = try store.queue(topic: "Orders")
        let outcome = Mutex<Result<AppendResult, StoreError>?>(nil)
        store.append(to: queue, body: [1].span.bytes) { result in outcome.withLock { $0 = result } }
        #expect(poisonCause { try store.append(message(1)) } == segment(2))
        #expect(poisonCause { _ = try outcome.withLock { $0 }?.get() } == segment(2))
        await #expect(throws: StoreError.self) { try await store.append(message(2)) }
        #expect(store.flushed == flushed)
        #expect(poisonCause { try store.close() } == segment(2))
    }

    @Test("an asynchronous append with ASYNC_FLUSH is not acknowledged either")
    func suspendedAppend() async throws {
        let store = try open()
        _ = try fill(store)
        try store.flush()
        try cut(segment(2))
        await #expect(throws: StoreError.self) { try await store.append(message(1)) }
        await #expect(throws: StoreError.self) { try await store.append(batch: [message(2)]) }
        #expect(throws: StoreError.self) { try store.close() }
    }

    @Test("a flush of messages that went with the end of a file, untouched since, fails")
    func flushAfterCut() throws {
        let store = try open()
        let places = try fill(store)
        let flushed = store.flushed
        try cut(segment(2))
        #expect(poisonCause { try store.flush() } == segment(2))
        #expect(store.flushed >= flushed && store.flushed < places[places.count - 1].physicalEnd)
        #expect(poisonCause { try store.append(message(1)) } == segment(2))
        #expect(throws: StoreError.self) { try store.close() }
    }

    // MARK: - Queues and index

    @Test("reads from a queue file that was cut short fail, its other files and queues go on")
    func queueFile() throws {
        let store = try open()
        let places = try fill(store)
        try store.append(message(7, queue: 1))
        try store.flush()
        let queue = try store.queue(topic: "Orders")
        #expect(try store.read(queue, from: 0, count: 1).count == 1)
        let path = "\(directory.path)/consumequeue/Orders/0/\(StoreDirectory.fileName(0))"
        try cut(path)
        #expect(failedMapping { _ = try store.read(queue, from: 3) } == path)
        let read = try store.read(queue, from: 150, count: 2).messages()
        #expect(read.map(\.queueOffset) == [150, 151])
        let other = try store.queue(topic: "Orders", id: 1)
        #expect(try store.read(other, from: 0).count == 1)
        #expect(try store.message(at: places[3].physicalOffset).body == message(3).body)
        #expect(try store.append(message(1)).queueOffset == Int64(places.count))
        try store.close()
    }

    @Test("entries that were stored to a queue file that was cut short are not called durable")
    func activeQueueFile() throws {
        let store = try open()
        let places = try fill(store)
        try store.flush()
        let first = Int64(places.count) / 100 * 2_000
        let path = "\(directory.path)/consumequeue/Orders/0/\(StoreDirectory.fileName(first))"
        let copy = try Data(contentsOf: URL(filePath: path))
        try cut(path)
        // In the log it is whole.
        try store.append(message(1))
        #expect(poisonCause { try store.flush() } == path)
        #expect(poisonCause { try store.close() } == path)
        try copy.write(to: URL(filePath: path))
        let again = try open()
        let queue = try again.queue(topic: "Orders")
        #expect(try again.maximumOffset(queue) == Int64(places.count + 1))
        #expect(try again.read(queue, from: Int64(places.count)).count == 1)
        try again.close()
    }

    @Test("queries that meet an IndexFile which was cut short fail, reads by queue go on")
    func indexFile() throws {
        let store = try open()
        _ = try fill(store)
        try store.flush()
        #expect(try store.messages(topic: "Orders", key: "key3").count == 1)
        let index = "\(directory.path)/index"
        let names = try FileManager.default.contentsOfDirectory(atPath: index).sorted()
        try cut("\(index)/\(names[0])")
        #expect(
            failedMapping { _ = try store.messages(topic: "Orders", key: "key3") }
                == "\(index)/\(names[0])")
        #expect(try store.read(store.queue(topic: "Orders"), from: 3).count == 32)
        try store.append(message(1))
        if names.count == 1 {
            #expect(throws: StoreError.self) { try store.close() }
        } else {
            try store.close()
        }
    }

    @Test("keys that could not be read for the index are not called absent")
    func unindexedKeys() throws {
        let store = try open()
        let places = try fill(store)
        try cut(segment(0))
        let key = "key\(places.count - 1)"
        #expect(failedMapping { _ = try store.messages(topic: "Orders", key: key) } == segment(0))
        #expect(throws: StoreError.self) { try store.close() }
    }

    // MARK: - Opening

    /// Cuts a file short when recovery begins to read.
    private struct Cutting: StoreObserver {
        let path: String
        func storeDid(_ event: StoreEvent) {
            if case .recovering = event { truncate(path, 4_096) }
        }
    }

    @Test("a file that is cut short while recovery reads it is not taken for the end of the log")
    func duringRecovery() throws {
        var store: MessageStore? = try open()
        let places = try fill(try #require(store))
        store = nil
        let copy = try Data(contentsOf: URL(filePath: segment(1)))
        let configuration = tinyConfiguration { $0.guardsMappings = true }
        #expect(
            failedMapping {
                _ = try MessageStore.open(
                    directory.path, configuration, observer: Cutting(path: segment(1)))
            } == segment(1))
        try copy.write(to: URL(filePath: segment(1)))
        let again = try open()
        #expect(try again.maximumOffset(again.queue(topic: "Orders")) == Int64(places.count))
        try again.close()
    }

    @Test("a store tells of mappings for which the process's table has no room, once")
    func fullTable() async {
        await #expect(processExitsWith: .success) {
            let guards = MappingGuards()
            let filler = MappedBytes.allocate(count: 1)
            while guards.add(filler, isWritable: false, path: "filler") != nil {}
            let directory = try TemporaryDirectory()
            let listener = Listener()
            let store = try MessageStore.open(
                directory.path, tinyConfiguration { $0.guardsMappings = true }, observer: listener)
            try store.append(message(1))
            for _ in 0..<3 { _ = store.flusher.doWork() }
            let told = listener.events.filter { if case .unguarded = $0 { true } else { false } }
            #expect(told.count == 1)
            try store.close()
        }
    }
}
