// What is refused, by which error, and that nothing of it is stored.

import ApusFormat
import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

@Suite("the store refuses") struct RefusalTests {
    private let directory: TemporaryDirectory
    private let store: MessageStore

    init() throws {
        directory = try TemporaryDirectory()
        store = try MessageStore.open(
            directory.path, tinyConfiguration { $0.limits.bodyByteCount = 10_000 })
    }

    private func expect(_ error: StoreError, _ body: () throws -> Void) {
        let before = store.published
        #expect(throws: error, performing: body)
        #expect(store.published == before)
    }

    @Test("an empty topic, one that is too long, and one that could leave the directory")
    func topics() throws {
        expect(.emptyTopic) { try store.append(message(1, topic: "")) }
        let long = String(repeating: "t", count: 128)
        expect(.topicTooLong(byteCount: 128, limit: 127)) {
            try store.append(message(1, topic: long))
        }
        #expect(throws: StoreError.self) { try store.append(message(1, topic: "../a")) }
        expect(.invalidQueueID(-1)) { try store.append(message(1, queue: -1)) }
    }

    @Test("a body that is too large, by one byte")
    func bodies() throws {
        try store.append(message(1, size: 10_000))
        expect(.bodyTooLarge(byteCount: 10_001, limit: 10_000)) {
            try store.append(message(1, size: 10_001))
        }
    }

    @Test("properties that are too long, or would not read back")
    func properties() throws {
        var sent = message(1)
        sent.properties = [Property(name: "p", value: String(repeating: "v", count: 32_764))]
        try store.append(sent)
        sent.properties = [Property(name: "p", value: String(repeating: "v", count: 32_765))]
        expect(.propertiesTooLong(byteCount: 32_768, limit: 32_767)) { try store.append(sent) }
        sent.properties = [Property(name: "p", value: "a\u{2}b")]
        expect(.invalidProperty(name: "p")) { try store.append(sent) }
    }

    @Test("a record that no segment could hold")
    func records() throws {
        let directory = try TemporaryDirectory()
        let store = try MessageStore.open(
            directory.path,
            tinyConfiguration {
                $0.commitLog.segmentByteCount = 4096
                $0.limits.bodyByteCount = 1 << 20
            })
        #expect(throws: StoreError.self) { try store.append(message(1, size: 4096)) }
        try store.append(message(1, size: 3500))
        try store.close()
    }

    @Test("batches that are empty, mixed, malformed or too large")
    func batches() throws {
        expect(.emptyBatch) { try store.append(batch: []) }
        #expect(throws: StoreError.self) {
            try store.append(batch: [message(1), message(2, queue: 1)])
        }
        let queue = try store.queue(topic: "Orders")
        let garbage: [UInt8] = Array(repeating: 0xFF, count: 30)
        #expect(throws: StoreError.self) {
            try store.append(to: queue, batch: garbage.rawSpan)
        }
        let many = (0..<101).map { message($0, size: 20) }
        expect(.batchTooLong(count: 101, limit: 100)) { try store.append(batch: many) }
        let large = (0..<10).map { message($0, size: 9_000) }
        #expect(throws: StoreError.self) { try store.append(batch: large) }
        #expect(store.published == 0)
    }

    @Test("offsets outside of a queue and of the log")
    func offsets() throws {
        try store.append(message(1))
        let queue = try store.queue(topic: "Orders")
        expect(.offsetOutOfRange(requested: -1, minimum: 0, maximum: 1)) {
            _ = try store.read(queue, from: -1)
        }
        expect(.offsetOutOfRange(requested: 2, minimum: 0, maximum: 1)) {
            _ = try store.read(queue, from: 2)
        }
        #expect(try store.read(queue, from: 1).isEmpty)
        let end = store.published
        expect(.physicalOffsetOutOfRange(requested: end, minimum: 0, maximum: end)) {
            _ = try store.message(at: end)
        }
        #expect(throws: StoreError.self) { _ = try store.message(at: 3) }
    }

    @Test("a queue that does not exist, where one must")
    func unknownQueue() throws {
        expect(.unknownQueue(topic: "Orders", queueID: 3)) {
            _ = try store.existingQueue(topic: "Orders", id: 3)
        }
        try store.append(message(1, queue: 3))
        #expect(try store.existingQueue(topic: "Orders", id: 3).id == 3)
    }

    @Test("everything once it is closed, while what was read stays valid")
    func closed() throws {
        let sent = message(1)
        try store.append(sent)
        let queue = try store.queue(topic: "Orders")
        let batch = try store.read(queue, from: 0)
        try store.close()
        try store.close()
        expect(.closed) { try store.append(message(2)) }
        expect(.closed) { _ = try store.read(queue, from: 0) }
        expect(.closed) { try store.flush() }
        #expect(throws: StoreError.closed) {
            try store.append(
                to: queue, body: sent.body.rawSpan, properties: sent.body.rawSpan)
        }
        #expect(try batch.messages().map(\.body) == [sent.body])
    }
}

@Suite("opening refuses") struct OpeningRefusalTests {
    private func closedStore() throws -> TemporaryDirectory {
        let directory = try TemporaryDirectory()
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        for number in 0..<900 { try store.append(message(number)) }
        try store.close()
        return directory
    }

