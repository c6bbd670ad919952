// Takes the valid records of a log, those behind damage included, into a store of their own.
//
// Kept: topic, queue, body, properties, flags, hosts and times of each message, their order, and
// their queue offsets, so that what consumers have committed stays right. Changed: the physical
// offsets, and what contains them: the field in the record, its whole-record checksum, offset
// message ids. A record that names a queue offset which its queue has under another number, or
// twice, gets the queue's number or the next free one, and is told. The old store is read only.
//
// The new store is made under a name that ends in `.partial` and renamed when all of it is synced.

import ApusFormat
package import ApusSystem

/// A salvage under way.
package final class Salvage {
    /// A queue of the new store.
    private final class Queue {
        let writer: QueueFileWriter
        var next: Int64?

        init(_ writer: QueueFileWriter) { self.writer = writer }
    }

    private let disk: any Disk
    private let files: StoreFiles
    private let options: RepairOptions
    private let target: StoreDirectory
    private let entries: EntryReader
    private let log: SalvageLog
    private let index: IndexFileWriter?
    private let queues = QueueTable<Queue>()
    private let batchTopics: Set<String>
    private let total: Int64
    private var newestTimestamp: Int64 = 0
    private var hashes: [Int32] = []
    private var report: SalvageReport

    private init(
        _ disk: any Disk, _ files: StoreFiles, to path: String, _ options: RepairOptions
    ) {
        self.disk = disk
        self.files = files
        self.options = options
        target = StoreDirectory(root: "\(path).partial")
        entries = EntryReader(disk, files)
        let length = files.usualSegmentLength
        let first = files.segments.first?.first ?? 0
        // Never from 0: an entry for a number without a message points there, and RocketMQ would
        // pass over all that follows in that file.
        log = SalvageLog(
            disk, folder: target.commitLog, segmentByteCount: length,
            start: first > 0 && first % Int64(max(1, length)) == 0 ? first : Int64(length))
        index =
            files.index.isEmpty
            ? nil
            : IndexFileWriter(
                disk, folder: target.index,
                settings: RepairLengths.index(files, Self.shape(disk, files, options), options),
                names: files.index.map(\.first))
        batchTopics = Set(files.batchQueues.map(\.topic))
        total = files.segments.reduce(0) { $0 + Int64($1.byteCount) }
        report = SalvageReport(path: path)
    }

    /// The shape of the IndexFiles by their length.
    private static func shape(
        _ disk: any Disk, _ files: StoreFiles, _ options: RepairOptions
    ) -> DerivedFaults {
        var faults = DerivedFaults()
        faults.indexShape =
            files.index.lazy.compactMap {
                IndexShape(byteCount: $0.byteCount, slots: options.indexSlots)
            }.first
        return faults
    }

    /// Copies the valid records from `start` on into a new store at `path`, which must not be there
    /// yet or be an empty directory.
    ///
    /// Fails with `.locked` while someone has the old store open.
    package static func run(
        _ disk: any Disk, _ directory: StoreDirectory, to path: String, from start: Int64 = .min,
        _ options: RepairOptions = RepairOptions()
    ) throws(StoreError) -> SalvageReport {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        let files = try StoreFiles.survey(disk, directory)
        guard let length = files.segments.isEmpty ? nil : files.usualSegmentLength,
            length >= RecordLayout.minimumSize + BlankMarker.byteCount
        else {
            throw .unknownDirectoryLayout(
                path: directory.commitLog, reason: "there is no file to take records from")
        }
        let lock: (any DiskFile)?
        do throws(DiskError) {
            lock = try lockOld(disk, directory)
            if files.isLocked || lock == nil, try disk.status(directory.lock) != nil {
                throw DiskError(operation: "lock", path: directory.lock, code: 11)
            }
            try refuseUsed(disk, path)
            try refuseUsed(disk, "\(path).partial")
        } catch {
            throw error.code == 11 ? .locked(path: directory.lock) : StoreError(error)
        }
        defer { lock.map { StoreLock.release($0) } }
        let salvage = Salvage(disk, files, to: path, options)
        try salvage.run(from: start)
        return salvage.report
    }

    /// Takes the lock without making or changing the file; nil when someone has it, or none is
    /// there.
    private static func lockOld(
        _ disk: any Disk, _ directory: StoreDirectory
    ) throws(DiskError) -> (any DiskFile)? {
        guard try disk.status(directory.lock) != nil else { return nil }
        let file = try disk.open(directory.lock, .readWrite)
        if try file.lockFirstByte() { return file }
        file.close()
        return nil
    }

    /// EEXIST for what is there and is not an empty directory.
    private static func refuseUsed(_ disk: any Disk, _ path: String) throws(DiskError) {
        guard let status = try disk.status(path) else { return }
        if status.isDirectory, try disk.list(path).isEmpty { return }
        throw DiskError(operation: "make a new store at", path: path, code: 17)
    }

    private func run(from start: Int64) throws(StoreError) {
        do throws(DiskError) {
            try disk.createDirectories(target.commitLog)
        } catch {
            throw StoreError(error)
        }
        let end = LogScan.run(disk, files, from: start, visitor: self)
        for stretch in end.tail where stretch.cause != .zeros { skip(stretch) }
        if let failure = log.failure { throw StoreError(failure) }
        try index?.finish()
        do throws(DiskError) {
            try log.finish()
            for queue in queues.values { try queue.writer.finish() }
            try copyConfiguration()
            try writeCheckpoint()
            try disk.syncDirectory(target.root)
            try disk.rename(target.root, to: report.path)
            try disk.syncDirectory(SystemDisk.parent(of: report.path))
        } catch {
            throw StoreError(error)
        }
        let made = try StoreFiles.survey(disk, StoreDirectory(root: report.path))
        report.verification = Verification.run(disk, made, options.verification)
    }

    private func writeCheckpoint() throws(DiskError) {
        let fields = CheckpointFields(
            commitLogTimestamp: newestTimestamp, queueTimestamp: newestTimestamp,
            indexTimestamp: newestTimestamp)
        try CheckpointRepair.write(disk, target, fields)
    }

    /// Topics, groups and what consumers have committed: the queue offsets in there stay right.
    private func copyConfiguration() throws(DiskError) {
        let source = "\(files.directory.root)/config"
        guard try disk.status(source)?.isDirectory == true else { return }
        let folder = "\(target.root)/config"
        try disk.createDirectories(folder)
        for entry in try disk.list(source) where !entry.isDirectory {
            let window = try FileWindow(
                disk, path: "\(source)/\(entry.name)", windowByteCount: 1 << 20)
            let copy = try disk.open("\(folder)/\(entry.name)", .createEmpty)
            defer { copy.close() }
            let bytes = try window.withBytes(at: 0, count: window.byteCount) { [UInt8]($0) }
            try copy.write(bytes.rawSpan, at: 0)
            try copy.sync()
        }
        try disk.syncDirectory(folder)
    }
}

