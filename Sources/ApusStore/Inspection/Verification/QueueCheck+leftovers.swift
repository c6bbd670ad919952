// The second pass: entries outside the queue offsets that the log's records have.

private import ApusFormat
private import ApusSystem

extension QueueCheck {
    /// Walks the files of every queue. The log was scanned before: its end and its stretches are
    /// known.
    func walkLeftovers(progress: (Int64) -> Void) {
        closeAll()
        var done: Int64 = 0
        for folder in context.files.queues {
            let state = state(of: folder)
            state.sortCovered()
            if !state.isBatch { walk(state, folder) }
            checkLengths(folder, unitByteCount: ConsumeQueueUnit.byteCount)
            state.units?.close()
            done += folder.files.reduce(0) { $0 + Int64($1.byteCount) }
            progress(done)
        }
        for folder in context.files.batchQueues {
            let state = state(of: folder)
            walkBatch(state, folder)
            checkLengths(folder, unitByteCount: BatchConsumeQueueUnit.byteCount)
            state.units?.close()
        }
        context.totals.queues = table.values.count
    }

    private func state(of folder: FoundQueue) -> QueueState {
        state(topic: folder.topic, queueID: folder.queueID)
    }

    private func walk(_ state: QueueState, _ folder: FoundQueue) {
        guard let units = state.units else { return }
        var interval = 0
        for file in folder.files where file.byteCount > 0 {
            var number = units.firstUnit(of: file)
            let end = units.endUnit(of: file)
            var nextLookAhead = number
            while number < end, !state.hasFailed {
                while interval < state.covered.count, state.covered[interval].upperBound <= number {
                    interval += 1
                }
                if interval < state.covered.count, state.covered[interval].contains(number) {
                    number = state.covered[interval].upperBound
                    continue
                }
                guard let unit = entry(state, number) else { return }
                if unit.physicalOffset == 0, unit.size == 0, unit.tagsCode == 0 {
                    // Holes in the file cost nothing; zeros on the device are passed in steps.
                    if number >= nextLookAhead {
                        let data = try? units.nextData(from: number)
                        nextLookAhead = number + 1024
                        number = max(number + 1, (data ?? nil) ?? number)
                    } else {
                        number += 1
                    }
                    continue
                }
                judge(unit, number, in: state)
                number += 1
            }
        }
    }

    private func judge(_ unit: ConsumeQueueUnit, _ number: Int64, in state: QueueState) {
        context.totals.queueEntries += 1
        // Also in a gap, where the number was given to a message that is lost.
        if unit.isFiller, number < state.next ?? .max {
            if let gap = state.gaps.firstIndex(where: { $0.offsets.contains(number) }) {
                state.gaps[gap].filled += 1
            }
            return
        }
        let offset = unit.physicalOffset
        if offset >= 0, unit.size > 0 {
            if offset < context.logStart {
                state.output?.put(unit, at: number)
                return
            }
            if let stretch = context.stretch(holding: offset) {
                explain(number, in: state)
                if context.isKept(stretch) {
                    state.output?.put(unit, at: number)
                } else if context.isClean {
                    context.derived.queues.insert(state.queueName)
                }
                return stretch.addEntry(
                    topic: state.topic, queueID: state.queueID, queueOffset: number)
            }
        }
        context.add(
            LeftoverEntry(
                topic: state.topic, queueID: state.queueID, number: number, physicalOffset: offset,
                size: unit.size))
    }

    /// An entry tells where the message of a gap was.
    private func explain(_ number: Int64, in state: QueueState) {
        for index in state.gaps.indices where state.gaps[index].offsets.contains(number) {
            state.gaps[index].explained += 1
            return
        }
    }

    /// The units behind the cursor: those of the records that were met are before it.
    private func walkBatch(_ state: QueueState, _ folder: FoundQueue) {
        guard let units = state.units, let first = folder.files.first else { return }
        var number = state.cursor ?? units.firstUnit(of: first)
        while let unit = batches.unit(state, number), unit.isWritten {
            context.totals.queueEntries += 1
            batches.leftOver(unit, number: number, in: state)
            number += 1
        }
    }

    /// Files of a queue follow each other, and hold whole units.
    private func checkLengths(_ folder: FoundQueue, unitByteCount: Int) {
        let consumers =
            "They cannot read the messages whose entries are missing, until the queue is made again"
            + " from the log."
        for (index, file) in folder.files.enumerated() {
            let path = context.relative(file.path)
            let place = Finding.Place(
                path: path, topic: folder.topic, queueID: folder.queueID)
            if file.first % Int64(unitByteCount) != 0 {
                add(place, "\(path) does not begin at a whole entry of \(unitByteCount) bytes.")
            } else if file.byteCount % unitByteCount != 0 {
                add(
                    place,
                    "\(path) has \(file.byteCount) bytes, which is not a whole number of entries of"
                        + " \(unitByteCount) bytes: it was cut short.")
            } else if index + 1 < folder.files.count, folder.files[index + 1].first != file.end {
                add(
                    place,
                    "\(path) ends at byte \(file.end) of the queue; the next file begins at"
                        + " \(folder.files[index + 1].first).")
            } else if let length = usualLength(unitByteCount), file.byteCount != length {
                add(
                    place,
                    "\(path) has \(file.byteCount) bytes where other queues' files have \(length).")
            }
        }
        func add(_ place: Finding.Place, _ what: String) {
            let name = QueueName(topic: folder.topic, id: folder.queueID)
            if unitByteCount == ConsumeQueueUnit.byteCount {
                context.derived.queues.insert(name)
            } else {
                context.derived.batchQueues.insert(name)
            }
            context.findings.add(
                Finding(.inconsistency, .queueFile, at: place, what, consumers: consumers))
        }
    }

    /// The length that most files of a kind of queue have.
    private func usualLength(_ unitByteCount: Int) -> Int? {
        if let known = usualLengths[unitByteCount] { return known }
        let folders =
            unitByteCount == ConsumeQueueUnit.byteCount
            ? context.files.queues : context.files.batchQueues
        var counts: [Int: Int] = [:]
        for folder in folders {
            for file in folder.files { counts[file.byteCount, default: 0] += 1 }
        }
        let usual = counts.max { ($0.value, $0.key) < ($1.value, $1.key) }?.key
        usualLengths[unitByteCount] = usual
        return usual
    }
}