    @Test("settings that contradict each other, by RocketMQ's key")
    func settings() throws {
        let directory = try TemporaryDirectory()
        func key(_ change: (inout StoreConfiguration) -> Void) -> String? {
            do {
                _ = try MessageStore.open(directory.path, tinyConfiguration(change))
                return nil
            } catch StoreError.invalidConfiguration(let key, _) { return key } catch { return "?" }
        }
        #expect(key { $0.commitLog.segmentByteCount = 5000 } == "mappedFileSizeCommitLog")
        #expect(key { $0.queues.fileByteCount = 30 } == "mappedFileSizeConsumeQueue")
        #expect(key { $0.integrity.requiresRecordChecksum = true } == "forceVerifyPropCRC")
        #expect(key { $0.retention.deleteHours = [24] } == "deleteWhen")
        #expect(key { $0.retention.forcibleUsedPercent = 10 } == "diskMaxUsedSpaceRatio")
        #expect(
            key { $0.compression = CompressionSettings(algorithm: .zstd, level: 99) }
                == "compression.level")
        #expect(key { $0.flush.intervalMilliseconds = 0 } == "flushIntervalCommitLog")
    }

    @Test("times and numbers with which the store could not reckon")
    func absurdSettings() throws {
        let directory = try TemporaryDirectory()
        let changes: [(inout StoreConfiguration, Int64) -> Void] = [
            { $0.flush.intervalMilliseconds = $1 }, { $0.flush.thoroughIntervalMilliseconds = $1 },
            { $0.flush.markIntervalMilliseconds = $1 }, { $0.flush.leastPages = Int($1) },
            { $0.queues.flushIntervalMilliseconds = $1 }, { $0.queues.flushLeastPages = Int($1) },
            { $0.queues.thoroughIntervalMilliseconds = $1 },
            { $0.retention.intervalMilliseconds = $1 }, { $0.retention.reservedHours = $1 },
            { $0.retention.deleteIntervalMilliseconds = $1 },
            { $0.commitLog.populateAheadByteCount = Int($1) },
        ]
        for (number, change) in changes.enumerated() {
            for value in [-1, .max, .max / 1_000_000 + 1] as [Int64] {
                var configuration = tinyConfiguration()
                change(&configuration, value)
                let refused: Bool
                do throws(StoreError) {
                    _ = try MessageStore.open(directory.path, configuration)
                    refused = false
                } catch {
                    if case .invalidConfiguration = error { refused = true } else { throw error }
                }
                #expect(refused, "setting \(number) with \(value)")
            }
        }
    }

    @Test("files of another size than the configuration's, and says what to set")
    func sizes() throws {
        let directory = try closedStore()
        let path = "\(directory.path)/commitlog/00000000000000000000"
        #expect(
            throws: StoreError.fileSizeDiffers(
                path: path, found: 65_536, configured: 32_768, key: "mappedFileSizeCommitLog")
        ) {
            _ = try MessageStore.open(
                directory.path, tinyConfiguration { $0.commitLog.segmentByteCount = 32 << 10 })
        }
        let store = try MessageStore.open(
            directory.path, tinyConfiguration { $0.queues.fileByteCount = 1000 })
        #expect(throws: StoreError.self) { _ = try store.queue(topic: "Orders") }
    }

    @Test("a file that was copied in part, and one that is missing")
    func lengths() throws {
        let directory = try closedStore()
        let second = "\(directory.path)/commitlog/00000000000000065536"
        let kept = try Data(contentsOf: URL(filePath: second))
        try kept.prefix(1000).write(to: URL(filePath: second))
        #expect(
            throws: StoreError.wrongFileLength(path: second, found: 1000, expected: 65_536)
        ) { _ = try MessageStore.open(directory.path, tinyConfiguration()) }
        try FileManager.default.removeItem(atPath: second)
        #expect(throws: StoreError.self) {
            _ = try MessageStore.open(directory.path, tinyConfiguration())
        }
        try kept.write(to: URL(filePath: second))
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        #expect(try store.maximumOffset(store.queue(topic: "Orders")) == 900)
        try store.close()
    }

    @Test("a last file that is missing below the durable mark")
    func missingTail() throws {
        let directory = try closedStore()
        let names = try FileManager.default.contentsOfDirectory(
            atPath: "\(directory.path)/commitlog"
        ).sorted()
        let last = try #require(names.last)
        try FileManager.default.removeItem(atPath: "\(directory.path)/commitlog/\(last)")
        #expect(throws: StoreError.self) {
            _ = try MessageStore.open(directory.path, tinyConfiguration())
        }
    }

    @Test("a directory that holds something else, and a file")
    func layout() throws {
        let directory = try TemporaryDirectory()
        try Data("x".utf8).write(to: URL(filePath: "\(directory.path)/holiday.jpg"))
        #expect(throws: StoreError.self) {
            _ = try MessageStore.open(directory.path, tinyConfiguration())
        }
        #expect(
            throws: StoreError.unknownDirectoryLayout(
                path: "\(directory.path)/holiday.jpg", reason: "it is a file")
        ) { _ = try MessageStore.open("\(directory.path)/holiday.jpg", tinyConfiguration()) }
        let left = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(left == ["holiday.jpg"])
    }

    @Test("a directory that cannot be written")
    func readOnly() throws {
        let directory = try closedStore()
        let disk = FaultyDisk()
        disk.fail(Fault(operation: "open", path: "/lock", code: 30))
        #expect(throws: StoreError.readOnlyDirectory(path: "\(directory.path)/lock")) {
            _ = try MessageStore.open(
                directory.path, tinyConfiguration(), observer: nil, disk: disk, time: .system)
        }
    }
}