// MARK: - Records

extension Salvage: LogVisitor {
    package func visit(_ record: borrowing LogRecord) -> Bool {
        guard let place = log.place(for: record.bytes.byteCount) else {
            if log.failure == nil { report.tooLarge += 1 }
            return log.failure == nil
        }
        let traits = RecordTraits(record)
        let isQueued = record.frame.systemFlag.isDispatched
        let number = isQueued ? number(of: record) : record.queueOffset
        log.append(Self.bytes(of: record, at: place, queueOffset: number))
        if isQueued {
            let count = traits.messageCount(in: record)
            put(record, traits, place, number: number, count: count)
            for further in traits.furtherQueues(in: record) {
                put(further, record, traits, place)
            }
        }
        traits.keyHashes(of: record, into: &hashes)
        index?.put(
            hashes: hashes, physicalOffset: place, storeTimestamp: record.storeTimestamp)
        newestTimestamp = max(newestTimestamp, record.storeTimestamp)
        note(record, place, number)
        return index?.failure == nil
    }

    package func skip(_ stretch: LogStretch) {
        report.leftOutByteCount += stretch.byteCount
        if report.leftOut.count < SalvageReport.limit { report.leftOut.append(stretch) }
    }

    package func advance(to byteCount: Int64) { options.progress?(byteCount, total) }

    private func note(_ record: borrowing LogRecord, _ place: Int64, _ number: Int64) {
        report.records += 1
        report.recordByteCount += Int64(record.bytes.byteCount)
        let old = record.physicalOffset
        if let last = report.moves.last, last.old.upperBound == old,
            last.newStart - last.old.lowerBound == place - old
        {
            report.moves[report.moves.count - 1].old = last.old.lowerBound..<record.end
        } else if report.moves.count < SalvageReport.limit {
            report.moves.append(SalvageReport.Move(old: old..<record.end, newStart: place))
        }
        guard number != record.queueOffset else { return }
        report.renumberedCount += 1
        if report.renumbered.count < SalvageReport.limit {
            report.renumbered.append(
                SalvageReport.Renumbered(
                    topic: record.topicName, queueID: record.queueID,
                    oldOffset: record.queueOffset, newOffset: number,
                    oldPhysicalOffset: old, newPhysicalOffset: place))
        }
    }

