// The async overlay. The engine itself never suspends: here, completions become continuations.

import ApusFormat

extension MessageStore {
    /// Appends one message and suspends until it is stored as the flush mode promises.
    ///
    /// The append itself runs on the calling task's thread; only the wait for the device suspends.
    @discardableResult
    public func append(_ message: Message) async throws(StoreError) -> AppendResult {
        let queue = try queue(topic: message.topic, id: message.queueID)
        let properties = try Self.encode(message.properties)
        let result = try appendUnflushed(
            to: queue.queue, body: message.body.rawSpan,
            properties: properties.rawSpan, attributes: message.attributes)
        guard log.isAwaited else { return result }
        let outcome = await withCheckedContinuation { continuation in
            whenFlushed(.one(result) { continuation.resume(returning: $0) })
        }
        return try outcome.get()
    }

    /// Appends messages as a batch and suspends until they are stored as the flush mode promises.
    @discardableResult
    public func append(batch messages: [Message]) async throws(StoreError) -> BatchAppendResult {
        let (first, frames) = try Self.encode(batch: messages)
        let queue = try queue(topic: first.topic, id: first.queueID)
        let batch = try log.append(
            to: queue.queue, batch: frames.rawSpan, attributes: first.attributes)
        guard log.isAwaited else { return batch }
        let outcome = await withCheckedContinuation { continuation in
            whenFlushed(.batch(batch) { continuation.resume(returning: $0) })
        }
        return try outcome.get()
    }

    /// The messages of a queue from `offset` on, those to come included: at the end of the queue
    /// the sequence waits. It ends when the store is closed; cancelling the task ends it too.
    public func messages(in queue: MessageQueue, from offset: Int64) -> MessageSequence {
        MessageSequence(store: self, queue: queue, offset: offset)
    }

    /// Suspends until the message at `offset` can be read, the store is closed, or the task is
    /// cancelled.
    func readable(_ queue: MessageQueue, offset: Int64) async {
        let once = ResumeOnce()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                once.set(continuation)
                let token = whenReadable(queue, offset: offset) { once.resume() }
                once.onResume { token.cancel() }
            }
        } onCancel: {
            once.resume()
        }
    }
}

/// The messages of a queue as they come. Each iteration reads on from where it is.
public struct MessageSequence: AsyncSequence, Sendable {
    public typealias Element = StoredMessage
    public typealias Failure = StoreError

    let store: MessageStore
    let queue: MessageQueue
    let offset: Int64

    public func makeAsyncIterator() -> Iterator {
        Iterator(store: store, queue: queue, offset: offset)
    }

    /// Reads ahead in batches and hands the messages out one by one.
    public struct Iterator: AsyncIteratorProtocol {
        let store: MessageStore
        let queue: MessageQueue
        var offset: Int64
        var waiting: ArraySlice<StoredMessage> = []

        /// The next message; nil when the store is closed or the task cancelled. Messages that
        /// retention has deleted meanwhile are passed over.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(StoreError) -> StoredMessage? {
            while waiting.isEmpty {
                if Task.isCancelled { return nil }
                do throws(StoreError) {
                    offset = Swift.max(offset, try store.minimumOffset(queue))
                    let batch = try store.read(queue, from: offset)
                    offset = batch.nextOffset
                    waiting = try batch.messages()[...]
                } catch {
                    switch error {
                    case .closed: return nil
                    // Deleted since the minimum was asked for.
                    case .offsetOutOfRange(let requested, let minimum, _) where requested < minimum:
                        continue
                    default: throw error
                    }
                }
                if waiting.isEmpty { await store.readable(queue, offset: offset) }
            }
            return waiting.removeFirst()
        }

        public mutating func next() async throws -> StoredMessage? {
            try await next(isolation: nil)
        }
    }
}
