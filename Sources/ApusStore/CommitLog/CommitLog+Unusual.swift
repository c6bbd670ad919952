// Appending what `CommitLog.append` does not write itself: that one knows one kind of record, which
// nearly all are of.

import ApusFormat
import ApusSystem

extension CommitLog {
    /// Appends any message: halves of transactions, IPv6 hosts, long topics, records with a
    /// checksum, and those that are refused.
    @inline(never)
    func appendAny(
        to queue: ConsumeQueue, body: RawSpan, properties: RawSpan, attributes: MessageAttributes
    ) throws(StoreError) -> AppendResult {
        let scan = PropertyScan(properties)
        if scan.hasChecksum {
            return try appendWithoutChecksum(
                to: queue, body: body, properties: properties, attributes: attributes)
        }
        let systemFlag = attributes.systemFlag.withHosts(
            born: attributes.bornHost, store: storeHost)
        let frame = RecordFrame(
            version: queue.topic.version, systemFlag: systemFlag, bodyLength: body.byteCount,
            topicLength: queue.topic.bytes.count,
            propertiesLength: storedLength(of: properties, isTerminated: scan.isTerminated))
        try check(frame)
        let now = time.wallMilliseconds
        let bodyChecksum = CRC32.stored(body)
        let isQueued = systemFlag.isDispatched
        let place = try reserve(
            size: frame.totalSize, count: isQueued ? 1 : 0, queue: queue, now: now)
        let queueOffset = isQueued ? place.queueOffset : 0
        let fields = RecordFields(
            queueID: queue.queueID, flag: attributes.flag, queueOffset: queueOffset,
            physicalOffset: place.physicalOffset, systemFlag: systemFlag,
            bornTimestamp: attributes.bornTimestamp ?? now, bornHost: attributes.bornHost,
            storeTimestamp: place.storeTimestamp, storeHost: storeHost,
            reconsumeTimes: attributes.reconsumeTimes,
            preparedTransactionOffset: attributes.preparedTransactionOffset,
            bodyChecksum: bodyChecksum)
        let mapped = place.segment
        let topic = queue.topic.bytes
        prefetch(behind: place, size: frame.totalSize)
        var segment = mapped.mutableBytes
        RecordEncoder.encode(
            fields, frame: frame, topic: topic.bytes, properties: properties,
            body: body, appendsChecksum: appendsChecksum, into: &segment, at: place.position)
        if isQueued {
            let unit = ConsumeQueueUnit(
                physicalOffset: place.physicalOffset &+ (Mutant.shiftsEntry.isPlanted ? 1 : 0),
                size: Int32(truncatingIfNeeded: frame.totalSize),
                tagsCode: queue.tagsCode(
                    properties, scan, storeTimestamp: place.storeTimestamp))
            place.window.store(unit, at: queueOffset)
        }
        let end = place.physicalOffset &+ Int64(frame.totalSize)
        let isKeyed = isIndexed && scan.isKeyed && systemFlag.transaction != .rollback
        publish(
            place, upTo: end, queue: queue,
            queueEnd: isQueued ? queueOffset &+ 1 : -1, isKeyed: isKeyed)
        return AppendResult(
            physicalOffset: place.physicalOffset, queueOffset: queueOffset,
            storeTimestamp: place.storeTimestamp, byteCount: frame.totalSize,
            storeHost: storeHostNumber, status: .stored)
    }

    /// The same for properties that carry a `__CRC32#` of the sender's.
    @inline(never)
    private func appendWithoutChecksum(
        to queue: ConsumeQueue, body: RawSpan, properties: RawSpan, attributes: MessageAttributes
    ) throws(StoreError) -> AppendResult {
        let clean = StoredProperties.withoutChecksum(properties)
        return try append(
            to: queue, body: body, properties: clean.rawSpan, attributes: attributes)
    }
}

// MARK: - Checks that come before the reservation

extension CommitLog {
    /// Bytes that the properties take in the record.
    @inline(__always)
    func storedLength(of properties: RawSpan, isTerminated: Bool) -> Int {
        guard appendsChecksum else { return properties.byteCount }
        return properties.byteCount + (isTerminated ? 0 : 1) + ChecksumProperty.byteCount
    }

    @inline(__always)
    func check(_ frame: RecordFrame) throws(StoreError) {
        if frame.bodyLength > bodyLimit
            || frame.propertiesLength > RecordLayout.maximumPropertiesLength
            || frame.totalSize > recordLimit || frame.systemFlag.contains(.innerBatch)
        {
            throw refusal(of: frame)
        }
    }

    @inline(never)
    func refusal(of frame: RecordFrame) -> StoreError {
        if frame.bodyLength > bodyLimit {
            return .bodyTooLarge(byteCount: frame.bodyLength, limit: bodyLimit)
        }
        let limit = RecordLayout.maximumPropertiesLength
        if frame.propertiesLength > limit {
            return .propertiesTooLong(byteCount: frame.propertiesLength, limit: limit)
        }
        if frame.totalSize > recordLimit {
            return .recordTooLarge(byteCount: frame.totalSize, limit: recordLimit)
        }
        return .innerBatch
    }
}
