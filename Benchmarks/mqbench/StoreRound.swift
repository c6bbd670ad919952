// A store that is fresh, warm and prepared, for one round; and the check of what was put in.

import ApusStore
import ApusSystem
import Bench
import Foundation
import Synchronization

/// A store for one round.
final class StoreRound {
    let path: String
    let store: MessageStore
    let queues: [MessageQueue]
    let messages: SampleMessages
    private let workplace: Workplace
    /// Messages appended so far, for the check.
    var appended = 0
    /// The process's own memory before there were queues.
    private let memoryBefore: Int?
    /// Whether the files stay when the store is let go.
    var keepsFiles = false

    init(
        _ workplace: Workplace, _ configuration: StoreConfiguration, messages: SampleMessages,
        queueCount: Int
    ) throws {
        self.workplace = workplace
        self.messages = messages
        path = workplace.newPath("store")
        let store = try MessageStore.open(path, configuration)
        self.store = store
        memoryBefore = OwnMemory.byteCount
        queues = try (0..<queueCount).map {
            try store.queue(topic: SampleMessages.topic, id: Int32($0))
        }
    }

    /// Appends `count` messages, to all queues in turn, and waits until the segment behind this one
    /// is prepared, if it is to be: nothing is prepared while a round runs.
    func warmUp(_ count: Int, awaitsSegment: Bool) throws {
        var task = task(first: 0, count: count)
        task.takesTurns = true
        _ = try task.run()
        appended += count
        guard awaitsSegment else { return }
        try store.awaitSegment()
    }

    /// Own memory that was touched since there are queues, for each of them. Tells of the queues
    /// when nothing else was done but to append to each, and when there are very many.
    var memoryPerQueue: Double? {
        guard let memoryBefore, let now = OwnMemory.byteCount else { return nil }
        return Double(now - memoryBefore) / Double(queues.count)
    }

    /// Waits until zeros are written ahead as far as they are in quiet times, so that the device's
    /// own rounds do not share it with them.
    func awaitZeroes() throws {
        let deadline = Date() + 60
        // It begins when nothing has been appended for a moment.
        SystemThread.sleep(nanoseconds: 50_000_000)
        while store.isZeroing {
            guard Date() < deadline else { throw BenchError("zeros are written without end") }
            SystemThread.sleep(nanoseconds: 5_000_000)
        }
    }

    func task(
        first: Int, count: Int, batch: Int = 1, plantsAllocation: Bool = false
    ) -> AppendTask {
        AppendTask(
            store: store, queues: queues, messages: messages, first: first, count: count,
            batch: batch, plantsAllocation: plantsAllocation)
    }

    /// What is wrong with the store's messages; nil when all is right. The queues together hold
    /// `appended` messages; of each queue the last `limit` are read back and held against what was
    /// appended, checksums included.
    func check(lastOfEachQueue limit: Int64 = .max) -> String? {
        do {
            var total: Int64 = 0
            for queue in queues {
                let end = try store.maximumOffset(queue)
                total += end
                var next = max(0, end > limit ? end - limit : 0)
                while next < end {
                    let batch = try store.read(queue, from: next, count: 256, byteCount: 1 << 20)
                    guard !batch.isEmpty else { return "\(queue.id) ends at \(next), not \(end)" }
                    try batch.forEach { record in
                        guard record.queueOffset == next, isRight(record.body) else {
                            throw BenchError("message \(next) of queue \(queue.id) is not right")
                        }
                        next += 1
                    }
                }
            }
            return total == appended ? nil : "there are \(total) messages, not \(appended)"
        } catch {
            return "\(error)"
        }
    }

    /// Whether a body is one of those that are appended.
    private func isRight(_ body: RawSpan) -> Bool {
        let size = messages.bodyByteCount
        guard body.byteCount == size else { return false }
        guard size > 0 else { return true }
        return body.withUnsafeBytes { read in
            let kind = Int(read[0])
            guard kind < messages.kinds else { return false }
            return messages.bodies.withUnsafeBytes { all in
                guard let read = read.baseAddress, let all = all.baseAddress else { return false }
                return memcmp(all + kind * size, read, size) == 0
            }
        }
    }

    /// Lets the store go without closing it, so that nothing is brought to the device, and removes
    /// its files.
    deinit { if !keepsFiles { workplace.remove(path) } }
}

extension MessageStore {
    /// Waits until all pages that are to be brought in are there, those of a next segment too if
    /// one is to be made: who brings them in takes memory's time and, where all processors are in
    /// use, an appender's.
    func awaitSegment() throws {
        let deadline = Date() + 60
        while isPreparing {
            guard Date() < deadline else { throw BenchError("pages are brought in without end") }
            SystemThread.sleep(nanoseconds: 1_000_000)
        }
    }
}
