// Holds records and ConsumeQueue entries against each other, in two passes.
//
// The first follows the log: each record's entry is looked up by its queue offset and compared
// field by field. A queue is read in windows; a bounded number of them is open at a time. The
// second walks the queues' files, but only where no record of the log has its entry (see
// `QueueCheck+leftovers`).
//
// Memory: `QueueState` for each queue, and the open windows. It does not grow with the messages.

import ApusFormat
import ApusSystem

/// The check of all ConsumeQueues.
final class QueueCheck {
    /// Queues that are open at once: each holds a descriptor and a window of 16 KiB.
    private static let openLimit = 256

    let context: VerificationContext
    let table = QueueTable<QueueState>()
    let batches: BatchQueueCheck
    let registry: TopicRegistry
    var delays = DelayLevels()
    var usualLengths: [Int: Int] = [:]
    var batchTopics: Set<String> = []
    private let folders: [String: FoundQueue]
    private let batchFolders: [String: FoundQueue]
    private let extensions: QueueExtensions
    private var open: [UnitFiles] = []

    init(_ context: VerificationContext) {
        self.context = context
        let files = context.files
        folders = Dictionary(
            files.queues.map { ("\($0.topic)/\($0.queueID)", $0) }, uniquingKeysWith: { $1 })
        batchFolders = Dictionary(
            files.batchQueues.map { ("\($0.topic)/\($0.queueID)", $0) }, uniquingKeysWith: { $1 })
        extensions = QueueExtensions(context.disk, files)
        batches = BatchQueueCheck(context)
        registry = TopicRegistry(context.disk, files.directory)
    }

    /// The folder and the state of a queue.
    private func makeState(_ topic: String, _ queueID: Int32) -> QueueState {
        let name = "\(topic)/\(queueID)"
        if let folder = batchFolders[name], !folder.files.isEmpty {
            let units = UnitFiles(
                context.disk, folder, unitByteCount: BatchConsumeQueueUnit.byteCount)
            return QueueState(topic: topic, queueID: queueID, units: units, isBatch: true)
        }
        let units = folders[name].flatMap {
            $0.files.isEmpty
                ? nil : UnitFiles(context.disk, $0, unitByteCount: ConsumeQueueUnit.byteCount)
        }
        return QueueState(topic: topic, queueID: queueID, units: units, isBatch: false)
    }

    func state(topic: RawSpan, queueID: Int32) -> QueueState {
        table.value(topic: topic, queueID: queueID) {
            let state = makeState($0, queueID)
            state.output = context.sink?.output(topic: $0, queueID: queueID)
            return state
        }
    }

    func state(topic: String, queueID: Int32) -> QueueState {
        let name = Topic(name: topic)
        return withExtendedLifetime(name) {
            let bytes = name.bytes
            return state(topic: bytes.bytes, queueID: queueID)
        }
    }

    /// Compares a record with its entries.
    func visit(_ record: borrowing LogRecord, _ traits: RecordTraits) {
        guard record.frame.systemFlag.isDispatched else { return }
        let state = state(topic: record.topic, queueID: record.queueID)
        compare(
            record, traits, in: state, queueOffset: record.queueOffset,
            count: traits.messageCount(in: record))
        for further in traits.furtherQueues(in: record) {
            compare(
                record, traits, in: self.state(topic: further.topic, queueID: further.queueID),
                queueOffset: further.queueOffset, count: 1)
        }
    }

    private func compare(
        _ record: borrowing LogRecord, _ traits: RecordTraits, in state: QueueState,
        queueOffset: Int64, count: Int64
    ) {
        state.records += 1
        if record.frame.systemFlag.contains(.innerBatch) { state.sawInnerBatch = true }
        context.totals.queueEntries += 1
        if let units = state.units, !units.isOpen { makeRoom(for: units) }
        let offset = place(record, in: state, queueOffset: queueOffset)
        defer {
            state.lastPhysical = record.physicalOffset
            if state.firstPhysical < 0 { state.firstPhysical = record.physicalOffset }
        }
        guard let offset else { return }
        state.cover(offset, count: count)
        state.firstOffset = min(state.firstOffset ?? offset, offset)
        state.next = offset &+ count
        if state.output != nil { put(record, traits, in: state, at: offset, count: count) }
        guard state.units != nil, !state.hasFailed else { return }
        if state.isBatch {
            batches.compare(record, traits, in: state, queueOffset: offset, count: count)
            return
        }
        compareEntry(record, traits, in: state, at: offset)
    }

