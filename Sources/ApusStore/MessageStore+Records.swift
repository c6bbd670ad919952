// Records in place, for whoever passes them on as they are stored.

import ApusFormat

extension MessageStore {
    /// The record that begins at a physical offset, as a batch of one that belongs to no queue.
    public func record(at physicalOffset: Int64) throws(StoreError) -> MessageBatch {
        try checkOpen()
        var batch = MessageBatch(nextOffset: 0, offsets: 0..<0, count: 0)
        batch.append(try log.record(at: physicalOffset))
        return batch
    }

    /// The records that `messages(topic:key:limit:between:)` decodes, or, when `isUnique`, that of
    /// the newest message with this unique id. They belong to no queue in particular.
    public func records(
        topic: String, key: String, limit: Int = 64, between times: ClosedRange<Int64> = 0...(.max),
        isUnique: Bool = false
    ) throws(StoreError) -> MessageBatch {
        var batch = MessageBatch(nextOffset: 0, offsets: 0..<0, count: 0)
        for lease in try find(
            topic: topic, key: key, limit: limit, between: times, isUnique: isUnique
        ) { batch.append(lease) }
        return batch
    }
}

extension MessageStore {
    /// Appends one message and returns when it survives the process, whatever the flush mode. In
    /// SYNC_FLUSH mode a sync is under way then: what `flushed` has passed is on the device. For
    /// what is appended again after a crash.
    public func appendWithoutWaiting(
        to queue: MessageQueue, body: RawSpan, properties: RawSpan = RawSpan(),
        attributes: MessageAttributes = MessageAttributes()
    ) throws(StoreError) -> AppendResult {
        try appendWithoutWaiting(
            to: queue.queue, body: body, properties: properties, attributes: attributes)
    }

    /// The same for a caller that sees to it that the queue is there, and does not count it.
    package func appendWithoutWaiting(
        to queue: ConsumeQueue, body: RawSpan, properties: RawSpan, attributes: MessageAttributes
    ) throws(StoreError) -> AppendResult {
        let result = try log.append(
            to: queue, body: body, properties: properties, attributes: attributes)
        if log.isSync {
            whenFlushed(.one(result) { _ in })
        } else if log.isAwaited {
            try commit.write(upTo: result.physicalEnd)
        }
        return result
    }
}
