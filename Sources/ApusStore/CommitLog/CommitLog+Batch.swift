// Appending a batch: contiguous, all or nothing, never across segments.

import ApusFormat
import ApusSystem

extension CommitLog {
    /// What a batch needs before it is written.
    private struct Measure {
        var byteCount = 0
        var count: Int64 = 0
        var isKeyed = false
        var hasChecksum = false
    }

    /// What the first pass over a batch found out about a message.
    private struct Noted {
        let frame: ClientBatchFrame
        let scan: PropertyScan
    }

    /// The first messages of a batch, on the stack: those behind them are looked at twice.
    private typealias Notes = InlineArray<32, Noted?>

    /// Appends the messages of a client batch as records of their own and publishes them together.
    func append(
        to queue: ConsumeQueue, batch frames: RawSpan, attributes: MessageAttributes
    ) throws(StoreError) -> BatchAppendResult {
        let systemFlag = attributes.systemFlag.withHosts(
            born: attributes.bornHost, store: storeHost)
        guard systemFlag.transaction == .none else {
            throw .mixedBatch(reason: "a batch cannot be part of a transaction")
        }
        var notes = Notes(repeating: nil)
        let measure = try measure(frames, systemFlag: systemFlag, queue: queue, notes: &notes)
        if measure.hasChecksum {
            let clean = try Self.withoutChecksums(frames)
            return try append(to: queue, batch: clean.rawSpan, attributes: attributes)
        }
        let now = time.wallMilliseconds
        let (place, following) = try reserveBatch(measure, of: queue, now: now)
        var fields = RecordFields(
            queueID: queue.queueID, queueOffset: place.queueOffset,
            physicalOffset: place.physicalOffset, systemFlag: systemFlag,
            bornTimestamp: attributes.bornTimestamp ?? now, bornHost: attributes.bornHost,
            storeTimestamp: place.storeTimestamp, storeHost: storeHost,
            reconsumeTimes: attributes.reconsumeTimes,
            preparedTransactionOffset: attributes.preparedTransactionOffset)
        var written = 0
        var first = 0
        var offset = 0
        var index = 0
        while offset < frames.byteCount {
            guard let noted = index < notes.count ? notes[index] : noted(in: frames, at: offset)
            else { break }
            let frame = noted.frame
            fields.flag = frame.flag
            let size = write(
                body: frames.extracting(frame.body),
                properties: frames.extracting(frame.properties), noted.scan, &fields,
                systemFlag: systemFlag, to: queue, place: place,
                following: following, position: place.position &+ written)
            if offset == 0 { first = size }
            written &+= size
            fields.physicalOffset &+= Int64(size)
            fields.queueOffset &+= 1
            offset = frame.end
            index &+= 1
        }
        let end = place.physicalOffset &+ Int64(measure.byteCount)
        publish(
            place, upTo: end, queue: queue, queueEnd: place.queueOffset &+ measure.count,
            isKeyed: measure.isKeyed)
        return BatchAppendResult(
            first: AppendResult(
                physicalOffset: place.physicalOffset, queueOffset: place.queueOffset,
                storeTimestamp: place.storeTimestamp, byteCount: first,
                storeHost: storeHostNumber, status: .stored),
            count: Int(measure.count), physicalEnd: end)
    }

    /// A place for all messages of a batch, after making room when there is none.
    private func reserveBatch(
        _ measure: Measure, of queue: ConsumeQueue, now: Int64
    ) throws(StoreError) -> (Place, QueueWindow) {
        while true {
            if let found = reservation.reserveBatch(
                size: measure.byteCount, count: measure.count, queue: queue, now: now)
            {
                return found
            }
            try makeRoom(size: measure.byteCount, count: measure.count, queue: queue)
        }
    }

    /// The same that the first pass found, which went over the same bytes.
    @inline(never)
    private func noted(in frames: RawSpan, at offset: Int) -> Noted? {
        guard let frame = try? ClientBatch.frame(in: frames, at: offset) else { return nil }
        return Noted(frame: frame, scan: PropertyScan(frames.extracting(frame.properties)))
    }

