// What a flush leaves to the appends behind it: pages that are there, and may be stored to.

import Foundation
import TestSupport
import Testing

@testable import ApusStore

/// Page faults of this thread so far.
private func faultCount() -> Int {
    var usage = rusage()
    getrusage(1, &usage)  // RUSAGE_THREAD, a macro that is not imported
    return usage.ru_minflt + usage.ru_majflt
}

@Test("a flush costs the appends behind it one fault in the log and one in their queue")
func faultsBehindFlush() throws {
    let directory = try TemporaryDirectory()
    var configuration = StoreConfiguration()
    configuration.commitLog.segmentByteCount = 64 << 20
    configuration.index.isEnabled = false
    configuration.threads = .manual
    // The other writer gives memory back behind each write, and takes faults for what it gets.
    configuration.commitLog.writer = .mapped
    let store = try MessageStore.open(directory.path, configuration)
    let queue = try store.queue(topic: "Orders", id: 0)
    let body = [UInt8](repeating: 7, count: 128)
    func append(_ count: Int) throws {
        for _ in 0..<count { _ = try store.append(to: queue, body: body.span.bytes) }
    }
    // Room for all that comes: who makes it takes faults, which are not the flush's.
    let extender = QueueExtender(store.log)
    func makeRoom() throws -> Int64 {
        try append(1)
        _ = extender.doWork()
        return store.log.reservation.withLock { queue.queue.preparedEnd - queue.queue.nextOffset }
    }
    // Until the queue's file is mapped whole: what is mapped anew faults once, flush or not.
    try append(20_000)
    for _ in 0..<3 {
        while try makeRoom() < 8000 {}
        try store.flush()
        let before = faultCount()
        // 20 pages of the queue, and some 200 of the log.
        try append(4000)
        #expect(faultCount() - before <= 2)
    }
    try store.close()
}
