// Who keeps how far a group has come: brokers, or the member itself.

internal import ApusRemoting

/// Keeps offsets.
protocol OffsetKeeper: Sendable {
    /// What is kept of a queue; nil when there is nothing.
    func offset(of queue: MessageQueue) async throws(ClientError) -> Int64?

    /// Keeps some offsets; answers with the queues of which that went well.
    func keep(_ offsets: [MessageQueue: Int64]) async -> Set<MessageQueue>

    /// The member has ended.
    func close()
}

extension OffsetKeeper {
    func close() {}
}

extension ConsumerConfiguration {
    /// Who keeps the offsets of such a consumer.
    func keeper(_ core: ClientCore) throws(ClientError) -> any OffsetKeeper {
        guard model == .broadcasting else { return BrokerOffsets(core: core, group: group) }
        return try LocalOffsets(
            directory: offsetsDirectory ?? "", group: group, logger: client.logger)
    }
}

/// Asks brokers about queues.
struct QueueQuestions: Sendable {
    let core: ClientCore

    func minimumOffset(of queue: MessageQueue) async throws(ClientError) -> Int64 {
        try await ask(.getMinOffset, queue, [:])
    }

    func maximumOffset(of queue: MessageQueue) async throws(ClientError) -> Int64 {
        try await ask(.getMaxOffset, queue, [:])
    }

    /// The first message that was stored then or later.
    func offset(
        of queue: MessageQueue, at milliseconds: Int64
    ) async throws(ClientError) -> Int64 {
        try await ask(.searchOffsetByTimestamp, queue, ["timestamp": "\(milliseconds)"])
    }

    private func ask(
        _ code: RequestCode, _ queue: MessageQueue, _ more: HeaderFields
    ) async throws(ClientError) -> Int64 {
        var fields: HeaderFields = [
            "topic": queue.topic, "queueId": "\(queue.id)", "bname": queue.broker,
        ]
        for field in more.all { fields.append(field.name, field.value) }
        let attempt = "asking for an offset of \(queue)"
        let address = try core.anyAddress(of: queue.broker, attempt)
        let answer = try await core.demand(
            .request(code, fields: fields), on: address, attempt)
        do throws(HeaderError) { return try answer.fields.int64("offset") } catch {
            throw ClientError(.badAnswer, attempt, "\(error)")
        }
    }
}

extension ClientCore {
    /// The master of a broker, or a replica when there is none.
    func anyAddress(of broker: String, _ attempt: String) throws(ClientError) -> String {
        guard let address = routes.group(broker)?.anyAddress else {
            throw ClientError(.noRoute, attempt, "no address of \(broker) is known")
        }
        return address
    }
}