    /// The record as it stands at another place.
    private static func bytes(
        of record: borrowing LogRecord, at place: Int64, queueOffset: Int64
    ) -> [UInt8] {
        var bytes = [UInt8](record.bytes)
        let isChecked =
            ChecksumProperty.value(
                in: record.bytes, propertiesLength: record.frame.propertiesLength) != nil
        var span = bytes.mutableRawSpan
        RecordLayout.physicalOffset.store(place, into: &span)
        RecordLayout.queueOffset.store(queueOffset, into: &span)
        if isChecked {
            let end = span.byteCount - ChecksumProperty.byteCount
            let checksum = CRC32.checksum(span.bytes.extracting(0..<end))
            ChecksumProperty.write(checksum, into: &span, at: end)
        }
        return bytes
    }
}

// MARK: - Queues

extension Salvage {
    private func queue(topic: RawSpan, _ queueID: Int32) -> Queue {
        queues.value(topic: topic, queueID: queueID) { name in
            let isBatch = batchTopics.contains(name)
            let root = isBatch ? target.batchConsumeQueue : target.consumeQueue
            return Queue(
                QueueFileWriter(
                    disk, name: QueueName(topic: name, id: queueID),
                    folder: "\(root)/\(name)/\(queueID)",
                    fileByteCount: RepairLengths.queueFile(files, options, isBatch: isBatch),
                    isBatch: isBatch, start: 0))
        }
    }

    /// The queue offset that a record keeps or gets.
    private func number(of record: borrowing LogRecord) -> Int64 {
        let named = record.queueOffset
        let queue = queue(topic: record.topic, record.queueID)
        guard let next = queue.next, !queue.writer.isBatch else { return max(0, named) }
        if named == next { return named }
        let topic = record.topicName
        let id = record.queueID
        func points(_ number: Int64) -> Bool {
            let entry = try? entries.entry(topic: topic, queueID: id, queueOffset: number)
            return (entry ?? nil)?.physicalOffset == record.physicalOffset
        }
        // The queue knows it under the number that it names: later ones of a topic that was made
        // again take the numbers of the earlier.
        if points(named) { return named }
        if points(next) { return next }
        return named > next && queue.writer.takes(named) ? named : next
    }

    private func put(
        _ record: borrowing LogRecord, _ traits: RecordTraits, _ place: Int64, number: Int64,
        count: Int64
    ) {
        guard isStorable(record.topicName, record.queueID) else { return }
        let queue = queue(topic: record.topic, record.queueID)
        queue.next = number + count
        if queue.writer.isBatch {
            queue.writer.append(
                BatchConsumeQueueUnit(
                    physicalOffset: place, size: Int32(record.bytes.byteCount),
                    tagsCode: traits.tagsHash(in: record), storeTimestamp: record.storeTimestamp,
                    firstQueueOffset: number, messageCount: Int16(clamping: count)))
            return
        }
        queue.writer.put(
            ConsumeQueueUnit(
                physicalOffset: place, size: Int32(record.bytes.byteCount),
                tagsCode: entries.tagsCode(of: record) ?? 0), at: number)
    }

    /// The entry in a further queue that the record belongs to.
    private func put(
        _ further: (topic: String, queueID: Int32, queueOffset: Int64),
        _ record: borrowing LogRecord, _ traits: RecordTraits, _ place: Int64
    ) {
        guard isStorable(further.topic, further.queueID) else { return }
        let name = Topic(name: further.topic)
        let queue = withExtendedLifetime(name) {
            let bytes = name.bytes
            return self.queue(topic: bytes.bytes, further.queueID)
        }
        queue.next = further.queueOffset + 1
        queue.writer.put(
            ConsumeQueueUnit(
                physicalOffset: place, size: Int32(record.bytes.byteCount),
                tagsCode: traits.tagsHash(in: record)), at: further.queueOffset)
    }

    /// Whether there can be a folder of that name: it comes from bytes that no checksum covers.
    private func isStorable(_ topic: String, _ queueID: Int32) -> Bool {
        guard queueID >= 0 else { return false }
        do throws(StoreError) { try StoreDirectory.validate(topic: topic) } catch { return false }
        return true
    }
}
