// Holds `checkpoint` and the files of the root against the log.

import ApusFormat
import ApusSystem

/// The check of the small files.
struct CheckpointCheck {
    let context: VerificationContext

    func report() {
        reportShutdown()
        reportRepair()
        reportCheckpoint()
        for stray in context.files.strays {
            let path = context.relative(stray.path)
            add(.note, .stray, path, "\(path) is not part of a store: \(stray.reason).", "None.")
        }
    }

    private func reportShutdown() {
        guard context.files.hasAbort else { return }
        add(
            .note, .notCleanlyShutDown, "abort",
            "The store was not shut down cleanly, or is open: abort is there. What a kill leaves is"
                + " mended by the next open, and told here as notes.",
            "None: an open goes through the end of the log first.")
    }

    private func reportRepair() {
        guard context.files.hasUnfinishedRepair else { return }
        context.findings.add(
            Finding(
                .inconsistency, .repairUnfinished, at: Finding.Place(path: "repairing"),
                "A repair was interrupted: repairing is there.",
                consumers: "Queues or index may be in part the old ones, until the repair is done"
                    + " again."))
    }

    private func reportCheckpoint() {
        let path = "checkpoint"
        let longer = "None: RocketMQ goes through the whole log after a kill, without it."
        switch context.files.checkpoint {
        case .missing:
            guard context.totals.records > 0 else { return }
            add(
                context.isClean ? .inconsistency : .note, .checkpoint, path,
                "There is no checkpoint.", longer)
        case .unreadable(let error):
            context.noteUnreadable(error, consumers: longer)
        case .short(let byteCount):
            add(
                .inconsistency, .checkpoint, path,
                "checkpoint has \(byteCount) bytes, which is fewer than its fields take.", longer)
        case .read(let fields, let mark, let slots):
            report(fields)
            report(agreeing: mark, slots)
        }
    }

    /// Times ahead of the log would make RocketMQ begin its scan too late.
    private func report(_ fields: CheckpointFields) {
        if context.hasLostEnd { return }
        let times = [
            ("CommitLog", fields.commitLogTimestamp, 0),
            ("ConsumeQueue", fields.queueTimestamp, 8),
            ("index", fields.indexTimestamp, 16),
        ]
        for (name, time, fileOffset) in times {
            if time < 0 {
                add(
                    .inconsistency, .checkpoint, "checkpoint", at: fileOffset,
                    "The \(name) time of checkpoint is negative: \(time).",
                    "None: RocketMQ goes through more of the log after a kill.")
            } else if time > context.newestTimestamp, context.totals.records > 0 {
                add(
                    .inconsistency, .checkpointAhead, "checkpoint", at: fileOffset,
                    "The \(name) time of checkpoint is \(time), ahead of the newest record's store"
                        + " time \(context.newestTimestamp).",
                    "After a kill RocketMQ would begin its scan too late, and leave messages out of"
                        + " the queues.")
            }
        }
        let offsets = [
            ("flushed", fields.masterFlushedOffset, 24), ("confirmed", fields.confirmedOffset, 32),
        ]
        for (name, offset, fileOffset) in offsets where offset > context.logEnd {
            add(
                .inconsistency, .checkpointAhead, "checkpoint", at: fileOffset,
                "The \(name) offset of checkpoint is \(offset), behind the end of the log at"
                    + " \(context.logEnd).",
                "Replicas are told of messages that are not there.")
        }
    }

    private func report(agreeing: DurableMark?, _ slots: CheckpointReading.Slots) {
        guard let mark = context.files.mark else {
            switch slots {
            case .none: break
            case .written:
                add(
                    .note, .durableMark, "checkpoint", at: CheckpointLayout.slotOffset(0),
                    agreeing == nil
                        ? "The durable mark does not count: RocketMQ wrote to checkpoint since, or"
                            + " a field of it is damaged."
                        : "The durable mark does not count: RocketMQ had the store open since, or"
                            + " abort was removed by hand.",
                    "None: the directory is treated as one of RocketMQ's.")
            case .damaged:
                add(
                    .inconsistency, .durableMark, "checkpoint", at: CheckpointLayout.slotOffset(0),
                    "The durable mark is damaged: neither of its slots is whole.",
                    "None yet. After a kill, a torn end of the log could not be told from damage.")
            }
            return
        }
        let slot = CheckpointLayout.slotOffset(mark.slot)
        let place = "checkpoint"
        if agreeing == nil {
            add(
                .note, .durableMark, place, at: 0,
                "RocketMQ's fields of checkpoint are not those that were written with the durable"
                    + " mark, and abort says that no RocketMQ broker was here: they are damaged.",
                "None: the next open takes the copy beside the mark.")
        }
        if mark.logDurable > context.logEnd {
            add(
                .damage, .durableMark, place, at: slot,
                "The log was on disk up to physical offset \(mark.logDurable), and ends at"
                    + " \(context.logEnd) now.",
                "Messages that were stored for good are lost.")
        }
        if mark.queuesDurable > mark.logDurable || mark.indexDurable > mark.logDurable {
            add(
                .inconsistency, .durableMark, place, at: slot,
                "The durable mark has queues or index ahead of the log: queues"
                    + " \(mark.queuesDurable), index \(mark.indexDurable), log \(mark.logDurable).",
                "None until the store is killed; then messages could be left out of the queues.")
        }
        if mark.logMinimum > context.logStart, context.files.segments.count > 1,
            context.files.segments[1].first <= mark.logMinimum
        {
            add(
                .note, .durableMark, place, at: slot,
                "The durable mark says that the log begins at \(mark.logMinimum); older files are"
                    + " still there.", "None.")
        } else if mark.logMinimum < context.logStart, context.totals.records > 0 {
            add(
                .note, .durableMark, place, at: slot,
                "The durable mark says that the log begins at \(mark.logMinimum); it begins at"
                    + " \(context.logStart): retention removed older files since, or they are"
                    + " lost.",
                "Messages before \(context.logStart) cannot be delivered.")
        }
        if mark.isClean, context.files.hasAbort {
            add(
                .note, .durableMark, place, at: slot,
                "The durable mark is that of a clean shutdown: the store was opened again since.",
                "None.")
        }
    }

    private func add(
        _ severity: Finding.Severity, _ kind: FindingKind, _ path: String,
        at fileOffset: Int? = nil,
        _ what: String, _ consumers: String
    ) {
        if severity == .inconsistency { context.derived.isCheckpointWrong = true }
        context.findings.add(
            Finding(
                severity, kind,
                at: Finding.Place(path: path, fileOffset: fileOffset.map { Int64($0) }), what,
                consumers: consumers))
    }
}