    /// The queue offset that the record stands for; nil when another record has it already. Notes
    /// gaps, repetitions and restarts.
    private func place(
        _ record: borrowing LogRecord, in state: QueueState, queueOffset: Int64
    ) -> Int64? {
        if state.next == nil, let number = firstEntry(of: record, in: state, not: queueOffset) {
            return disagreeing(record, in: state, at: number)
        }
        guard let next = state.next, queueOffset != next else {
            return queueOffset >= 0 ? queueOffset : disagreeing(record, in: state, at: nil)
        }
        if points(state, at: next, to: record.physicalOffset) {
            return disagreeing(record, in: state, at: next)
        }
        if queueOffset > next {
            if state.gaps.count < 1000 {
                state.gaps.append(
                    QueueGap(
                        offsets: next..<queueOffset,
                        physical: state.lastPhysical..<record.physicalOffset))
            }
            return queueOffset
        }
        if queueOffset >= 0, state.units == nil {
            if queueOffset == 0 { state.output?.restart() }
            return queueOffset
        }
        if queueOffset >= 0,
            state.isBatch || points(state, at: queueOffset, to: record.physicalOffset)
        {
            restarted(record, in: state, at: queueOffset)
            return queueOffset
        }
        context.findings.add(
            Finding(
                .inconsistency, .queueOffsetRepeated,
                at: state.place(of: queueOffset, physicalOffset: record.physicalOffset),
                "The record at physical offset \(record.physicalOffset) says that it is message"
                    + " \(queueOffset) of \(state.name); an earlier record is that already.",
                consumers: "They are given the earlier one. This one can be read by its physical"
                    + " offset or its keys only."))
        return nil
    }

    private func restarted(
        _ record: borrowing LogRecord, in state: QueueState, at queueOffset: Int64
    ) {
        // The entries of the older messages are gone, or were overwritten by those of the newer.
        state.faults.removeAll()
        state.omittedFaults = 0
        state.output?.restart()
        context.findings.add(
            Finding(
                .note, .queueRestarted,
                at: state.place(of: queueOffset, physicalOffset: record.physicalOffset),
                "\(state.name) begins again with offset \(queueOffset) at physical offset"
                    + " \(record.physicalOffset): the topic was deleted and made again, or the"
                    + " queue was lost.",
                consumers: "The messages before are not in the queue any more."))
    }

    /// The queue has the record at `offset`, but the record names another offset.
    private func disagreeing(
        _ record: borrowing LogRecord, in state: QueueState, at offset: Int64?
    ) -> Int64? {
        context.findings.add(
            Finding(
                .damage, .recordDisagrees,
                at: state.place(of: offset ?? 0, physicalOffset: record.physicalOffset),
                "The record at physical offset \(record.physicalOffset) says that it is message"
                    + " \(record.queueOffset) of \(state.name)"
                    + (offset.map { "; the queue has it as message \($0)." }
                        ?? ", which cannot be."),
                consumers: "They are given the message with a wrong queue offset, and would commit"
                    + " it."))
        return offset
    }

    /// The number under which a queue has its first record, when that is another than the record
    /// says.
    private func firstEntry(
        of record: borrowing LogRecord, in state: QueueState, not queueOffset: Int64
    ) -> Int64? {
        guard !state.isBatch, let units = state.units,
            !points(state, at: queueOffset, to: record.physicalOffset)
        else { return nil }
        for file in units.queue.files.prefix(2) where file.byteCount > 0 {
            for number in units.firstUnit(of: file)..<units.endUnit(of: file) {
                guard let unit = entry(state, number) else { return nil }
                if unit.isFiller || unit.isWritten && unit.physicalOffset < context.logStart {
                    continue
                }
                return unit.isWritten && unit.physicalOffset == record.physicalOffset
                    ? number : nil
            }
        }
        return nil
    }

    private func points(_ state: QueueState, at number: Int64, to physicalOffset: Int64) -> Bool {
        guard !state.isBatch, let unit = entry(state, number) else { return false }
        return unit.physicalOffset == physicalOffset && unit.size > 0
    }

