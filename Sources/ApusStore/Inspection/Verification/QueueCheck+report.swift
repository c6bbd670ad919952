// What the comparison of queues and log says in words.

private import ApusFormat

extension QueueCheck {
    /// Puts faults, gaps and leftovers into findings. Entries that a killed store had not written
    /// yet are gathered in one note.
    func report() {
        var unwritten = Unwritten()
        batchTopics = findBatchTopics()
        for state in table.values {
            reportGaps(state)
            if state.units == nil {
                reportMissingFolder(state, &unwritten)
                continue
            }
            for fault in state.faults { report(fault, in: state, &unwritten) }
            if state.omittedFaults > 0 {
                noteWrong(state)
                context.findings.add(
                    Finding(
                        .inconsistency, .entryOffset, at: state.place(of: 0),
                        count: state.omittedFaults,
                        "\(state.omittedFaults) more entries of \(state.name) are wrong.",
                        consumers: rebuildWords))
            }
        }
        unwritten.report(to: context)
        delays.report(to: context.findings)
        for run in context.leftovers { report(run) }
        if context.omittedLeftovers > 0 {
            context.findings.add(
                Finding(
                    .inconsistency, .entryWithoutRecord, count: context.omittedLeftovers,
                    "\(context.omittedLeftovers) more entries of queues have no record.",
                    consumers: "They are given nothing for them."))
        }
    }

    /// Entries that are not there yet, of records that the next open goes through.
    struct Unwritten {
        private var count: Int64 = 0
        private var queues: [String] = []

        mutating func add(_ name: String, _ entries: Int64) {
            count += entries
            queues.append(name)
        }

        func report(to context: VerificationContext) {
            guard count > 0 else { return }
            let names = queues.prefix(3).joined(separator: ", ") + (queues.count > 3 ? ", …" : "")
            context.findings.add(
                Finding(
                    .note, .entryMissing, count: count,
                    "\(plural(count, "message has", "messages have")) no queue entry yet, in"
                        + " \(plural(Int64(queues.count), "queue", "queues")) (\(names)): the store"
                        + " was killed before it was written. The next open writes it.",
                    consumers: "None after the next open."))
        }
    }

    /// Topics whose queues are BatchConsumeQueues, also those that have no files.
    private func findBatchTopics() -> Set<String> {
        Set(table.values.filter { $0.isBatch || $0.sawInnerBatch }.map(\.topic))
            .union(context.files.batchQueues.map(\.topic))
    }

    /// The queue has to be made again.
    private func noteWrong(_ state: QueueState) {
        if state.isBatch || state.units == nil && batchTopics.contains(state.topic) {
            context.derived.batchQueues.insert(state.queueName)
        } else {
            context.derived.queues.insert(state.queueName)
        }
    }

    private var rebuildWords: String {
        "They are given nothing, or another message, at these offsets, until the queue is made"
            + " again from the log."
    }

    /// Whether the next open makes the entry of a record at this place again.
    private func isRebuilt(_ physicalOffset: Int64) -> Bool {
        !context.isClean && physicalOffset >= context.recoveryStart
    }

    private func report(_ fault: EntryFault, in state: QueueState, _ unwritten: inout Unwritten) {
        let count = fault.end - fault.first
        if fault.kind == .missing, isRebuilt(fault.firstPhysical) {
            return unwritten.add(state.name, count)
        }
        noteWrong(state)
        let which =
            count == 1
            ? "Entry \(fault.first) of \(state.name)"
            : "Each of the entries \(fault.first) to \(fault.end - 1) of \(state.name)"
        let found = fault.found
        let expected = fault.expected
        let (kind, what): (FindingKind, String) =
            switch fault.kind {
            case .missing:
                (.entryMissing, "is not written, though its message is in the log")
            case .offset:
                (.entryOffset, "does not point to its message")
            case .size:
                (.entrySize, "has another size than its message")
            case .tags:
                (.entryTags, "has another tags code than its message")
            case .batch:
                (.entryBatch, "has another number of messages or time than its record")
            case .extensionAddress:
                (.entryExtension, "names an extension that is not its message's")
            }
        let detail: String =
            switch fault.kind {
            case .missing: "at physical offset \(expected.physicalOffset)"
            case .offset:
                "it says physical offset \(found.physicalOffset) instead of"
                    + " \(expected.physicalOffset)"
            case .size: "it says \(found.size) bytes instead of \(expected.size)"
            case .tags: "it says \(found.tagsCode) instead of \(expected.tagsCode)"
            case .batch: "at physical offset \(expected.physicalOffset)"
            case .extensionAddress: "address \(found.tagsCode &- .min)"
            }
        let consumers =
            fault.kind == .tags || fault.kind == .extensionAddress
            ? "Those who subscribe to tags miss these messages, or are given others'."
            : rebuildWords
        context.findings.add(
            Finding(
                .inconsistency, kind, at: entryPlace(fault.first, state, expected.physicalOffset),
                count: count, "\(which) \(what)\(count == 1 ? ": " : "; the first: ")\(detail).",
                consumers: consumers))
    }

