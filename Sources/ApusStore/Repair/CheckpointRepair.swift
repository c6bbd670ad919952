// Makes `checkpoint` say what is so. Never more: a durable mark is not invented.
//
// With a mark that counts, its copy of RocketMQ's fields is the truth about them, and both are
// written as a store does it. Without one, the slots are zeroed: the next open finds a directory
// without a mark.

import ApusFormat
import ApusSystem

/// Repairs the checkpoint.
enum CheckpointRepair {
    /// The fields as they should be: nothing ahead of the log.
    static func fields(_ files: StoreFiles, _ examination: Examination) -> CheckpointFields {
        let hasRecords = examination.report.totals.records > 0
        guard var fields = files.mark?.javaFields ?? files.checkpointFields else {
            // Times that are behind only cost a longer scan; of a clean store all is on disk.
            let time = files.hasAbort || !hasRecords ? 0 : examination.newestTimestamp
            return CheckpointFields(
                commitLogTimestamp: time, queueTimestamp: time, indexTimestamp: time)
        }
        let newest = hasRecords ? examination.newestTimestamp : .max
        func bounded(_ value: Int64, _ limit: Int64) -> Int64 { max(0, min(value, limit)) }
        fields.commitLogTimestamp = bounded(fields.commitLogTimestamp, newest)
        fields.queueTimestamp = bounded(fields.queueTimestamp, newest)
        fields.indexTimestamp = bounded(fields.indexTimestamp, newest)
        fields.masterFlushedOffset = bounded(fields.masterFlushedOffset, examination.logEnd)
        fields.confirmedOffset = bounded(fields.confirmedOffset, examination.logEnd)
        return fields
    }

    static func run(
        _ disk: any Disk, _ files: StoreFiles, _ examination: Examination, _ copies: RepairCopies
    ) throws(DiskError) {
        let path = files.directory.checkpoint
        if try disk.status(path) != nil { try copies.keep(path, as: "checkpoint") }
        let fields = fields(files, examination)
        if var mark = files.mark {
            mark.queuesDurable = min(mark.queuesDurable, mark.logDurable)
            mark.indexDurable = min(mark.indexDurable, mark.logDurable)
            mark.generation = max(mark.generation, files.newestMark?.generation ?? 0)
            let checkpoint = try Checkpoint.open(
                disk, path, fields: mark.javaFields, mark: mark)
            try checkpoint.update { now, _ in now = fields }
            return
        }
        try write(disk, files.directory, fields)
    }

    /// Writes a file of RocketMQ's fields, without a mark.
    static func write(
        _ disk: any Disk, _ directory: StoreDirectory, _ fields: CheckpointFields
    ) throws(DiskError) {
        let temporary = "\(directory.checkpoint).new"
        let file = try disk.open(temporary, .createEmpty)
        defer { file.close() }
        var buffer = [UInt8](repeating: 0, count: CheckpointLayout.fileByteCount)
        var bytes = buffer.mutableRawSpan
        fields.store(into: &bytes)
        try file.write(buffer.rawSpan, at: 0)
        try file.sync()
        try disk.rename(temporary, to: directory.checkpoint)
        try disk.syncDirectory(directory.root)
    }

    /// Writes a mark that differs in what it says of the index.
    static func write(
        _ disk: any Disk, _ directory: StoreDirectory, _ mark: DurableMark
    ) throws(DiskError) {
        var next = mark
        let newest = try Checkpoint.read(disk, directory.checkpoint).newestMark
        next.generation = max(mark.generation, newest?.generation ?? 0)
        _ = try Checkpoint.open(disk, directory.checkpoint, fields: mark.javaFields, mark: next)
    }
}
