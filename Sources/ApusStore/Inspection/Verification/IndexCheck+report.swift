// What the comparison of index and log says in words.

private import ApusFormat

extension IndexCheck {
    /// Puts what was counted into findings.
    func report() {
        reportEntries()
        reportKeys()
    }

    private func reportEntries() {
        let missed = "Queries by key miss these messages, or look at others in vain."
        add(
            wrongHash, .indexHash,
            "whose hash is of none of the keys of the record that it points to", missed)
        add(
            wrongTime, .indexTime,
            "with another time than the record that it points to",
            "Queries by key within a span of time may miss these messages.")
        add(noRecord, .indexEntry, "that points to where no record starts", missed)
        if beyondLog.count > 0 { context.derived.isIndexWrong = true }
        if !context.hasLostEnd {
            add(beyondLog, .indexEntry, "that points behind the end of the log", missed)
        }
        guard rebuilt.count > 0 else { return }
        context.findings.add(
            Finding(
                .note, .indexEntry, at: place(of: rebuilt), count: rebuilt.count,
                "\(plural(rebuilt.count, "index entry is", "index entries are")) not of the record"
                    + " that stands there; first entry \(rebuilt.number) of \(rebuilt.file),"
                    + " physical offset \(rebuilt.first). The next open takes what a kill left"
                    + " away.",
                consumers: "None after the next open."))
    }

    private func add(
        _ tally: Tally, _ kind: FindingKind, _ what: String, _ consumers: String
    ) {
        guard tally.count > 0 else { return }
        context.derived.isIndexWrong = true
        context.findings.add(
            Finding(
                .inconsistency, kind, at: place(of: tally), count: tally.count,
                tally.count == 1
                    ? "Entry \(tally.number) of \(tally.file) is one \(what), at physical offset"
                        + " \(tally.first)."
                    : "There are \(tally.count) index entries \(what); first entry \(tally.number)"
                        + " of \(tally.file), physical offset \(tally.first).",
                consumers: consumers))
    }

    private func place(of tally: Tally) -> Finding.Place {
        let shape = sound.first { context.relative($0.file.path) == tally.file }?.reader.shape
        return Finding.Place(
            path: tally.file,
            fileOffset: shape.map {
                Int64(IndexLayout.entryOffset(tally.number, slotCount: $0.slotCount))
            }, physicalOffset: tally.first)
    }

    private func reportKeys() {
        let notFound = "Queries by key do not find them; the queues have them."
        if context.files.index.isEmpty {
            guard keyedRecords > 0 else { return }
            // A broker may be told to keep no index.
            context.findings.add(
                Finding(
                    .note, .indexIncomplete, count: keyedRecords,
                    "There is no index, and \(plural(keyedRecords, "message has", "messages have"))"
                        + " keys.",
                    consumers: notFound))
            return
        }
        if within.count > 0 {
            let isRebuilt = !context.isClean && within.first >= context.recoveryStart
            if !isRebuilt { context.derived.isIndexWrong = true }
            context.findings.add(
                Finding(
                    isRebuilt ? .note : .inconsistency, .indexKeyMissing,
                    at: Finding.Place(physicalOffset: within.first), count: within.count,
                    "\(plural(within.count, "message has a key", "messages have keys")) that the"
                        + " index does not lead to; first the one at physical offset"
                        + " \(within.first).",
                    consumers: notFound))
        }
        if behind.count > 0 {
            let isExpected = !context.isClean
            if !isExpected { context.derived.isIndexWrong = true }
            context.findings.add(
                Finding(
                    isExpected ? .note : .inconsistency, .indexIncomplete,
                    at: Finding.Place(physicalOffset: behind.first), count: behind.count,
                    "The index ends before \(plural(behind.count, "message", "messages")) with"
                        + " keys, from physical offset \(behind.first) on."
                        + (isExpected ? " The next open adds them." : ""),
                    consumers: isExpected ? "None after the next open." : notFound))
        }
        let early = before.count + between.count
        if early > 0 {
            let first = before.count > 0 ? before.first : between.first
            context.findings.add(
                Finding(
                    .note, .indexIncomplete, at: Finding.Place(physicalOffset: first),
                    count: early,
                    "No IndexFile covers \(plural(early, "message", "messages")) with keys, from"
                        + " physical offset \(first) on. RocketMQ drops IndexFiles after a kill and"
                        + " makes only the newest part again.",
                    consumers: notFound))
        }
    }
}

/// `1 message` or `5 messages`.
func plural(_ count: Int64, _ one: String, _ many: String) -> String {
    count == 1 ? "1 \(one)" : "\(count) \(many)"
}
