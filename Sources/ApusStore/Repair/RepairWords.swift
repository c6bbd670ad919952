// The steps of a repair as sentences.

import ApusFormat

/// Says what a step does.
struct RepairWords {
    let files: StoreFiles
    let options: RepairOptions

    func extend(_ file: FoundFile, to length: Int) -> RepairStep {
        let path = files.relative(file.path)
        return RepairStep(
            kind: .extendSegment,
            place: Finding.Place(path: path, fileOffset: Int64(file.byteCount)),
            what:
                "Give \(path) \(length) bytes as the other CommitLog files have, with zeros behind"
                + " its \(file.byteCount).",
            consumers: "None: what stood in the missing bytes stays lost, and a broker starts"
                + " again.")
    }

    func cut(_ stretch: LogStretch, _ examination: Examination) -> RepairStep {
        let path = files.relative(stretch.path)
        let behind = examination.logEnd > stretch.start
        let tally = examination.stretches.first { $0.stretch == stretch }
        let what =
            "End the log at physical offset \(stretch.start) (\(stretch.words)): copy what stands"
            + " behind it to quarantine, zero the rest of \(path), and move later files there."
        let consumers: String
        if behind {
            consumers =
                "Messages behind \(stretch.start) are no longer delivered. --salvage-to takes them"
                + " into a directory of their own first."
        } else if let tally, tally.entryCount > 0 {
            consumers =
                "\(tally.entriesInWords) cannot be delivered now either; "
                + (tally.entryCount == 1 ? "its number is" : "their numbers are")
                + " given out again."
        } else {
            consumers = "None: no message that was whole stands there."
        }
        return RepairStep(
            kind: .cutLog,
            place: Finding.Place(
                path: path, fileOffset: Int64(stretch.fileOffset), physicalOffset: stretch.start),
            what: what, consumers: consumers)
    }

    func rebuild(_ name: QueueName, isBatch: Bool) -> RepairStep {
        let folder = "\(isBatch ? "batchconsumequeue" : "consumequeue")/\(name)"
        let length = RepairLengths.queueFile(files, options, isBatch: isBatch)
        return RepairStep(
            kind: .rebuildQueue,
            place: Finding.Place(path: folder, topic: name.topic, queueID: name.id),
            what: "Make the queue \(name) again from the log, in files of \(length) bytes; its old"
                + " files are copied to quarantine.",
            consumers: "They are given each message of the queue that the log holds, under the"
                + " number that it has.")
    }

    func rebuildIndex(_ faults: DerivedFaults) -> RepairStep {
        let settings = RepairLengths.index(files, faults, options)
        return RepairStep(
            kind: .rebuildIndex, place: Finding.Place(path: "index"),
            what: "Make the index again from the log, with \(settings.slotCount) slots and room for"
                + " \(settings.entryCapacity) entries a file; the old files are copied to"
                + " quarantine.",
            consumers: "Queries by key find each message that the log holds.")
    }

    func checkpoint(_ fields: CheckpointFields) -> RepairStep {
        let isMarked = files.mark != nil
        return RepairStep(
            kind: .rewriteCheckpoint, place: Finding.Place(path: "checkpoint"),
            what: "Write checkpoint again: times \(fields.commitLogTimestamp),"
                + " \(fields.queueTimestamp) and \(fields.indexTimestamp)"
                + (isMarked
                    ? ", and the durable mark with them."
                    : ", without a durable mark; the old file is copied to quarantine."),
            consumers: "None: after a kill a broker begins its scan early enough.")
    }

    var unfinished: RepairStep {
        RepairStep(
            kind: .clearUnfinished, place: Finding.Place(path: "repairing"),
            what: "Take away what an interrupted repair left in repairing.",
            consumers: "None.")
    }
}
