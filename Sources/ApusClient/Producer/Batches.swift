// Several messages in one request: cut where one would become too long, or hold what brokers do not
// take together.

internal import ApusFormat
internal import ApusRemoting

/// Messages that go over the wire together.
struct BatchPart: Sendable {
    /// Which of the messages given they are.
    let range: Range<Int>
    let frames: [UInt8]
    let firstID: UniqueID
}

/// Cuts messages into batches: pure, so that each cut can be tested.
struct BatchCutter {
    private(set) var parts: [BatchPart] = []
    private let limit: Int
    private var frames: [UInt8] = []
    private var start = 0
    private var count = 0
    private var firstID: UniqueID?

    /// At most `limit` bytes go together, but for a single message, which may be longer.
    init(limit: Int) { self.limit = limit }

    mutating func append(_ message: Message, _ id: UniqueID) {
        var properties: [UInt8] = []
        PropertyText.write(message, id, into: &properties)
        let size = ClientBatch.minimumSize + message.body.count + properties.count
        if count > 0, frames.count + size > limit { cut() }
        if count == 0 { firstID = id }
        ClientBatch.encode(
            flag: message.flag, body: message.body.rawSpan, properties: properties.rawSpan,
            into: &frames)
        count += 1
    }

    /// What was appended since the last cut is a part.
    mutating func cut() {
        guard count > 0, let id = firstID else { return }
        parts.append(BatchPart(range: start..<start + count, frames: frames, firstID: id))
        start += count
        frames = []
        count = 0
    }
}

extension Producer {
    /// Sends messages of one topic together, in as few requests as their sizes allow. Each request
    /// is stored as a whole, in one queue; all requests of a call with a sharding key in the same,
    /// in order.
    ///
    /// Answers with one receipt for each request, in order. When a request fails, those before it
    /// are stored and those behind it are not sent: `BatchError` says which.
    @discardableResult
    public func send(
        batch messages: [Message], shardingKey: String? = nil
    ) async throws(BatchError) -> [BatchReceipt] {
        var done: [BatchReceipt] = []
        let parts: [BatchPart]
        let topic = messages.first?.topic ?? ""
        do throws(ClientError) {
            try checkIsOpen("sending a batch to \(topic)")
            parts = try cut(messages)
        } catch {
            throw BatchError(sent: [], unsent: 0..<messages.count, error: error)
        }
        var choice = shardingKey.map { QueueChoice.key($0) } ?? .inTurn
        for part in parts {
            let send = PreparedSend(
                topic: topic, uniqueID: part.firstID, body: part.frames, properties: [],
                systemFlag: [], bornMilliseconds: wallMilliseconds, flag: 0, isBatch: true)
            do throws(ClientError) {
                let receipt = try await deliver(send, choice, messages: part.range.count)
                done.append(BatchReceipt(messages: part.range, receipt: receipt))
                if shardingKey != nil { choice = .queue(receipt.queue) }
            } catch {
                throw BatchError(
                    sent: done, unsent: part.range.lowerBound..<messages.count, error: error)
            }
        }
        return done
    }

    private func cut(_ messages: [Message]) throws(ClientError) -> [BatchPart] {
        guard let first = messages.first else { return [] }
        let attempt = "sending a batch of \(messages.count) to \(first.topic)"
        func refuse(_ place: Int, _ reason: String) -> ClientError {
            ClientError(.invalidMessage, attempt, "message \(place) \(reason)")
        }
        // RocketMQ's broker takes no such batch.
        if TopicName.isOfGroup(first.topic) {
            throw refuse(0, "is for a topic of a group, which takes no batches")
        }
        var cutter = BatchCutter(limit: configuration.maximumBatchBytes)
        let now = wallMilliseconds
        for (place, message) in messages.enumerated() {
            if message.topic != first.topic {
                throw refuse(place, "is for \(message.topic): a batch has one topic")
            }
            if message.delayLevel > 0 {
                throw refuse(place, "has a delay level: delayed messages go one by one")
            }
            if message.waitsForStore != first.waitsForStore {
                throw refuse(place, "has another waitsForStore than the first")
            }
            try message.check(bodyLimit: configuration.maximumMessageBytes, attempt)
            // The counter of ids repeats after 65,536 of one millisecond.
            cutter.append(
                tracing?.mark(message) ?? message,
                generator.nextID(milliseconds: now + Int64(place >> 15)))
        }
        cutter.cut()
        return cutter.parts
    }
}

/// Messages of a batch that are stored one behind the other.
public struct BatchReceipt: Sendable, Hashable {
    /// Which of the messages given they are.
    public let messages: Range<Int>
    /// Of the first of them; the others follow in the same queue.
    public let receipt: SendReceipt
}

/// A batch of which not all was sent.
public struct BatchError: Error, Sendable, CustomStringConvertible {
    /// What is stored.
    public let sent: [BatchReceipt]
    /// Which of the messages given are not, as far as `error` can tell.
    public let unsent: Range<Int>
    /// Why.
    public let error: ClientError

    public var description: String {
        let last = max(unsent.lowerBound, unsent.upperBound - 1)
        return "messages \(unsent.lowerBound) to \(last) of a batch are not sent: \(error)"
    }
}
