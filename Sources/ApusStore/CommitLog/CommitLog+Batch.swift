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

    /// Appends the messages of a client batch as records of their own and publishes them together.
    func append(
        to queue: ConsumeQueue, batch frames: RawSpan, attributes: MessageAttributes
    ) throws(StoreError) -> BatchAppendResult {
        let systemFlag = attributes.systemFlag.withHosts(
            born: attributes.bornHost, store: storeHost)
        guard systemFlag.transaction == .none else {
            throw .mixedBatch(reason: "a batch cannot be part of a transaction")
        }
        var runs = BatchRuns(repeating: BatchRun())
        let measure = try measure(frames, systemFlag: systemFlag, queue: queue, runs: &runs)
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
                frames, runs.span, fields, to: queue, place: place, following: following)
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

    /// Checks every message of a batch and adds up what they need.
    private func measure(
        _ frames: RawSpan, systemFlag: SystemFlag, queue: ConsumeQueue, runs: inout BatchRuns
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
        var (size, lastBodyLength, number, misses) = (0, 0, 0, 0)
        while offset < frames.byteCount {
            let message: ClientBatchFrame
            do throws(BatchDamage) {
                message = try ClientBatch.frame(in: frames, at: offset)
            } catch {
                throw .malformedBatch(error)
            }
            let properties = message.properties(in: frames)
            // Where hardly any are like the one before them, that is not looked at.
            let isSummarised = misses < 3 && summary.holds(for: properties, as: previous)
            previous = properties
            misses = isSummarised ? 0 : misses &+ 1
            var count = 1
            if isSummarised, number > 0, message.bodyLength == lastBodyLength {
                // Like the one before it, and so are those behind it more often than not.
                count = message.alikeCount(in: frames, summary)
                if number <= runs.count { runs[number &- 1].count &+= UInt32(clamping: count) }
            } else {
                if !isSummarised { summary = PropertySummary(properties) }
                let stored = storedLength(
                    of: properties, isTerminated: !summary.flags.contains(.open))
                size = empty.totalSize &+ message.bodyLength &+ stored
                if message.bodyLength > bodyLimit || size > recordLimit || isRefused
                    || stored > RecordLayout.maximumPropertiesLength
                {
                    throw refusal(
                        of: empty.with(
                            bodyLength: message.bodyLength, propertiesLength: stored))
                }
                if number < runs.count {
                    runs[number] = BatchRun(
                        count: 1, bodyLength: UInt32(truncatingIfNeeded: message.bodyLength),
                        propertiesLength: UInt16(truncatingIfNeeded: message.propertiesLength),
                        tagsHash: summary.tagsHash)
                }
                if number == 0 { measure.firstByteCount = size }
                number &+= 1
                lastBodyLength = message.bodyLength
                measure.flags.formUnion(summary.flags)
            }
            measure.byteCount &+= size &* count
            measure.count &+= Int64(count)
            offset &+= message.byteCount &* count
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
            let properties = StoredProperties.withoutChecksum(message.properties(in: frames))
            ClientBatch.encode(
                flag: message.flag, body: message.body(in: frames),
                properties: properties.rawSpan, into: &clean)
            offset = message.end
        }
        return clean
    }
}
