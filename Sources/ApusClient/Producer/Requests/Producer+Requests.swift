// Request and reply over topics: a message that names who waits, and a reply that the broker pushes
// to it.

internal import ApusFormat
internal import ApusRemoting
internal import NIOCore

extension Producer {
    /// Sends a message and waits for a reply of whoever consumes it, at most so long. `run()` must
    /// have begun, since brokers push replies to producers that they know.
    public func request(
        _ message: Message, timeout: Duration = .seconds(3)
    ) async throws(ClientError) -> Reply {
        let attempt = "a request to \(message.topic)"
        try checkIsOpen(attempt)
        guard message.delayLevel == 0 else {
            throw ClientError(.invalidMessage, attempt, "a request cannot be delayed")
        }
        let deadline = Deadline(after: timeout)
        // A broker that does not know this client cannot give it the reply.
        if publishing.known(message.topic) == nil {
            _ = try await publishRoute(message.topic, until: deadline)
            await core.sendHeartbeat(heartbeatBody, toMastersOnly: true)
        }
        let id = generator.next(milliseconds: wallMilliseconds)
        let send = try prepare(
            tracing?.mark(message) ?? message, attempt,
            [
                Property(name: PropertyName.correlationID, value: id),
                Property(name: PropertyName.replyToClient, value: clientID),
                Property(name: PropertyName.timeToLive, value: "\(timeout.milliseconds)"),
            ])
        let answer = replies.expect(id)
        defer { replies.forget(id) }
        let receipt = try await deliver(send, .inTurn)
        let loop = configuration.client.eventLoopGroup.next()
        let timer = loop.scheduleTask(in: TimeAmount(deadline.remaining)) {
            answer.set(
                .failure(
                    ClientError(
                        .timedOut, attempt,
                        "sent as \(receipt.id), but no reply came within \(timeout)",
                        mayHaveHappened: true)))
        }
        defer { timer.cancel() }
        return try await answer.value(
            ifCancelled: .failure(.cancelled(attempt, mayHaveHappened: true))
        ).get()
    }

    /// Replies to a message that was sent by `request`, of this client or another.
    public func reply(to message: ReceivedMessage, _ body: [UInt8]) async throws(ClientError) {
        let attempt = "replying to message \(message.id)"
        try checkIsOpen(attempt)
        guard let cluster = message.property(PropertyName.cluster),
            let client = message.property(PropertyName.replyToClient),
            let id = message.property(PropertyName.correlationID)
        else {
            throw ClientError(
                .invalidMessage, attempt, "nobody waits for a reply: it was not sent as a request")
        }
        let properties = [
            Property(name: PropertyName.correlationID, value: id),
            Property(name: PropertyName.replyToClient, value: client),
            Property(name: "MSG_TYPE", value: "reply"),
            Property(
                name: PropertyName.timeToLive,
                value: message.property(PropertyName.timeToLive) ?? "3000"),
        ]
        let topic = "\(cluster)_REPLY_TOPIC"
        if core.routes.group(message.broker) == nil {
            // By the topic that the request lies in, which its broker has.
            _ = try await core.routes.route(
                of: message.storedTopic, creates: false,
                until: Deadline(after: configuration.client.requestTimeout))
        }
        let address = try core.master(of: message.broker, attempt)
        let fields = SendFields(
            group: configuration.group, topic: topic, queue: 0,
            bornMilliseconds: wallMilliseconds, properties: Properties.encode(properties),
            broker: message.broker)
        let command = RemotingCommand.request(
            .sendReplyMessageV2, fields: fields.header, body: body)
        _ = try await core.demand(command, on: address, attempt)
    }
}
