// What the scan of the log says in words: stretches without records, and how the log ends.
//
// Whether the end of the log is torn or damaged: below the durable mark it is damage. Without a
// mark, what a killed process leaves has no queue entry that points to it, unless the machine lost
// power.

import ApusFormat

/// Reports on the log.
struct LogReport {
    let context: VerificationContext

    func report() {
        for tally in context.stretches {
            if tally.isTail { reportTail(tally) } else { reportStretch(tally) }
        }
        if context.omittedStretches > 0 {
            context.findings.add(
                Finding(
                    .damage, .damagedRecord, count: context.omittedStretches,
                    "There are \(context.omittedStretches) more stretches without records.",
                    consumers: "The messages that were there are lost."))
        }
        reportFiles()
    }

    private func place(_ stretch: LogStretch) -> Finding.Place {
        Finding.Place(
            path: context.relative(stretch.path), fileOffset: Int64(stretch.fileOffset),
            physicalOffset: stretch.start, physicalEnd: stretch.end)
    }

    private func kind(_ stretch: LogStretch) -> FindingKind {
        switch stretch.cause {
        case .damaged: .damagedRecord
        case .zeros, .remains: .zerosInLog
        case .unreadable: .unreadable
        case .missing, .cutShort: .missingSegment
        }
    }

    /// Valid records stand behind it.
    private func reportStretch(_ tally: StretchTally) {
        let stretch = tally.stretch
        context.findings.add(
            Finding(
                .damage, kind(stretch), at: place(stretch), count: stretch.byteCount,
                "No record can be read in \(stretch.byteCount) bytes from physical offset"
                    + " \(stretch.start) on: \(stretch.words). Records go on at \(stretch.end).",
                consumers: lost(tally) + openingWords(stretch)))
    }

    private func lost(_ tally: StretchTally) -> String {
        tally.entryCount == 0
            ? "No queue points there: messages may be lost, none that a queue had."
            : "\(tally.entriesInWords) cannot be delivered."
    }

    /// What an open makes of damage.
    private func openingWords(_ stretch: LogStretch) -> String {
        if let mark = context.files.mark, stretch.start >= mark.logDurable {
            return " It is past the durable mark: the next open cuts the log here."
        }
        return context.isClean
            ? "" : " RocketMQ would cut the log here at its next start, and lose what is behind."
    }

    /// Nothing valid stands behind it.
    private func reportTail(_ tally: StretchTally) {
        let stretch = tally.stretch
        let path = context.relative(stretch.path)
        switch stretch.cause {
        case .unreadable:
            context.hasLostEnd = true
            context.findings.add(
                Finding(
                    .damage, .unreadable, at: place(stretch), count: stretch.byteCount,
                    "\(path) cannot be read from physical offset \(stretch.start) on:"
                        + " \(stretch.words).",
                    consumers: lost(tally)))
            return
        case .missing, .cutShort:
            return
        case .zeros where tally.entryCount == 0:
            // Space that was never written.
            return
        case .zeros, .remains, .damaged:
            break
        }
        let isBelowMark = context.files.mark.map { stretch.start < $0.logDurable } ?? false
        let isBelowQueues = context.files.mark == nil && tally.entryCount > 0
        if isBelowMark || isBelowQueues && (context.isClean || isDamaged(stretch)) {
            context.hasLostEnd = true
            context.findings.add(
                Finding(
                    .damage, kind(stretch), at: place(stretch), count: stretch.byteCount,
                    "The log ends at physical offset \(stretch.start) of \(path): \(stretch.words)."
                        + (isBelowMark
                            ? " It was on disk beyond there before."
                            : " Queues point behind it."),
                    consumers: tally.entryCount > 0
                        ? lost(tally) : "Messages that were stored are lost."))
        } else if context.isClean {
            context.findings.add(
                Finding(
                    .note, .remains, at: place(stretch),
                    "Behind the end of the log at physical offset \(stretch.start) stand bytes that"
                        + " are no record: \(stretch.words). The next message overwrites them.",
                    consumers: "None: no queue points there."))
        } else {
            context.findings.add(
                Finding(
                    .note, .endOfLog, at: place(stretch),
                    "The log ends at physical offset \(stretch.start) of \(path), in the middle of"
                        + " what was being written: \(stretch.words). The next open cuts it there.",
                    consumers: tally.entryCount > 0
                        ? "\(tally.entriesInWords) had not reached the disk: they are lost."
                        : "None: no message that was whole is behind it."))
        }
    }

    private func isDamaged(_ stretch: LogStretch) -> Bool {
        if case .damaged = stretch.cause { return true }
        return false
    }

    /// Lengths of the files, and how they follow each other.
    private func reportFiles() {
        let segments = context.files.segments
        let length = context.files.usualSegmentLength
        for (index, file) in segments.enumerated() {
            let path = context.relative(file.path)
            let isLast = index + 1 == segments.count
            if file.byteCount == 0, isLast {
                context.findings.add(
                    Finding(
                        .note, .segmentLength, at: Finding.Place(path: path),
                        "\(path) is empty: it was just being made. RocketMQ deletes it.",
                        consumers: "None."))
            } else if file.byteCount != length {
                let isCut = file.byteCount < length
                context.findings.add(
                    Finding(
                        .inconsistency, .segmentLength,
                        at: Finding.Place(path: path, fileOffset: 0),
                        "\(path) has \(file.byteCount) bytes where the other CommitLog files have"
                            + " \(length)\(isCut ? ": it was cut short, or copied in part" : "").",
                        consumers: "RocketMQ does not start with a CommitLog file of another"
                            + " length."))
            }
            if !isLast, segments[index + 1].first < file.end {
                context.findings.add(
                    Finding(
                        .inconsistency, .overlappingSegments,
                        at: Finding.Place(path: context.relative(segments[index + 1].path)),
                        "\(path) ends at physical offset \(file.end), but the next file begins at"
                            + " \(segments[index + 1].first).",
                        consumers: "They may be given a message twice, or another one."))
            }
        }
    }
}
