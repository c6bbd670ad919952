// Makes queues and index again from the log.
//
// In this order, so that a kill anywhere leaves nothing worse than before: the old files are copied
// to `quarantine/`; the new ones are written to `repairing/` and synced; when the index is among
// them, the durable mark is told that it holds nothing; each new file is renamed over the old one;
// old files without a successor are removed; the mark is told what the index holds; `repairing/`
// goes. While `repairing/` is there, what is named in it counts as wrong, whatever it looks like.

import ApusFormat
import ApusSystem

/// Rebuilds the derived files that a verification found wrong.
final class DerivedRebuild: DerivedSink {
    private let disk: any Disk
    private let files: StoreFiles
    private let faults: DerivedFaults
    private let options: RepairOptions
    private let copies: RepairCopies
    private var writers: [QueueFileWriter] = []
    private let index: IndexFileWriter?
    /// Keys of records from here on are left to the next open, which puts them.
    private let indexBound: Int64

    init(
        _ disk: any Disk, _ files: StoreFiles, _ faults: DerivedFaults, _ options: RepairOptions,
        _ copies: RepairCopies
    ) {
        self.disk = disk
        self.files = files
        self.faults = faults
        self.options = options
        self.copies = copies
        indexBound = files.hasAbort ? files.mark?.logDurable ?? .max : .max
        index =
            faults.isIndexWrong
            ? IndexFileWriter(
                disk, folder: "\(files.directory.repairing)/index",
                settings: RepairLengths.index(files, faults, options),
                names: files.index.map(\.first)) : nil
    }

    var goesOn: Bool { index?.failure == nil }

    func output(topic: String, queueID: Int32) -> (any QueueOutput)? {
        let name = QueueName(topic: topic, id: queueID)
        let isBatch = faults.batchQueues.contains(name)
        guard isBatch || faults.queues.contains(name) else { return nil }
        do throws(StoreError) { try StoreDirectory.validate(topic: topic) } catch { return nil }
        guard queueID >= 0 else { return nil }
        let kind = isBatch ? "batchconsumequeue" : "consumequeue"
        let writer = QueueFileWriter(
            disk, name: name, folder: "\(files.directory.repairing)/\(kind)/\(topic)/\(queueID)",
            fileByteCount: RepairLengths.queueFile(files, options, isBatch: isBatch),
            isBatch: isBatch, start: found(name, isBatch)?.files.first?.first ?? 0)
        writers.append(writer)
        return writer
    }

    func put(hashes: [Int32], physicalOffset: Int64, end: Int64, storeTimestamp: Int64) {
        guard end <= indexBound else { return }
        index?.put(
            hashes: hashes, physicalOffset: physicalOffset, storeTimestamp: storeTimestamp)
    }

    private func found(_ name: QueueName, _ isBatch: Bool) -> FoundQueue? {
        (isBatch ? files.batchQueues : files.queues).first {
            $0.topic == name.topic && $0.queueID == name.id
        }
    }

    /// All of it.
    func run() throws(StoreError) {
        do throws(DiskError) {
            try keepOldFiles()
        } catch {
            throw StoreError(error)
        }
        let examination = Verification.examine(
            disk, files, options.verification, sink: self)
        if let refused = examination.report.refused.first { throw StoreError(refused) }
        try index?.finish()
        do throws(DiskError) {
            // A queue that no record and no entry belongs to has no files either.
            for writer in writers { try writer.finish() }
            for writer in writers { try swap(writer) }
            if let index { try swap(index, logEnd: min(indexBound, examination.logEnd)) }
            try RepairFolder.remove(disk, files.directory)
        } catch {
            throw StoreError(error)
        }
    }

    private func keepOldFiles() throws(DiskError) {
        for (names, isBatch) in [(faults.queues, false), (faults.batchQueues, true)] {
            for name in names.sorted() {
                for file in found(name, isBatch)?.files ?? [] {
                    let kind = isBatch ? "batchconsumequeue" : "consumequeue"
                    try copies.keep(
                        file.path,
                        as: "\(kind)-\(name.topic)-\(name.id)-"
                            + StoreDirectory.fileName(file.first))
                }
            }
        }
        guard index != nil else { return }
        for file in files.index {
            try copies.keep(
                file.path, as: "index-\(IndexFileName.name(number: file.first) ?? "")")
        }
    }

    private func swap(_ writer: QueueFileWriter) throws(DiskError) {
        let root = writer.isBatch ? files.directory.batchConsumeQueue : files.directory.consumeQueue
        let folder = "\(root)/\(writer.name.topic)/\(writer.name.id)"
        try replace(
            writer.fileNames, from: writer.folder, to: folder,
            old: found(writer.name, writer.isBatch)?.files ?? [])
    }

    private func swap(_ index: IndexFileWriter, logEnd: Int64) throws(DiskError) {
        let mark = files.mark
        if var mark {
            // As if there were none: an open now would put all keys again.
            mark.indexDurable = files.segments.first?.first ?? 0
            mark.indexFileName = 0
            mark.indexEntryCount = 0
            try CheckpointRepair.write(disk, files.directory, mark)
        }
        try replace(
            index.written.map { IndexFileName.name(number: $0) ?? "" },
            from: "\(files.directory.repairing)/index", to: files.directory.index,
            old: files.index)
        if var mark {
            mark.indexDurable = min(logEnd, mark.logDurable)
            mark.indexFileName = index.last.name
            mark.indexEntryCount = index.last.nextEntry
            try CheckpointRepair.write(disk, files.directory, mark)
        }
    }

    private func replace(
        _ names: [String], from source: String, to folder: String, old: [FoundFile]
    ) throws(DiskError) {
        if !names.isEmpty { try disk.createDirectories(folder) }
        for name in names { try disk.rename("\(source)/\(name)", to: "\(folder)/\(name)") }
        for file in old where !names.contains(where: { file.path.hasSuffix("/\($0)") }) {
            try disk.unlink(file.path)
        }
        if try disk.status(folder) != nil { try disk.syncDirectory(folder) }
    }
}

/// Lengths of files that are made again.
enum RepairLengths {
    /// Bytes of a queue's file: as told, else as most have, else RocketMQ's default.
    static func queueFile(_ files: StoreFiles, _ options: RepairOptions, isBatch: Bool) -> Int {
        let unit = isBatch ? BatchConsumeQueueUnit.byteCount : ConsumeQueueUnit.byteCount
        if !isBatch, let told = options.queueFileByteCount { return told }
        var counts: [Int: Int] = [:]
        for folder in isBatch ? files.batchQueues : files.queues {
            for file in folder.files where file.byteCount > 0 && file.byteCount % unit == 0 {
                counts[file.byteCount, default: 0] += 1
            }
        }
        return counts.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key
            ?? (isBatch ? 300_000 * unit : QueueSettings().fileByteCount)
    }

    /// Slots and entries of an IndexFile, likewise.
    static func index(
        _ files: StoreFiles, _ faults: DerivedFaults, _ options: RepairOptions
    ) -> IndexSettings {
        var settings = IndexSettings()
        if let shape = faults.indexShape {
            settings.slotCount = shape.slotCount
            settings.entryCapacity = shape.capacity
        }
        if let slots = options.indexSlots { settings.slotCount = slots }
        if let entries = options.indexEntries { settings.entryCapacity = entries }
        return settings
    }
}
