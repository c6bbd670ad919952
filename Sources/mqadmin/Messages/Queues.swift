// Queues of brokers: their ends, and what is in them.

import ApusRemoting

/// A queue at an address.
struct QueuePlace: Hashable, Sendable {
    let address: String
    let topic: String
    let queue: Int32

    var fields: HeaderFields { ["topic": topic, "queueId": "\(queue)"] }
}

/// What a pull found.
struct PullAnswer: Sendable {
    let status: ResponseCode
    let nextOffset: Int64
    let messages: [StoredMessage]

    /// In RocketMQ's words.
    var name: String {
        switch status {
        case .success: "FOUND"
        case .pullRetryImmediately: "NO_MATCHED_MSG"
        case .pullOffsetMoved: "OFFSET_ILLEGAL"
        default: "NO_NEW_MSG"
        }
    }
}

extension Admin {
    /// The offset of the first message.
    func start(_ place: QueuePlace) async throws(AdminError) -> Int64 {
        try await offset(place, .getMinOffset, place.fields)
    }

    /// The offset of the next message.
    func end(_ place: QueuePlace) async throws(AdminError) -> Int64 {
        try await offset(place, .getMaxOffset, place.fields)
    }

    /// The offset of the first message that was stored at a time or later.
    func offset(_ place: QueuePlace, at time: Int64) async throws(AdminError) -> Int64 {
        var fields = place.fields
        fields["timestamp"] = "\(time)"
        return try await offset(place, .searchOffsetByTimestamp, fields)
    }

    private func offset(
        _ place: QueuePlace, _ code: RequestCode, _ fields: HeaderFields
    ) async throws(AdminError) -> Int64 {
        let wish = "tell an offset of queue \(place.queue) of \(place.topic)"
        let answer = try await ask(place.address, to: wish, code, fields)
        do throws(HeaderError) { return try answer.fields.int64("offset") } catch {
            throw .malformed(wish, address: place.address, reason: "\(error)")
        }
    }

    /// Pulls at most `count` messages from `offset` on, without waiting for any. Nothing is
    /// committed.
    func pull(
        _ place: QueuePlace, from offset: Int64, count: Int, group: String, tags: String = "*"
    ) async throws(AdminError) -> PullAnswer {
        var fields = place.fields
        for (name, value) in [
            ("consumerGroup", group), ("queueOffset", "\(offset)"), ("maxMsgNums", "\(count)"),
            // The subscription is in the request.
            ("sysFlag", "4"), ("commitOffset", "0"), ("suspendTimeoutMillis", "0"),
            ("subscription", tags), ("subVersion", "\(TimeText.now)"), ("expressionType", "TAG"),
        ] { fields[name] = value }
        let wish = "give messages of queue \(place.queue) of \(place.topic)"
        let answer = try await ask(
            place.address, to: wish, .pullMessage, fields,
            accepting: [.success, .pullNotFound, .pullRetryImmediately, .pullOffsetMoved])
        let next: Int64
        do throws(HeaderError) { next = try answer.fields.int64("nextBeginOffset") } catch {
            throw .malformed(wish, address: place.address, reason: "\(error)")
        }
        return PullAnswer(
            status: answer.responseCode, nextOffset: next,
            messages: answer.responseCode == .success
                ? try Self.messages(answer, wish, place.address) : [])
    }
}