    /// A queue's entry with the file and the byte that it stands at.
    private func entryPlace(
        _ number: Int64, _ state: QueueState, _ physicalOffset: Int64
    ) -> Finding.Place {
        var place = state.place(of: number, physicalOffset: physicalOffset)
        guard let units = state.units else { return place }
        if !state.isBatch, let file = units.file(holding: number) {
            place.path = context.relative(file.path)
            place.fileOffset = number * Int64(ConsumeQueueUnit.byteCount) - file.first
        } else {
            place.path = context.relative(units.queue.path)
        }
        return place
    }

    private func reportGaps(_ state: QueueState) {
        for gap in state.gaps {
            let missing = gap.offsets.upperBound - gap.offsets.lowerBound - gap.explained
            guard missing > 0 else { continue }
            // Damage between the two records accounts for it.
            if let stretch = context.stretches.first(where: {
                !$0.isTail && $0.stretch.start >= gap.physical.lowerBound
                    && $0.stretch.end <= gap.physical.upperBound
            }) {
                stretch.addEntry(
                    topic: state.topic, queueID: state.queueID,
                    queueOffset: gap.offsets.lowerBound, count: missing)
                continue
            }
            let isKnown = gap.filled >= missing
            let which =
                gap.offsets.count == 1
                ? "message \(gap.offsets.lowerBound)"
                : "messages \(gap.offsets.lowerBound) to \(gap.offsets.upperBound - 1)"
            context.findings.add(
                Finding(
                    isKnown ? .note : .damage, .queueOffsetGap,
                    at: state.place(
                        of: gap.offsets.lowerBound, physicalOffset: gap.physical.upperBound),
                    count: missing,
                    "\(state.name) has no \(which) in the log; the one before stands at physical"
                        + " offset \(gap.physical.lowerBound), the next at"
                        + " \(gap.physical.upperBound)."
                        + (isKnown
                            ? " The queue says so too: they were lost before a recovery, a repair"
                                + " or a salvage." : ""),
                    consumers: isKnown
                        ? "They are given the next message instead."
                        : "These messages cannot be delivered."))
        }
    }

    /// A queue whose messages are in the log has no files.
    private func reportMissingFolder(_ state: QueueState, _ unwritten: inout Unwritten) {
        guard state.records > 0 else { return }
        if isRebuilt(state.firstPhysical) { return unwritten.add(state.name, state.records) }
        let isDeleted = registry.knowsTopics && !registry.contains(state.topic)
        if !isDeleted { noteWrong(state) }
        context.findings.add(
            Finding(
                isDeleted ? .note : .inconsistency, .queueMissing,
                at: missingPlace(state), count: state.records,
                "\(state.name) has \(plural(state.records, "message", "messages")) in the log but"
                    + " no files"
                    + (isDeleted
                        ? ": config/topics.json does not know the topic, so it was deleted." : "."),
                consumers: isDeleted
                    ? "None: nobody can subscribe to it."
                    : "They cannot read the queue until it is made again from the log."))
    }

    private func missingPlace(_ state: QueueState) -> Finding.Place {
        var place = state.place(
            of: state.firstOffset ?? 0, physicalOffset: state.firstPhysical)
        let kind = batchTopics.contains(state.topic) ? "batchconsumequeue" : "consumequeue"
        place.path = "\(kind)/\(state.name)"
        return place
    }

    private func report(_ run: LeftoverRun) {
        let entries = "\(run.entriesInWords) of \(run.name)"
        switch run.reason {
        case .beyondLog:
            let what =
                "\(entries) \(run.verb) behind the end of the log, to physical offset"
                + " \(run.physicalOffset)"
            if context.isClean {
                context.hasLostEnd = true
                add(
                    run, .damage, .entryBeyondLog,
                    what + ": the log has lost its end, or the queue was not cut with it.",
                    "\(plural(run.count, "message", "messages")) cannot be delivered.")
            } else {
                add(
                    run, .note, .entryBeyondLog,
                    what + ", as a kill may leave them. The next open takes them away.",
                    "None: the messages were not whole.")
            }
        case .noRecord:
            add(
                run, .inconsistency, .entryWithoutRecord,
                "\(entries) \(run.verb) to physical offset \(run.physicalOffset), where no record"
                    + " starts.", "They are given nothing for \(run.count == 1 ? "it" : "them").")
        case .otherMessage:
            add(
                run, .inconsistency, .entryWithoutRecord,
                "\(entries) \(run.verb) to physical offset \(run.physicalOffset), which is"
                    + " \(run.instead).",
                "They are given that message.")
        case .notAnEntry:
            add(
                run, .inconsistency, .entryWithoutRecord,
                "\(entries) \(run.count == 1 ? "is" : "are") not an entry: the physical offset or"
                    + " the size is impossible.", "RocketMQ takes it for the end of the queue.")
        }
    }

    private func add(
        _ run: LeftoverRun, _ severity: Finding.Severity, _ kind: FindingKind, _ what: String,
        _ consumers: String
    ) {
        let state = state(topic: run.topic, queueID: run.queueID)
        let place = run.isBatch ? run.place : entryPlace(run.first, state, run.physicalOffset)
        context.findings.add(
            Finding(severity, kind, at: place, count: run.count, what, consumers: consumers))
    }
}
