// Writing the records and entries of a batch that has its place.
//
// Messages of a batch are much alike, as clients make them: what a run of such has in common is
// found in the first pass, and put in order once here.

import ApusFormat
import ApusSystem

extension CommitLog {
    /// How far before a record its lines are asked for.
    private static let linesAhead = 2048

    /// Messages of a run from which on a loop of their own is worth its beginning.
    private static let longRun: UInt32 = 4

    /// Writes the records and entries of a batch in which all records are plain.
    func writePlain(
        _ frames: RawSpan, _ runs: Span<BatchRun>, _ first: RecordFields,
        to queue: ConsumeQueue, place: Place, following: QueueWindow
    ) {
        let topic = queue.topic.bytes
        let mapped = place.segment
        var written = BatchProgress()
        var run = BatchRun()
        var number = 0
        while written.offset < frames.byteCount {
            if run.count == 0 {
                run = number < runs.count ? runs[number] : self.run(in: frames, at: written.offset)
                number &+= 1
            }
            let queueOffset = first.queueOffset &+ Int64(written.count)
            let window = queueOffset < place.window.end ? place.window : following
            var count = 1
            if run.count < Self.longRun {
                let message = ClientBatch.frame(
                    in: frames, at: written.offset, bodyLength: Int(run.bodyLength),
                    propertiesLength: Int(run.propertiesLength))
                let position = place.position &+ written.byteCount
                prefetch(mapped, behind: position, run.recordByteCount(topicLength: topic.count))
                var segment = mapped.mutableBytes
                // Safe: looked at just now.
                unsafe write(
                    message, of: run, frames, first, topic.bytes, window, written,
                    into: &segment, at: position)
            } else {
                count = min(Int(run.count), Int(window.end &- queueOffset))
                writeRun(run, count, frames, first, topic.bytes, place, window, written)
            }
            written.advance(by: count, of: run, topicLength: topic.count)
            run.count &-= UInt32(truncatingIfNeeded: count)
        }
    }

    @inline(__always)
    private func prefetch(_ mapped: MappedBytes, behind position: Int, _ size: Int) {
        guard size <= prefetchLimit else { return }
        mapped.prefetchForWriting(at: position &+ Self.linesAhead, length: size)
    }

    /// Writes `count` messages of a run, whose entries go to `window`.
    @inline(never)
    private func writeRun(
        _ run: BatchRun, _ count: Int, _ frames: RawSpan, _ first: RecordFields,
        _ topic: RawSpan, _ place: Place, _ window: QueueWindow, _ start: BatchProgress
    ) {
        let mapped = place.segment
        let begin = place.position &+ start.byteCount
        let size = run.recordByteCount(topicLength: topic.byteCount)
        precondition(
            start.offset >= 0 && begin >= 0
                && run.frameByteCount * count <= frames.byteCount &- start.offset
                && size * count <= mapped.count &- begin)
        for number in 0..<count {
            let position = begin &+ number &* size
            prefetch(mapped, behind: position, size)
            var written = start
            written.advance(by: number, of: run, topicLength: topic.byteCount)
            // Safe: all of the frames and all of the records lie within.
            var record = unsafe mapped.uncheckedMutableBytes(at: position, byteCount: size)
            unsafe write(
                ClientBatch.uncheckedFrame(
                    in: frames, at: written.offset, bodyLength: Int(run.bodyLength),
                    propertiesLength: Int(run.propertiesLength)),
                of: run, frames, first, topic, window, written, into: &record, at: 0)
        }
    }

    /// Writes one message, which lies within the batch's bytes, and its entry, which goes to
    /// `window`.
    @unsafe @inline(__always)
    private func write(
        _ message: ClientBatchFrame, of run: BatchRun, _ frames: RawSpan, _ first: RecordFields,
        _ topic: RawSpan, _ window: QueueWindow, _ written: BatchProgress,
        into bytes: inout MutableRawSpan, at position: Int
    ) {
        let body = unsafe message.uncheckedBody(in: frames)
        let properties = unsafe message.uncheckedProperties(in: frames)
        let frame = RecordFrame(
            plain: first.systemFlag, bodyLength: body.byteCount, topicLength: topic.byteCount,
            propertiesLength: properties.byteCount)
        let fields = RecordFields(
            queueID: first.queueID, flag: message.flag,
            queueOffset: first.queueOffset &+ Int64(written.count),
            physicalOffset: first.physicalOffset &+ Int64(written.byteCount),
            systemFlag: first.systemFlag, bornTimestamp: first.bornTimestamp,
            bornHost: first.bornHost.asIPv4, storeTimestamp: first.storeTimestamp,
            storeHost: first.storeHost.asIPv4, reconsumeTimes: first.reconsumeTimes,
            preparedTransactionOffset: first.preparedTransactionOffset,
            bodyChecksum: CRC32.stored(body))
        RecordEncoder.encodePlain(
            fields, frame: frame, topic: topic, properties: properties, body: body,
            into: &bytes, at: position)
        store(fields, size: frame.totalSize, tagsCode: Int64(run.tagsHash), in: window)
    }

    /// The message at `offset` by itself: what the first pass found, of the same bytes.
    @inline(never)
    private func run(in frames: RawSpan, at offset: Int) -> BatchRun {
        guard let frame = try? ClientBatch.frame(in: frames, at: offset) else {
            preconditionFailure("the bytes of a batch changed while it was appended")
        }
        return BatchRun(
            count: 1, bodyLength: UInt32(truncatingIfNeeded: frame.bodyLength),
            propertiesLength: UInt16(truncatingIfNeeded: frame.propertiesLength),
            tagsHash: PropertySummary(frame.properties(in: frames)).tagsHash)
    }

    /// Writes the records and entries of any batch.
    @inline(never)
    func writeAny(
        _ frames: RawSpan, _ first: RecordFields, to queue: ConsumeQueue, place: Place,
        following: QueueWindow
    ) {
        let mapped = place.segment
        var segment = mapped.mutableBytes
        let topic = queue.topic.bytes
        var fields = first
        var position = place.position
        var offset = 0
        while let message = try? ClientBatch.frame(in: frames, at: offset) {
            let body = message.body(in: frames)
            let properties = message.properties(in: frames)
            let scan = PropertyScan(properties)
            let frame = RecordFrame(
                version: queue.topic.version, systemFlag: first.systemFlag,
                bodyLength: body.byteCount, topicLength: topic.count,
                propertiesLength: storedLength(of: properties, isTerminated: scan.isTerminated))
            fields.flag = message.flag
            fields.bodyChecksum = CRC32.stored(body)
            RecordEncoder.encode(
                fields, frame: frame, topic: topic.bytes, properties: properties,
                body: body, appendsChecksum: appendsChecksum, into: &segment, at: position)
            store(
                fields, size: frame.totalSize,
                tagsCode: queue.tagsCode(properties, scan, storeTimestamp: first.storeTimestamp),
                in: fields.queueOffset < place.window.end ? place.window : following)
            position &+= frame.totalSize
            fields.physicalOffset &+= Int64(frame.totalSize)
            fields.queueOffset &+= 1
            offset = message.end
        }
    }

    /// Writes the entry of one message of a batch.
    @inline(__always)
    private func store(
        _ fields: RecordFields, size: Int, tagsCode: Int64, in window: QueueWindow
    ) {
        let unit = ConsumeQueueUnit(
            physicalOffset: fields.physicalOffset, size: Int32(truncatingIfNeeded: size),
            tagsCode: tagsCode)
        window.store(unit, at: fields.queueOffset)
    }
}