    private func compareEntry(
        _ record: borrowing LogRecord, _ traits: RecordTraits, in state: QueueState,
        at offset: Int64
    ) {
        let unit = entry(state, offset) ?? ConsumeQueueUnit(physicalOffset: 0, size: 0, tagsCode: 0)
        guard !state.hasFailed else { return }
        let tagsHash = traits.tagsHash(in: record)
        var expected = ConsumeQueueUnit(
            physicalOffset: record.physicalOffset, size: Int32(record.bytes.byteCount),
            tagsCode: tagsHash)
        let level =
            state.topic == DelayLevels.topic ? traits.delayLevel(in: record) : nil
        let isAddress = unit.tagsCode <= ConsumeQueueUnit.lastExtensionAddress
        if let level, level > 0 { expected.tagsCode = unit.tagsCode }
        if isAddress { expected.tagsCode = unit.tagsCode }
        if unit != expected {
            let kind: EntryFault.Kind =
                unit.size == 0 && unit.physicalOffset == 0 || unit.isFiller
                ? .missing
                : unit.physicalOffset != expected.physicalOffset
                    ? .offset : unit.size != expected.size ? .size : .tags
            state.add(EntryFault(kind, at: offset, found: unit, expected: expected))
        } else if isAddress {
            let holds = extensions.holds(
                unit.tagsCode, topic: state.topic, queueID: state.queueID, tagsCode: tagsHash,
                storeTimestamp: record.storeTimestamp)
            if !holds {
                state.add(
                    EntryFault(.extensionAddress, at: offset, found: unit, expected: expected))
            }
        } else if let level, level > 0 {
            delays.note(
                level: level, storeTimestamp: record.storeTimestamp, tagsCode: unit.tagsCode,
                place: state.place(of: offset, physicalOffset: record.physicalOffset))
        }
    }

    /// Hands on what the queue should hold for a record.
    private func put(
        _ record: borrowing LogRecord, _ traits: RecordTraits, in state: QueueState,
        at offset: Int64, count: Int64
    ) {
        let tagsHash = traits.tagsHash(in: record)
        if state.output?.isBatch == true {
            // Those of the batch check come in its own order.
            if state.units == nil {
                state.output?.append(
                    BatchConsumeQueueUnit(
                        physicalOffset: record.physicalOffset,
                        size: Int32(record.bytes.byteCount), tagsCode: tagsHash,
                        storeTimestamp: record.storeTimestamp, firstQueueOffset: offset,
                        messageCount: Int16(clamping: count)))
            }
            return
        }
        state.output?.put(
            ConsumeQueueUnit(
                physicalOffset: record.physicalOffset, size: Int32(record.bytes.byteCount),
                tagsCode: tagsCode(record, traits, in: state, at: offset, hash: tagsHash)),
            at: offset)
    }

    /// The hash of the tags, the time of delivery, or the address of an extension that is there.
    private func tagsCode(
        _ record: borrowing LogRecord, _ traits: RecordTraits, in state: QueueState,
        at offset: Int64, hash: Int64
    ) -> Int64 {
        let held = entry(state, offset).flatMap { unit in
            unit.physicalOffset == record.physicalOffset && unit.size > 0 ? unit.tagsCode : nil
        }
        if let held, held <= ConsumeQueueUnit.lastExtensionAddress,
            extensions.holds(
                held, topic: state.topic, queueID: state.queueID, tagsCode: hash,
                storeTimestamp: record.storeTimestamp)
        {
            return held
        }
        if state.topic == DelayLevels.topic, let level = traits.delayLevel(in: record),
            let time = DelayLevels.deliveryTime(
                level: level, storeTimestamp: record.storeTimestamp)
        {
            // A broker may be configured with other levels: what it wrote stays.
            return held.flatMap { $0 > record.storeTimestamp ? $0 : nil } ?? time
        }
        return hash
    }

    /// An entry; nil when no file holds it or the file cannot be read.
    func entry(_ state: QueueState, _ number: Int64) -> ConsumeQueueUnit? {
        guard let units = state.units, !state.hasFailed else { return nil }
        do throws(DiskError) {
            return try units.withUnit(number) { ConsumeQueueUnit(loadingFrom: $0, at: 0) }
        } catch {
            fail(state, error)
            return nil
        }
    }

    func fail(_ state: QueueState, _ error: DiskError) {
        state.hasFailed = true
        context.noteUnreadable(
            error,
            consumers: "They cannot read \(state.name) until the queue is made again from the log.")
    }

    /// Opens one more queue; closes the one that was opened first when there are too many.
    private func makeRoom(for units: UnitFiles) {
        if open.count >= Self.openLimit { open.removeFirst().close() }
        open.append(units)
    }

    func closeAll() {
        for units in open { units.close() }
        open.removeAll()
    }
}
