// More appenders than cores: one of them is always put aside somewhere between its place in the log
// and its publication.

import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

#if canImport(Glibc)
    import Glibc
#endif

@Suite("a crowd of appenders", .serialized, .timeLimit(.minutes(2))) struct CrowdTests {
    private static let threads = 12
    private static let count = 18_000

    /// Has all threads append to two queues; `check` sees each result.
    private func run(
        _ configuration: StoreConfiguration, threads threadCount: Int = threads,
        _ check: @escaping @Sendable (MessageStore, MessageQueue, AppendResult) throws -> Void
    ) throws -> (store: MessageStore, directory: TemporaryDirectory, sleeps: Int) {
        let directory = try TemporaryDirectory()
        let store = try MessageStore.open(directory.path, configuration)
        let failures = Mutex<[String]>([])
        let sleeps = Mutex(0)
        let threads = try (0..<threadCount).map { number in
            try SystemThread(name: "crowd-\(number)") {
                do {
                    let queue = try store.queue(topic: "T", id: Int32(number % 2))
                    let body = [UInt8](repeating: UInt8(number), count: number % 12 * 7)
                    for _ in 0..<Self.count / threadCount {
                        try check(store, queue, store.append(to: queue, body: body.span.bytes))
                    }
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
                var usage = rusage()
                getrusage(1, &usage)  // RUSAGE_THREAD, a macro that is not imported
                sleeps.withLock { $0 += usage.ru_nvcsw }
            }
        }
        for thread in threads { thread.join() }
        #expect(failures.withLock { $0 } == [])
        return (store, directory, sleeps.withLock { $0 })
    }

    // With a hundred, more are out than have a place to leave their record.
    @Test(
        "each finds its own message as soon as it is acknowledged, and all are in order",
        arguments: [12, 100])
    func order(threads: Int) throws {
        struct NotThere: Error {}
        let (store, directory, _) = try run(tinyConfiguration { _ in }, threads: threads) {
            store, queue, result in
            guard store.published >= result.physicalEnd,
                try store.maximumOffset(queue) > result.queueOffset
            else { throw NotThere() }
            if result.queueOffset % 16 == 0 {
                let found = try store.read(queue, from: result.queueOffset, count: 1)
                var place: Int64 = -1
                found.forEach { place = $0.physicalOffset }
                guard place == result.physicalOffset else { throw NotThere() }
            }
        }
        for id in Int32(0)..<2 {
            let queue = try store.queue(topic: "T", id: id)
            let end = Int64(Self.count / threads * threads / 2)
            #expect(try store.maximumOffset(queue) == end)
            var (next, last): (Int64, Int64) = (0, -1)
            while next < end {
                try store.read(queue, from: next, count: 64).forEach { record in
                    if record.queueOffset != next || record.physicalOffset <= last {
                        Issue.record("\(record.queueOffset) where \(next) should be")
                    }
                    (next, last) = (next + 1, record.physicalOffset)
                }
            }
        }
        try store.close()
        withExtendedLifetime(directory) {}
    }

    @Test("a message is not handed from thread to thread: few sleep for their turn")
    func sleeps() throws {
        // Room for all, so that nobody waits for that.
        var configuration = tinyConfiguration { _ in }
        // With the other one, each append waits for its write.
        configuration.commitLog.writer = .mapped
        configuration.commitLog.segmentByteCount = 64 << 20
        configuration.queues.fileByteCount = 6_000_000
        configuration.queues.extentByteCount = 6_000_000
        let (store, directory, sleeps) = try run(configuration) { _, _, _ in }
        print("sleeps of \(Self.count) appends: \(sleeps)")
        #expect(sleeps < Self.count / 10)
        try store.close()
        withExtendedLifetime(directory) {}
    }
}