    /// Encodes one message of a batch and writes its entry; answers the record's size.
    @inline(__always)
    private func write(
        body: RawSpan, properties: RawSpan, _ scan: PropertyScan, _ fields: inout RecordFields,
        systemFlag: SystemFlag, to queue: ConsumeQueue, place: Place,
        following: QueueWindow, position: Int
    ) -> Int {
        let frame = frame(
            body: body, properties: properties, scan, systemFlag: systemFlag, queue: queue)
        fields.bodyChecksum = CRC32.stored(body)
        let mapped = place.segment
        var segment = mapped.mutableBytes
        let topic = queue.topic.bytes
        RecordEncoder.encode(
            fields, frame: frame, topic: topic.bytes, properties: properties,
            body: body, appendsChecksum: appendsChecksum, into: &segment, at: position)
        let unit = ConsumeQueueUnit(
            physicalOffset: fields.physicalOffset,
            size: Int32(truncatingIfNeeded: frame.totalSize),
            tagsCode: queue.tagsCode(properties, scan, storeTimestamp: fields.storeTimestamp))
        if fields.queueOffset < place.window.end {
            place.window.store(unit, at: fields.queueOffset)
        } else {
            following.store(unit, at: fields.queueOffset)
        }
        return frame.totalSize
    }

    @inline(__always)
    private func frame(
        body: RawSpan, properties: RawSpan, _ scan: PropertyScan,
        systemFlag: SystemFlag, queue: ConsumeQueue
    ) -> RecordFrame {
        RecordFrame(
            version: queue.topic.version, systemFlag: systemFlag, bodyLength: body.byteCount,
            topicLength: queue.topic.bytes.count,
            propertiesLength: storedLength(of: properties, scan))
    }

    /// Checks every message of a batch and adds up what they need.
    private func measure(
        _ frames: RawSpan, systemFlag: SystemFlag, queue: ConsumeQueue, notes: inout Notes
    ) throws(StoreError) -> Measure {
        var measure = Measure()
        var offset = 0
        while offset < frames.byteCount {
            let message: ClientBatchFrame
            do throws(BatchDamage) {
                message = try ClientBatch.frame(in: frames, at: offset)
            } catch {
                throw .malformedBatch(error)
            }
            let properties = frames.extracting(message.properties)
            let scan = PropertyScan(properties)
            let frame = frame(
                body: frames.extracting(message.body), properties: properties, scan,
                systemFlag: systemFlag, queue: queue)
            try check(frame)
            if Int(measure.count) < notes.count {
                notes[Int(measure.count)] = Noted(frame: message, scan: scan)
            }
            measure.byteCount += frame.totalSize
            measure.count += 1
            measure.isKeyed = measure.isKeyed || isIndexed && scan.isKeyed
            measure.hasChecksum = measure.hasChecksum || scan.hasChecksum
            offset = message.end
        }
        guard measure.count > 0 else { throw .emptyBatch }
        let limit = configuration.commitLog.segmentByteCount - BlankMarker.byteCount
        guard measure.byteCount <= limit else {
            throw .batchTooLarge(byteCount: measure.byteCount, limit: limit)
        }
        guard measure.count <= queue.entriesPerFile else {
            throw .batchTooLong(count: Int(measure.count), limit: Int(queue.entriesPerFile))
        }
        return measure
    }

    private static func withoutChecksums(_ frames: RawSpan) throws(StoreError) -> [UInt8] {
        var clean: [UInt8] = []
        var offset = 0
        while offset < frames.byteCount {
            let message: ClientBatchFrame
            do throws(BatchDamage) {
                message = try ClientBatch.frame(in: frames, at: offset)
            } catch {
                throw .malformedBatch(error)
            }
            let properties = StoredProperties.withoutChecksum(frames.extracting(message.properties))
            ClientBatch.encode(
                flag: message.flag, body: frames.extracting(message.body),
                properties: properties.rawSpan, into: &clean)
            offset = message.end
        }
        return clean
    }
}
