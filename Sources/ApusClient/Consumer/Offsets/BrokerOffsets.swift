// Offsets that brokers keep for a group: each the ones of its own queues.

internal import ApusRemoting
internal import Logging

/// The offsets of a group in a cluster.
struct BrokerOffsets: OffsetKeeper {
    let core: ClientCore
    let group: String

    func offset(of queue: MessageQueue) async throws(ClientError) -> Int64? {
        let attempt = "asking how far \(group) has come in \(queue)"
        let address = try core.anyAddress(of: queue.broker, attempt)
        let answer = try await core.ask(
            .request(.queryConsumerOffset, fields: fields(queue)), on: address, attempt)
        if answer.responseCode == .queryNotFound { return nil }
        guard answer.responseCode == .success else { throw ClientError(answer, attempt) }
        do throws(HeaderError) { return try answer.fields.int64("offset") } catch {
            throw ClientError(.badAnswer, attempt, "\(error)")
        }
    }

    func keep(_ offsets: [MessageQueue: Int64]) async -> Set<MessageQueue> {
        await withTaskGroup(of: MessageQueue?.self) { tasks in
            for (queue, offset) in offsets {
                tasks.addTask { await keep(offset, of: queue) ? queue : nil }
            }
            var kept: Set<MessageQueue> = []
            for await queue in tasks { if let queue { kept.insert(queue) } }
            return kept
        }
    }

    /// Only a master takes offsets.
    private func keep(_ offset: Int64, of queue: MessageQueue) async -> Bool {
        let attempt = "committing offset \(offset) of \(queue)"
        var fields = fields(queue)
        fields.append("commitOffset", offset)
        do throws(ClientError) {
            let address = try core.master(of: queue.broker, attempt)
            _ = try await core.demand(
                .request(.updateConsumerOffset, fields: fields), on: address, attempt)
            return true
        } catch {
            core.logger.warning(
                "an offset was not committed: what was consumed behind the last one may come again",
                metadata: ["reason": "\(error)"])
            return false
        }
    }

    private func fields(_ queue: MessageQueue) -> HeaderFields {
        [
            "consumerGroup": group, "topic": queue.topic, "queueId": "\(queue.id)",
            "bname": queue.broker,
        ]
    }
}
