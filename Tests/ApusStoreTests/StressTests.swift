// Everything at once, on small files: writers, readers, a tailer, queries, the cleaner.

import ApusFormat
import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("all at once") struct StressTests {
    private static let rounds =
        Int(ProcessInfo.processInfo.environment["APUS_STRESS_ROUNDS"] ?? "") ?? 400
    private static let queueCount: Int32 = 3

    private final class Counts: Sendable {
        let appended = Mutex<[Int64]>([0, 0, 0])
        let read = Atomic<Int>(0)
        let failures = Mutex<[String]>([])
        let isDone = Flag()
        func fail(_ text: String) { failures.withLock { $0.append(text) } }
    }

    private func configuration(_ mode: FlushSettings.Mode) -> StoreConfiguration {
        tinyConfiguration {
            $0.threads = .own
            $0.flush.mode = mode
            $0.flush.intervalMilliseconds = 5
            $0.flush.leastPages = 1
            $0.flush.markIntervalMilliseconds = 7
            $0.queues.mappedFileLimit = 1
            $0.queues.flushIntervalMilliseconds = 6
            $0.queues.thoroughIntervalMilliseconds = 20
            $0.retention.deleteHours = Set(0..<24)
            $0.retention.reservedHours = 0
            $0.retention.intervalMilliseconds = 10
            $0.retention.deleteIntervalMilliseconds = 1
            $0.retention.maximumUsedPercent = 100
            $0.retention.forcibleUsedPercent = 100
            $0.retention.warningUsedPercent = 101
        }
    }

    @Test("nothing is lost, doubled or out of order", arguments: [false, true])
    func everything(isSync: Bool) throws {
        let directory = try TemporaryDirectory()
        let settings = configuration(isSync ? .sync : .async)
        let store = try MessageStore.open(directory.path, settings)
        let counts = Counts()
        var threads: [SystemThread] = []
        for writer in 0..<3 {
            threads.append(
                try SystemThread(name: "writer") { Self.write(store, writer, counts) })
        }
        var others: [SystemThread] = []
        for id in 0..<Self.queueCount {
            others.append(try SystemThread(name: "reader") { Self.follow(store, id, counts) })
        }
        others.append(try SystemThread(name: "query") { Self.query(store, counts) })
        others.append(try SystemThread(name: "flush") { Self.flush(store, counts) })
        for thread in threads { thread.join() }
        // On a machine with much else to do its turn may come when all is written.
        for _ in 0..<5_000 where store.physicalMinimum == 0 {
            SystemThread.sleep(nanoseconds: 2_000_000)
        }
        _ = counts.isDone.set()
        for thread in others { thread.join() }
        #expect(counts.failures.withLock { $0.prefix(5).joined(separator: "\n") } == "")
        #expect(store.physicalMinimum > 0, "the cleaner deleted something")
        let ends = counts.appended.withLock { $0 }
        for id in 0..<Self.queueCount {
            #expect(try store.maximumOffset(store.queue(topic: "T", id: id)) == ends[Int(id)])
        }
        try store.close()
        let again = try MessageStore.open(directory.path, tinyConfiguration())
        for id in 0..<Self.queueCount {
            let queue = try again.queue(topic: "T", id: id)
            #expect(try again.maximumOffset(queue) == ends[Int(id)])
            var offset = try again.minimumOffset(queue)
            while offset < ends[Int(id)] {
                let batch = try again.read(queue, from: offset)
                #expect(!batch.isEmpty)
                offset = batch.nextOffset
            }
        }
        try again.close()
        try expectSound(directory.path, indexSlots: settings.index.slotCount)
    }

    private static func write(_ store: MessageStore, _ writer: Int, _ counts: Counts) {
        do {
            for round in 0..<rounds {
                let id = Int32((writer + round) % Int(queueCount))
                let name = "w\(writer)r\(round)"
                if round % 4 == 0 {
                    let batch = (0..<(1 + round % 30)).map { item in
                        Message(
                            topic: "T", queueID: id, body: Array("\(name)i\(item)".utf8),
                            keys: ["\(name)i\(item)"])
                    }
                    let result = try store.append(batch: batch)
                    counts.appended.withLock { $0[Int(id)] += Int64(batch.count) }
                    if result.count != batch.count { counts.fail("batch of \(result.count)") }
                } else {
                    let body = Array(name.utf8) + [UInt8](repeating: 7, count: round % 900)
                    try store.append(Message(topic: "T", queueID: id, body: body, keys: [name]))
                    counts.appended.withLock { $0[Int(id)] += 1 }
                }
            }
        } catch { counts.fail("writer: \(error)") }
    }

    /// Reads a queue from its start to its end, waiting for what is to come.
    private static func follow(_ store: MessageStore, _ id: Int32, _ counts: Counts) {
        do {
            let queue = try store.queue(topic: "T", id: id)
            var offset: Int64 = 0
            while true {
                let isDone = counts.isDone.isSet
                let batch: MessageBatch
                do throws(StoreError) {
                    batch = try store.read(queue, from: offset, count: 10)
                } catch {
                    // Retention went by.
                    guard case .offsetOutOfRange(_, let minimum, _) = error, minimum > offset
                    else { throw error }
                    offset = minimum
                    continue
                }
                var expected = offset
                for message in try batch.messages() {
                    if message.queueOffset < expected || message.queueID != id {
                        counts.fail("read \(message.queueOffset) at \(expected)")
                    }
                    expected = message.queueOffset + 1
                }
                offset = batch.nextOffset
                if batch.isEmpty {
                    if isDone, try offset >= store.maximumOffset(queue) { return }
                    _ = try store.wait(for: queue, offset: offset, timeoutMilliseconds: 20)
                }
            }
        } catch { counts.fail("reader \(id): \(error)") }
    }

    private static func query(_ store: MessageStore, _ counts: Counts) {
        do {
            var round = 0
            while !counts.isDone.isSet {
                round = (round + 1) % rounds
                let key = round % 4 == 0 ? "w1r\(round)i0" : "w1r\(round)"
                let found = try store.messages(topic: "T", key: key)
                if found.count > 1 { counts.fail("\(key) found \(found.count) times") }
                if let one = found.first, !one.keys.contains(key) { counts.fail("wrong \(key)") }
            }
        } catch { counts.fail("query: \(error)") }
    }

    private static func flush(_ store: MessageStore, _ counts: Counts) {
        do {
            while !counts.isDone.isSet {
                try store.flush()
                let mark = store.checkpoint.mark
                if mark.logDurable > store.flushed { counts.fail("the mark is ahead") }
                SystemThread.sleep(nanoseconds: 3_000_000)
            }
        } catch { counts.fail("flush: \(error)") }
    }
}
