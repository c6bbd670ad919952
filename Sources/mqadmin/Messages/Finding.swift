// Finds messages by their ids and keys.

import ApusFormat
import ApusRemoting

extension Call {
    /// The message with this id, a broker's or a producer's.
    func message(_ id: String, of topic: String) async throws -> StoredMessage {
        // A producer's id has as many digits, but hardly ever a port where a broker's has one.
        if let place = OffsetMessageID(id), (1...65_535).contains(place.storeHost.port) {
            do throws(AdminError) { return try await admin.message(id, at: place, of: topic) } catch
            {
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

    /// The messages with a producer's id, in the order in which they were stored.
    func messages(unique id: String, of topic: String) async throws(AdminError) -> [StoredMessage] {
        try found(
            try await admin.find(id, topic, count: 32, isUnique: true) {
                $0[PropertyName.uniqueKey] == id
            })
    }

    /// The messages with this key among theirs.
    func messages(
        key: String, of topic: String, count: Int32, between times: ClosedRange<Int64>
    ) async throws(AdminError) -> [StoredMessage] {
        try found(
            try await admin.find(key, topic, count: count, between: times) { message in
                (message.keys ?? "").split(separator: " ").contains { $0 == key }
            })
    }

    /// What was found, once it is said who did not answer. Fails where that is all.
    private func found(_ search: Search) throws(AdminError) -> [StoredMessage] {
        if search.messages.isEmpty, let first = search.failures.first {
            search.failures.dropFirst().forEach(fail)
            throw first
        }
        search.failures.forEach(fail)
        return search.messages.sorted { $0.fields.storeTimestamp < $1.fields.storeTimestamp }
    }

    static func nothing(_ what: String, _ topic: String) -> AdminError {
        .absent(
            "the topic \(topic) has no message with \(what)",
            advice: "see that both are right, and that it is not older than what brokers keep")
    }
}

/// What brokers found, and why some found nothing.
private struct Search {
    var messages: [StoredMessage] = []
    var failures: [AdminError] = []
}

extension Admin {
    fileprivate func message(
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

    /// Asks the index of each broker that has the topic. It goes by hashes: `isWanted` has a look.
    fileprivate func find(
        _ key: String, _ topic: String, count: Int32,
        between times: ClosedRange<Int64> = 0...Int64.max, isUnique: Bool = false,
        _ isWanted: (StoredMessage) -> Bool
    ) async throws(AdminError) -> Search {
        var fields: HeaderFields = [
            "topic": topic, "key": key, "maxNum": "\(count)",
            "beginTimestamp": "\(times.lowerBound)", "endTimestamp": "\(times.upperBound)",
        ]
        if isUnique { fields["_UNIQUE_KEY_QUERY"] = "true" }
        let wish = "look for messages of the topic \(topic) by \(key)"
        var search = Search()
        for address in try await route(of: topic).readable {
            do throws(AdminError) {
                let answer = try await ask(
                    address, to: wish, .queryMessage, fields, accepting: [.success, .queryNotFound])
                if answer.responseCode == .success {
                    search.messages += try Self.messages(answer, wish, address).filter {
                        $0.topic == topic && isWanted($0)
                    }
                }
            } catch {
                search.failures.append(error)
            }
        }
        return search
    }
}
