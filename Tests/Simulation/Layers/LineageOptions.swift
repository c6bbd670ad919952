// What a seed stands for: printed beside it, so that a failure can be read before it is replayed.

import ApusStore
import ApusSystem
import TestSupport

/// The settings of one lineage of stores.
struct LineageOptions: Sendable, CustomStringConvertible {
    let isSync: Bool
    let writer: WriterKind
    let checksum: Bool
    let isIndexed: Bool
    let segmentByteCount: Int
    let entriesPerFile: Int
    let queueCount: Int
    /// Appends to others after which a queue's entry is put off.
    let nearCount: UInt32
    /// Bytes of a queue's file that are mapped at least.
    let leastMapping: Int
    let steps: Int
    /// Power cuts that are made of each moment that is looked at.
    let forks: Int

    /// The plainest store: asynchronous, one queue, no index.
    init() {
        isSync = false
        writer = .mapped
        checksum = false
        isIndexed = false
        segmentByteCount = 12288
        entriesPerFile = 40
        queueCount = 1
        nearCount = 256
        leastMapping = 16 << 10
        steps = 30
        forks = 3
    }

    init(_ numbers: inout SeededNumbers) {
        isSync = Bool.random(using: &numbers)
        checksum = Int.random(in: 0..<4, using: &numbers) == 0
        isIndexed = Int.random(in: 0..<8, using: &numbers) != 0
        segmentByteCount = [4096, 8192, 12288].randomElement(using: &numbers) ?? 8192
        entriesPerFile = [7, 16, 40].randomElement(using: &numbers) ?? 16
        queueCount = Int.random(in: 1...5, using: &numbers)
        steps = Int.random(in: 30...120, using: &numbers)
        forks = Int.random(in: 3...8, using: &numbers)
        writer = Bool.random(using: &numbers) ? .pageAligned : .mapped
        nearCount = [0, 2, 256].randomElement(using: &numbers) ?? 0
        leastMapping = [20, 50, 16 << 10].randomElement(using: &numbers) ?? 20
    }

    var description: String {
        "\(isSync ? "SYNC" : "ASYNC"), \(writer == .mapped ? "" : "page-aligned, ")"
            + "\(checksum ? "record checksums, " : "")"
            + "\(isIndexed ? "" : "no index, ")segments of \(segmentByteCount), "
            + "\(entriesPerFile) entries a file, \(queueCount) queues, "
            + "far after \(nearCount), \(leastMapping) bytes mapped, \(steps) steps, "
            + "\(forks) forks"
    }

    var configuration: StoreConfiguration {
        var settings = StoreConfiguration()
        settings.commitLog.segmentByteCount = segmentByteCount
        settings.commitLog.writer = writer
        settings.commitLog.populateAheadByteCount = 4096
        settings.queues.fileByteCount = 20 * entriesPerFile
        settings.queues.extentByteCount = 100
        settings.queues.flushIntervalMilliseconds = 20
        settings.queues.flushLeastPages = 0
        settings.queues.thoroughIntervalMilliseconds = 300
        settings.queues.thoroughByteCount = 8192
        settings.queues.mappedFileLimit = 2
        settings.queues.nearCount = nearCount
        settings.queues.leastMapping = leastMapping
        settings.index.isEnabled = isIndexed
        settings.index.slotCount = 8
        settings.index.entryCapacity = 24
        settings.integrity.appendsRecordChecksum = checksum
        settings.flush.mode = isSync ? .sync : .async
        settings.flush.intervalMilliseconds = 10
        settings.flush.leastPages = 1
        settings.flush.thoroughIntervalMilliseconds = 100
        settings.flush.markIntervalMilliseconds = 30
        settings.retention.deleteHours = Set(0..<24)
        settings.retention.reservedHours = 1
        settings.retention.intervalMilliseconds = 50
        settings.retention.deleteIntervalMilliseconds = 10
        settings.threads = .manual
        return settings
    }

    var queues: [QueueName] {
        (0..<queueCount).map { QueueName(topic: "T\($0 % 3)", id: Int32($0 / 3)) }
    }
}
