// A store at a glance: what is in the log, in each queue and in the index.
//
// With a scan of the whole log, or from the newest CommitLog file alone. Memory: a few hundred
// bytes a queue.

package import ApusFormat
package import ApusSystem

/// What `mqstore info` tells.
package final class StoreOverview {
    /// One IndexFile.
    package struct Index {
        package let file: FoundFile
        /// Nil when the length stands for no number of slots.
        package let shape: IndexShape?
        package let header: IndexHeader?

        /// Entries that the header counts.
        package var entryCount: Int64? {
            guard let shape, let header else { return nil }
            return Int64(min(max(1, header.nextEntry), shape.capacity)) - 1
        }
    }

    package let files: StoreFiles
    /// Whether all of the log was scanned.
    package let isScanned: Bool
    package private(set) var records: Int64 = 0
    package private(set) var messages: Int64 = 0
    package private(set) var recordByteCount: Int64 = 0
    package private(set) var firstStored: Int64?
    package private(set) var lastStored: Int64?
    package private(set) var logEnd: Int64 = 0
    /// Stretches without records, and their bytes.
    package private(set) var damagedStretches: Int64 = 0
    package private(set) var damagedByteCount: Int64 = 0
    /// By topic and queue id.
    package private(set) var queues: [QueueOverview] = []
    package private(set) var index: [Index] = []

    private let table = QueueTable<QueueOverview>()
    private let progress: ((Int64) -> Void)?

    /// Reads the store. `isFast`: of the log the newest file only. `progress` is told the bytes of
    /// the log that were passed.
    package init(
        _ disk: any Disk, _ files: StoreFiles, isFast: Bool, indexSlots: Int32? = nil,
        progress: ((Int64) -> Void)? = nil
    ) {
        self.files = files
        self.progress = progress
        isScanned = !isFast
        let start = isFast ? Self.newestRecord(disk, files) : .min
        let end = LogScan.run(disk, files, from: start, visitor: self)
        logEnd = end.offset
        if isFast { forgetPart(disk) }
        addFolders(disk)
        for file in files.index {
            let shape = IndexShape(byteCount: file.byteCount, slots: indexSlots)
            let reader = shape.flatMap {
                try? IndexReader(disk, file, $0, windowByteCount: 64)
            }
            index.append(Index(file: file, shape: shape, header: (reader ?? nil)?.header))
        }
    }

    /// The start of the newest file that begins with a record.
    private static func newestRecord(_ disk: any Disk, _ files: StoreFiles) -> Int64 {
        let lookup = LogLookup(disk, files)
        for file in files.segments.reversed() where lookup.lookUp(file.first) == .record {
            return file.first
        }
        return .min
    }

    /// What was counted in one file is not what is in the store: only the newest time is.
    private func forgetPart(_ disk: any Disk) {
        queues = []
        firstStored = nil
        if let first = files.segments.first {
            _ = LogLookup(disk, files).lookUp(first.first) { firstStored = $0.storeTimestamp }
        }
    }

    private func addFolders(_ disk: any Disk) {
        var byName: [String: QueueOverview] = [:]
        if isScanned {
            for queue in table.values { byName["\(queue.topic)/\(queue.queueID)"] = queue }
        }
        let logStart = files.segments.first?.first ?? 0
        for (folders, isBatch) in [(files.queues, false), (files.batchQueues, true)] {
            for folder in folders {
                let name = "\(folder.topic)/\(folder.queueID)"
                let queue =
                    byName[name] ?? QueueOverview(topic: folder.topic, queueID: folder.queueID)
                byName[name] = queue
                queue.add(disk, folder, isBatch: isBatch, logStart: logStart)
            }
        }
        queues = byName.values.sorted { ($0.topic, $0.queueID) < ($1.topic, $1.queueID) }
    }
}

extension StoreOverview: LogVisitor {
    package func visit(_ record: borrowing LogRecord) -> Bool {
        let time = record.storeTimestamp
        records += 1
        recordByteCount += Int64(record.frame.totalSize)
        firstStored = min(firstStored ?? time, time)
        lastStored = max(lastStored ?? time, time)
        let id = record.queueID
        let queue = table.value(topic: record.topic, queueID: id) {
            QueueOverview(topic: $0, queueID: id)
        }
        let before = queue.messages
        queue.add(record)
        messages += queue.messages - before
        return true
    }

    package func skip(_ stretch: LogStretch) {
        damagedStretches += 1
        damagedByteCount += stretch.byteCount
    }

    package func advance(to byteCount: Int64) { progress?(byteCount) }
}
