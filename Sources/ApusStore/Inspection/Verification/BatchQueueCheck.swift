// Holds records and BatchConsumeQueue units against each other.
//
// The units of a queue stand in the order of the log, one a record, but are not found by a queue
// offset: each queue has a cursor that moves along with its records.

import ApusFormat
private import ApusSystem

/// The check of BatchConsumeQueues.
final class BatchQueueCheck {
    private let context: VerificationContext

    init(_ context: VerificationContext) { self.context = context }

    /// Compares a record with the unit that the cursor finds for it.
    func compare(
        _ record: borrowing LogRecord, _ traits: RecordTraits, in state: QueueState,
        queueOffset: Int64, count: Int64
    ) {
        guard let units = state.units, let first = units.queue.files.first else { return }
        let expected = BatchUnitExpectation(
            physicalOffset: record.physicalOffset, size: Int32(record.bytes.byteCount),
            tagsCode: traits.tagsHash(in: record), storeTimestamp: record.storeTimestamp,
            firstQueueOffset: queueOffset, messageCount: count)
        var cursor = state.cursor ?? units.firstUnit(of: first)
        defer {
            state.cursor = cursor
            state.output?.append(expected.unit)
        }
        while let unit = unit(state, cursor) {
            if !unit.isWritten {
                // A hole in the row, or its end.
                guard let following = self.unit(state, cursor + 1), following.isWritten else {
                    break
                }
                cursor += 1
                continue
            }
            let isOurs =
                unit.firstQueueOffset == queueOffset
                || unit.physicalOffset == record.physicalOffset
            if !isOurs, unit.physicalOffset >= record.physicalOffset { break }
            cursor += 1
            if isOurs { return expected.compare(unit, number: cursor - 1, in: state) }
            leftOver(unit, number: cursor - 1, in: state)
        }
        guard !state.hasFailed else { return }
        state.add(
            EntryFault(
                .missing, at: queueOffset,
                found: ConsumeQueueUnit(physicalOffset: 0, size: 0, tagsCode: 0),
                expected: ConsumeQueueUnit(
                    physicalOffset: record.physicalOffset, size: expected.size,
                    tagsCode: expected.tagsCode)))
    }

    /// A unit whose record was not met.
    func leftOver(_ unit: BatchConsumeQueueUnit, number: Int64, in state: QueueState) {
        let offset = unit.physicalOffset
        if offset < context.logStart {
            state.output?.append(unit)
            return
        }
        if let stretch = context.stretch(holding: offset) {
            if context.isKept(stretch) {
                state.output?.append(unit)
            } else if context.isClean {
                context.derived.batchQueues.insert(state.queueName)
            }
            return stretch.addEntry(
                topic: state.topic, queueID: state.queueID, queueOffset: unit.firstQueueOffset)
        }
        context.add(
            LeftoverEntry(
                topic: state.topic, queueID: state.queueID, number: unit.firstQueueOffset,
                physicalOffset: offset, size: unit.size, isBatch: true))
    }

    func unit(_ state: QueueState, _ number: Int64) -> BatchConsumeQueueUnit? {
        guard let units = state.units, !state.hasFailed else { return nil }
        do throws(DiskError) {
            return try units.withUnit(number) { BatchConsumeQueueUnit(loadingFrom: $0, at: 0) }
        } catch {
            state.hasFailed = true
            context.noteUnreadable(
                error, consumers: "They cannot read \(state.name) until the queue is made again.")
            return nil
        }
    }
}

/// What the unit of a record has to say.
struct BatchUnitExpectation {
    let physicalOffset: Int64
    let size: Int32
    let tagsCode: Int64
    let storeTimestamp: Int64
    let firstQueueOffset: Int64
    let messageCount: Int64

    /// As it should stand in the queue.
    var unit: BatchConsumeQueueUnit {
        BatchConsumeQueueUnit(
            physicalOffset: physicalOffset, size: size, tagsCode: tagsCode,
            storeTimestamp: storeTimestamp, firstQueueOffset: firstQueueOffset,
            messageCount: Int16(clamping: messageCount))
    }

    /// Notes the first field that differs.
    func compare(_ unit: BatchConsumeQueueUnit, number: Int64, in state: QueueState) {
        let kind: EntryFault.Kind
        if unit.physicalOffset != physicalOffset {
            kind = .offset
        } else if unit.size != size {
            kind = .size
        } else if unit.tagsCode != tagsCode,
            unit.tagsCode > ConsumeQueueUnit.lastExtensionAddress
        {
            kind = .tags
        } else if unit.firstQueueOffset != firstQueueOffset
            || Int64(unit.messageCount) != messageCount || unit.storeTimestamp != storeTimestamp
        {
            kind = .batch
        } else {
            return
        }
        state.add(
            EntryFault(
                kind, at: firstQueueOffset,
                found: ConsumeQueueUnit(
                    physicalOffset: unit.physicalOffset, size: unit.size, tagsCode: unit.tagsCode),
                expected: ConsumeQueueUnit(
                    physicalOffset: physicalOffset, size: size, tagsCode: tagsCode)))
    }
}
