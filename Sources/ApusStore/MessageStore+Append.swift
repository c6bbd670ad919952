// Appending: one message or a batch, waiting for the device or being told.

import ApusFormat
import ApusSystem

extension MessageStore {
    /// A queue to append to and read from; it need not exist yet.
    ///
    /// Fails for names that RocketMQ does not allow, and for topics whose queues are
    /// BatchConsumeQueues.
    public func queue(topic: String, id: Int32 = 0) throws(StoreError) -> MessageQueue {
        try checkOpen()
        return MessageQueue(
            queue: try log.withMappings { () throws(StoreError) in
                try table.queue(topic: topic, id: id)
            })
    }

    /// A queue that has messages or was used since the store was opened; fails with `.unknownQueue`
    /// where `queue(topic:id:)` would make one.
    public func existingQueue(topic: String, id: Int32 = 0) throws(StoreError) -> MessageQueue {
        try checkOpen()
        let found = try log.withMappings { () throws(StoreError) in
            try table.existing(topic: topic, id: id)
        }
        guard let queue = found else {
            throw .unknownQueue(topic: topic, queueID: id)
        }
        return MessageQueue(queue: queue)
    }

    /// Appends one message and returns when it is stored as the flush mode promises.
    ///
    /// `body` and `properties` (`name 01 value 02`, repeated) are copied once, into the log. With
    /// ASYNC_FLUSH nothing is allocated and no system call is made.
    @discardableResult
    public func append(
        to queue: MessageQueue, body: RawSpan, properties: RawSpan = RawSpan(),
        attributes: MessageAttributes = MessageAttributes()
    ) throws(StoreError) -> AppendResult {
        // Straight through where nothing is to be done to body or result.
        if log.isPlain {
            return try log.append(
                to: queue.queue, body: body, properties: properties, attributes: attributes)
        }
        return try awaitFlush(
            appendUnflushed(
                to: queue.queue, body: body, properties: properties, attributes: attributes))
    }

    /// Appends one message and returns when it is stored as the flush mode promises.
    @discardableResult
    public func append(_ message: Message) throws(StoreError) -> AppendResult {
        let queue = try queue(topic: message.topic, id: message.queueID)
        let properties = try Self.encode(message.properties)
        return try append(
            to: queue, body: message.body.rawSpan, properties: properties.rawSpan,
            attributes: message.attributes)
    }

    /// Appends one message and calls `completion` when it is stored as the flush mode promises: at
    /// once with ASYNC_FLUSH, else on a thread of the store's, or on one that waited for the same
    /// sync. Return from it soon.
    public func append(
        to queue: MessageQueue, body: RawSpan, properties: RawSpan = RawSpan(),
        attributes: MessageAttributes = MessageAttributes(),
        completion: @escaping @Sendable (Result<AppendResult, StoreError>) -> Void
    ) {
        do throws(StoreError) {
            let result = try appendUnflushed(
                to: queue.queue, body: body, properties: properties, attributes: attributes)
            whenFlushed(.one(result, completion))
        } catch {
            completion(.failure(error))
        }
    }

    /// Appends messages of one queue as a batch: contiguous in the log, all of them or none, with
    /// consecutive queue offsets. `frames` holds them as RocketMQ's clients encode batches.
    @discardableResult
    public func append(
        to queue: MessageQueue, batch frames: RawSpan,
        attributes: MessageAttributes = MessageAttributes()
    ) throws(StoreError) -> BatchAppendResult {
        let batch = try log.append(to: queue.queue, batch: frames, attributes: attributes)
        guard log.isAwaited else { return batch }
        return batch.withStatus(try flushStatus(upTo: batch.physicalEnd))
    }

    /// The same, and `completion` is called when the batch is stored as the flush mode promises.
    public func append(
        to queue: MessageQueue, batch frames: RawSpan,
        attributes: MessageAttributes = MessageAttributes(),
        completion: @escaping @Sendable (Result<BatchAppendResult, StoreError>) -> Void
    ) {
        do throws(StoreError) {
            let batch = try log.append(to: queue.queue, batch: frames, attributes: attributes)
            whenFlushed(.batch(batch, completion))
        } catch {
            completion(.failure(error))
        }
    }

    /// Appends messages as a batch. All must name the same topic and queue and carry the same
    /// attributes, but for the flag.
    @discardableResult
    public func append(batch messages: [Message]) throws(StoreError) -> BatchAppendResult {
        let (first, frames) = try Self.encode(batch: messages)
        return try append(
            to: queue(topic: first.topic, id: first.queueID), batch: frames.rawSpan,
            attributes: first.attributes)
    }

