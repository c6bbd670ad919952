// What an application calls to send: one message, to which queue, with an answer or without.

internal import ApusFormat
internal import ApusRemoting

extension Producer {
    /// Sends a message and waits until a broker has stored it.
    ///
    /// Tried on up to `attempts` brokers within `sendTimeout`. When an attempt got no answer, the
    /// message may be stored although another attempt went well, or all failed: consumers should
    /// bear with duplicates, which have the same `id`.
    ///
    /// Throws `ClientError`; `mayHaveHappened` says whether the message may be stored all the same.
    @discardableResult
    public func send(_ message: Message) async throws(ClientError) -> SendReceipt {
        try await send(message, .inTurn)
    }

    /// Sends a message to the queue that belongs to a key: messages with one key keep their order
    /// as long as each is sent when the one before has been answered. The queue is RocketMQ's
    /// (`SelectMessageQueueByHash`) while the number of queues stays the same.
    @discardableResult
    public func send(
        _ message: Message, shardingKey: String
    ) async throws(ClientError) -> SendReceipt {
        try await send(message, .key(shardingKey))
    }

    /// Sends a message to one queue, as `queues(of:)` names them.
    @discardableResult
    public func send(
        _ message: Message, to queue: MessageQueue
    ) async throws(ClientError) -> SendReceipt {
        guard queue.topic == message.topic else {
            throw ClientError(
                .invalidMessage, "sending to \(queue)", "the message is for \(message.topic)")
        }
        return try await send(message, .queue(queue))
    }

    /// Sends a message to which no answer comes: it is gone when this returns, and whether it
    /// arrives nobody knows.
    public func sendOneWay(
        _ message: Message, shardingKey: String? = nil
    ) async throws(ClientError) {
        let attempt = "sending to \(message.topic) without an answer"
        try checkIsOpen(attempt)
        let send = try prepare(tracing?.mark(message) ?? message, attempt)
        let route = try await publishRoute(
            message.topic, until: Deadline(after: configuration.sendTimeout))
        guard let target = choose(shardingKey.map { .key($0) } ?? .inTurn, route, avoiding: [])
        else { throw noQueue(message.topic, attempt) }
        do throws(RemotingError) {
            try await core.remoting.invokeOneWay(
                send.command(to: target, group: configuration.group), on: target.endpoint.address)
        } catch {
            target.endpoint.failed()
            core.routes.bell.ring()
            throw ClientError(error, attempt)
        }
    }

    /// The queues of a topic that can be sent to, in RocketMQ's order.
    public func queues(of topic: String) async throws(ClientError) -> [MessageQueue] {
        try Names.check(topic: topic, "looking for the queues of \(topic)")
        let route = try await publishRoute(
            topic, until: Deadline(after: configuration.client.requestTimeout))
        return route.targets.map(\.queue)
    }

    private func send(
        _ message: Message, _ choice: QueueChoice
    ) async throws(ClientError) -> SendReceipt {
        try checkIsOpen("sending to \(message.topic)")
        guard let tracing else {
            let send = try prepare(message, "sending to \(message.topic)")
            return try await deliver(send, choice)
        }
        return try await tracing.sending(message) { (marked) throws(ClientError) in
            let send = try prepare(marked, "sending to \(message.topic)")
            return try await deliver(send, choice)
        }
    }
}

/// How a queue is chosen.
enum QueueChoice: Sendable {
    case inTurn
    case key(String)
    case queue(MessageQueue)

    /// Whether a message may go to another broker when one fails.
    var isFree: Bool { if case .inTurn = self { true } else { false } }
}

extension Producer {
    /// Checks and encodes a message; `extra` are the client's own properties, and `memory` is what
    /// they may be written into.
    func prepare(
        _ message: Message, _ attempt: @autoclosure () -> String, _ extra: [Property] = [],
        systemFlag: SystemFlag = [], topicIsGood: Bool = false,
        reusing memory: consuming [UInt8] = []
    ) throws(ClientError) -> PreparedSend {
        try message.check(
            bodyLimit: configuration.maximumMessageBytes, topicIsGood: topicIsGood, attempt())
        var flag = systemFlag
        var body = message.body
        if let compression = configuration.compression, body.count >= compression.threshold {
            do throws(CompressionError) {
                let (smaller, isCompressed) = try compression.apply(to: body)
                if isCompressed {
                    body = smaller
                    flag = flag.withCompression(number: compression.codec.rawValue)
                }
            } catch {
                throw ClientError(.compression, attempt(), "\(error)")
            }
        }
        let now = wallMilliseconds
        let id = generator.nextID(milliseconds: now)
        var properties = memory
        properties.removeAll(keepingCapacity: true)
        PropertyText.write(message, id, extra, into: &properties)
        return PreparedSend(
            topic: message.topic, uniqueID: id, body: body, properties: properties,
            systemFlag: flag, bornMilliseconds: now, flag: message.flag, isBatch: false)
    }

    func choose(
        _ choice: QueueChoice, _ route: PublishRoute, avoiding failed: [String]
    ) -> SendTarget? {
        switch choice {
        case .inTurn: route.next(avoiding: failed)
        case .key(let key): route.target(for: key)
        case .queue(let queue): route.target(queue)
        }
    }

    func noQueue(_ topic: String, _ attempt: String) -> ClientError {
        ClientError(
            .noRoute, attempt,
            "no broker has a queue of \(topic) that can be written and was asked for")
    }
}
