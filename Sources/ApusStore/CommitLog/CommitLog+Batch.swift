// Appending a batch: contiguous, all or nothing, never across segments.

import ApusFormat
import ApusSystem

extension CommitLog {
    /// What a batch needs before it is written.
    private struct Measure {
        var byteCount = 0
        var firstByteCount = 0
        var count: Int64 = 0
        /// What is true of one of the messages.
        var flags: PropertyFlags = []
    }

    /// What the first pass over a batch found out about a message.
    private struct Noted {
        var bodyLength: UInt32 = 0
        var propertiesLength: UInt16 = 0
        var tagsHash: Int32 = 0
    }

    /// How far before a record its lines are asked for.
    private static let linesAhead = 2048

    /// The first messages of a batch, on the stack: those behind them are looked at twice.
    private typealias Notes = InlineArray<32, Noted>

    /// Appends the messages of a client batch as records of their own and publishes them together.
    func append(
        to queue: ConsumeQueue, batch frames: RawSpan, attributes: MessageAttributes
    ) throws(StoreError) -> BatchAppendResult {
        let systemFlag = attributes.systemFlag.withHosts(
            born: attributes.bornHost, store: storeHost)
        guard systemFlag.transaction == .none else {
            throw .mixedBatch(reason: "a batch cannot be part of a transaction")
        }
        var notes = Notes(repeating: Noted())
        let measure = try measure(frames, systemFlag: systemFlag, queue: queue, notes: &notes)
        if measure.flags.contains(.checksum) {
            let clean = try Self.withoutChecksums(frames)
            return try append(to: queue, batch: clean.rawSpan, attributes: attributes)
        }
        let now = time.wallMilliseconds
        let (place, following) = try reserveBatch(measure, of: queue, now: now)
        let fields = RecordFields(
            queueID: queue.queueID, queueOffset: place.queueOffset,
            physicalOffset: place.physicalOffset, systemFlag: systemFlag,
            bornTimestamp: attributes.bornTimestamp ?? now, bornHost: attributes.bornHost,
            storeTimestamp: place.storeTimestamp, storeHost: storeHost,
            reconsumeTimes: attributes.reconsumeTimes,
            preparedTransactionOffset: attributes.preparedTransactionOffset)
        if plainLimit >= 0, queue.topic.isPlain, attributes.isPlain {
            writePlain(
                frames, notes.span, fields, to: queue, place: place, following: following)
        } else {
            writeAny(frames, fields, to: queue, place: place, following: following)
        }
        let end = place.physicalOffset &+ Int64(measure.byteCount)
        publish(
            place, upTo: end, queue: queue, queueEnd: place.queueOffset &+ measure.count,
            isKeyed: isIndexed && measure.flags.contains(.keyed))
        return BatchAppendResult(
            first: AppendResult(
                physicalOffset: place.physicalOffset, queueOffset: place.queueOffset,
                storeTimestamp: place.storeTimestamp, byteCount: measure.firstByteCount,
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

    /// Writes the records and entries of a batch in which all records are plain.
    private func writePlain(
        _ frames: RawSpan, _ notes: Span<Noted>, _ first: RecordFields,
        to queue: ConsumeQueue, place: Place, following: QueueWindow
    ) {
        let mapped = place.segment
        var segment = mapped.mutableBytes
        let topic = queue.topic.bytes
        let bornHost = first.bornHost.asIPv4
        let storeHost = first.storeHost.asIPv4
        var written = 0
        var index = 0
        var offset = 0
        while offset < frames.byteCount {
            let noted = index < notes.count ? notes[index] : noted(in: frames, at: offset)
            let message = ClientBatch.frame(
                in: frames, at: offset, bodyLength: noted.bodyLength,
                propertiesLength: noted.propertiesLength)
            let body = message.body(in: frames)
            let properties = message.properties(in: frames)
            let frame = RecordFrame(
                plain: first.systemFlag, bodyLength: body.byteCount, topicLength: topic.count,
                propertiesLength: properties.byteCount)
            let fields = RecordFields(
                queueID: first.queueID, flag: message.flag,
                queueOffset: first.queueOffset &+ Int64(index),
                physicalOffset: first.physicalOffset &+ Int64(written),
                systemFlag: first.systemFlag, bornTimestamp: first.bornTimestamp,
                bornHost: bornHost, storeTimestamp: first.storeTimestamp, storeHost: storeHost,
                reconsumeTimes: first.reconsumeTimes,
                preparedTransactionOffset: first.preparedTransactionOffset,
                bodyChecksum: CRC32.stored(body))
            if frame.totalSize <= prefetchLimit {
                mapped.prefetchForWriting(
                    at: place.position &+ written &+ Self.linesAhead, length: frame.totalSize)
            }
            RecordEncoder.encodePlain(
                fields, frame: frame, topic: topic.bytes, properties: properties, body: body,
                into: &segment, at: place.position &+ written)
            store(
                fields, size: frame.totalSize, tagsCode: Int64(noted.tagsHash), place: place,
                following: following)
            written &+= frame.totalSize
            offset = message.end
            index &+= 1
        }
    }

    /// The same that the first pass found, which went over the same bytes.
    @inline(never)
    private func noted(in frames: RawSpan, at offset: Int) -> Noted {
        guard let frame = try? ClientBatch.frame(in: frames, at: offset) else { return Noted() }
        let properties = frame.properties(in: frames)
        return Noted(
            bodyLength: UInt32(truncatingIfNeeded: frame.body.count),
            propertiesLength: UInt16(truncatingIfNeeded: properties.byteCount),
            tagsHash: PropertySummary(properties).tagsHash)
    }

    /// Writes the records and entries of any batch.
    @inline(never)
    private func writeAny(
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
                place: place, following: following)
            position &+= frame.totalSize
            fields.physicalOffset &+= Int64(frame.totalSize)
            fields.queueOffset &+= 1
            offset = message.end
        }
    }

    /// Writes the entry of one message of a batch.
    @inline(__always)
    private func store(
        _ fields: RecordFields, size: Int, tagsCode: Int64, place: Place, following: QueueWindow
    ) {
        let unit = ConsumeQueueUnit(
            physicalOffset: fields.physicalOffset, size: Int32(truncatingIfNeeded: size),
            tagsCode: tagsCode)
        let window = fields.queueOffset < place.window.end ? place.window : following
        window.store(unit, at: fields.queueOffset)
    }

    /// Checks every message of a batch and adds up what they need.
    private func measure(
        _ frames: RawSpan, systemFlag: SystemFlag, queue: ConsumeQueue, notes: inout Notes
    ) throws(StoreError) -> Measure {
        var measure = Measure()
        // What each record has besides body and properties.
        let empty = RecordFrame(
            version: queue.topic.version, systemFlag: systemFlag, bodyLength: 0,
            topicLength: queue.topic.bytes.count, propertiesLength: 0)
        let isRefused = systemFlag.contains(.innerBatch)
        var offset = 0
        var previous = frames.extracting(first: 0)
        var summary = PropertySummary(previous)
        while offset < frames.byteCount {
            let message: ClientBatchFrame
            do throws(BatchDamage) {
                message = try ClientBatch.frame(in: frames, at: offset)
            } catch {
                throw .malformedBatch(error)
            }
            let properties = message.properties(in: frames)
            if !summary.holds(for: properties, as: previous) {
                summary = PropertySummary(properties)
            }
            previous = properties
            let bodyLength = message.bodyLength
            let stored = storedLength(
                of: properties, isTerminated: !summary.flags.contains(.open))
            let size = empty.totalSize &+ bodyLength &+ stored
            if bodyLength > bodyLimit || size > recordLimit || isRefused
                || stored > RecordLayout.maximumPropertiesLength
            {
                throw refusal(of: empty.with(bodyLength: bodyLength, propertiesLength: stored))
            }
            if Int(measure.count) < notes.count {
                notes[Int(measure.count)] = Noted(
                    bodyLength: UInt32(truncatingIfNeeded: bodyLength),
                    propertiesLength: UInt16(truncatingIfNeeded: properties.byteCount),
                    tagsHash: summary.tagsHash)
            }
            if offset == 0 { measure.firstByteCount = size }
            measure.byteCount &+= size
            measure.count &+= 1
            measure.flags.formUnion(summary.flags)
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