    /// The first message, and all of them as a client batch.
    static func encode(batch messages: [Message]) throws(StoreError) -> (Message, [UInt8]) {
        guard let first = messages.first else { throw .emptyBatch }
        var frames: [UInt8] = []
        for message in messages {
            guard message.topic == first.topic, message.queueID == first.queueID else {
                throw .mixedBatch(reason: "they name different queues")
            }
            var attributes = message.attributes
            attributes.flag = first.attributes.flag
            guard attributes == first.attributes else {
                throw .mixedBatch(reason: "their attributes differ")
            }
            let properties = try Self.encode(message.properties)
            guard properties.count <= RecordLayout.maximumPropertiesLength else {
                throw .propertiesTooLong(
                    byteCount: properties.count, limit: RecordLayout.maximumPropertiesLength)
            }
            ClientBatch.encode(
                flag: message.attributes.flag, body: message.body.rawSpan,
                properties: properties.rawSpan, into: &frames)
        }
        return (first, frames)
    }

    static func encode(_ properties: [Property]) throws(StoreError) -> [UInt8] {
        for property in properties
        where !Properties.isEncodable(name: property.name, value: property.value) {
            throw .invalidProperty(name: property.name)
        }
        return Properties.encode(properties)
    }
}

// MARK: - Compression and durability

extension MessageStore {
    /// Appends without waiting for the device.
    func appendUnflushed(
        to queue: ConsumeQueue, body: RawSpan, properties: RawSpan,
        attributes: MessageAttributes
    ) throws(StoreError) -> AppendResult {
        if let settings = log.configuration.compression,
            body.byteCount >= settings.thresholdByteCount,
            !attributes.systemFlag.contains(.compressed)
        {
            return try appendCompressed(
                settings, to: queue, body: body, properties: properties, attributes: attributes)
        }
        return try log.append(
            to: queue, body: body, properties: properties, attributes: attributes)
    }

    @inline(never)
    private func appendCompressed(
        _ settings: CompressionSettings, to queue: ConsumeQueue, body: RawSpan,
        properties: RawSpan, attributes: MessageAttributes
    ) throws(StoreError) -> AppendResult {
        guard body.byteCount <= log.bodyLimit else {
            throw .bodyTooLarge(byteCount: body.byteCount, limit: log.bodyLimit)
        }
        let compressed: [UInt8]
        do throws(CompressionError) {
            compressed = try BodyCompression.encode(
                body, codec: settings.algorithm, level: settings.level)
        } catch {
            throw .compressionFailed(error)
        }
        // A body that does not shrink is stored as it is.
        guard compressed.count < body.byteCount else {
            return try log.append(
                to: queue, body: body, properties: properties, attributes: attributes)
        }
        var changed = attributes
        changed.systemFlag = changed.systemFlag.withCompression(
            number: settings.algorithm.rawValue)
        return try log.append(
            to: queue, body: compressed.rawSpan, properties: properties, attributes: changed)
    }

    private func awaitFlush(_ result: AppendResult) throws(StoreError) -> AppendResult {
        guard log.isAwaited, !Mutant.acknowledgesBeforeSync.isPlanted else { return result }
        return result.withStatus(try flushStatus(upTo: result.physicalEnd))
    }

    private func flushStatus(upTo end: Int64) throws(StoreError) -> AppendStatus {
        guard log.isSync else {
            try commit.write(upTo: end)
            return .stored
        }
        let timeout = log.configuration.flush.syncTimeoutMilliseconds
        switch commit.wait(until: end, timeoutMilliseconds: timeout) {
        case .flushed: return .stored
        case .timedOut: return .flushTimedOut
        case .poisoned(let cause): throw .poisoned(cause: cause)
        }
    }

    /// Completes when the append is stored as the flush mode promises.
    func whenFlushed(_ completion: Completion) {
        guard log.isAwaited else { return completion.succeed(.stored) }
        if log.isSync {
            let timeout = log.configuration.flush.syncTimeoutMilliseconds
            return commit.whenFlushed(completion, timeoutMilliseconds: timeout)
        }
        do throws(StoreError) {
            try commit.write(upTo: completion.end)
            completion.succeed(.stored)
        } catch {
            completion.fail(error)
        }
    }
}
