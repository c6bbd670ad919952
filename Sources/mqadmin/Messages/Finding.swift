// Finds messages by their ids and keys.

import ApusFormat
import ApusRemoting

extension Admin {
    /// The message with this id, a broker's or a producer's.
    func message(_ id: String, of topic: String) async throws(AdminError) -> StoredMessage {
        // A producer's id has as many digits, but hardly ever a port where a broker's has one.
        if let place = OffsetMessageID(id), (1...65_535).contains(place.storeHost.port) {
            do throws(AdminError) { return try await message(id, at: place, of: topic) } catch {
                guard let found = try? await messages(unique: id, of: topic).first else {
                    throw error
                }
                return found
            }
        }
        let found = try await messages(unique: id, of: topic)
        guard let first = found.first else { throw Self.nothing("the id \(id)", topic) }
        return first
    }

    private func message(
        _ id: String, at place: OffsetMessageID, of topic: String
    ) async throws(AdminError) -> StoredMessage {
        let wish = "give the message \(id)"
        let address = place.storeHost.description
        let answer = try await ask(
            address, to: wish, .viewMessageById,
            ["topic": topic, "offset": "\(place.physicalOffset)"])
        guard let message = try Self.messages(answer, wish, address).first else {
            throw .malformed(wish, address: address, reason: "no record in it")
        }
        // A broker gives what stands at the place, of any topic.
        if message.topic == topic || topic == message[PropertyName.realTopic] { return message }
        throw .absent(
            "the message \(id) is one of the topic \(message.topic), not of \(topic)",
            advice: "ask again with -t \(message.topic)")
    }

    /// The messages with a producer's id, in the order in which they were stored.
    func messages(unique id: String, of topic: String) async throws(AdminError) -> [StoredMessage] {
        try await find(id, topic, count: 32, isUnique: true).filter {
            $0[PropertyName.uniqueKey] == id
        }.sorted { $0.fields.storeTimestamp < $1.fields.storeTimestamp }
    }

    /// The messages with this key among theirs.
    func messages(
        key: String, of topic: String, count: Int32, between times: ClosedRange<Int64>
    ) async throws(AdminError) -> [StoredMessage] {
        try await find(key, topic, count: count, between: times).filter { message in
            (message.keys ?? "").split(separator: " ").contains { $0 == key }
        }.sorted { $0.fields.storeTimestamp < $1.fields.storeTimestamp }
    }

    static func nothing(_ what: String, _ topic: String) -> AdminError {
        .absent(
            "the topic \(topic) has no message with \(what)",
            advice: "see that both are right, and that it is not older than what brokers keep")
    }

    /// Asks the index of each broker that has the topic. It goes by hashes: who asks has a look.
    private func find(
        _ key: String, _ topic: String, count: Int32,
        between times: ClosedRange<Int64> = 0...Int64.max,
        isUnique: Bool = false
    ) async throws(AdminError) -> [StoredMessage] {
        var fields: HeaderFields = [
            "topic": topic, "key": key, "maxNum": "\(count)",
            "beginTimestamp": "\(times.lowerBound)", "endTimestamp": "\(times.upperBound)",
        ]
        if isUnique { fields["_UNIQUE_KEY_QUERY"] = "true" }
        let wish = "look for messages of the topic \(topic) by \(key)"
        var found: [StoredMessage] = []
        for address in try await route(of: topic).readable {
            let answer = try await ask(
                address, to: wish, .queryMessage, fields, accepting: [.success, .queryNotFound])
            if answer.responseCode == .success {
                found += try Self.messages(answer, wish, address)
            }
        }
        return found.filter { $0.topic == topic }
    }
}
