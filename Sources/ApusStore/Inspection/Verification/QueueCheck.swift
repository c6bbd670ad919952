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
        table.value(topic: topic, queueID: queueID) { makeState($0, queueID) }
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
        if queueOffset >= 0, state.units == nil { return queueOffset }
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
        // Entries of the older messages were overwritten by those of the newer ones.
        state.faults.removeAll {
            $0.kind == .offset && $0.leastFound >= record.physicalOffset
        }
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
