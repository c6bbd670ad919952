// QUERY_MESSAGE (12) and VIEW_MESSAGE_BY_ID (33): records by key, by unique id, and by place.

import ApusFormat
import ApusRemoting
import ApusStore

extension BrokerCore {
    /// Runs as an errand: it reads the index from the disk.
    func queryMessage(_ command: RemotingCommand) throws(Refusal) -> Response {
        let fields = command.fields
        let topic, key: String
        let most: Int32
        let begin, end: Int64
        do throws(HeaderError) {
            topic = try fields.string("topic")
            key = try fields.string("key")
            most = try fields.int32("maxNum")
            begin = try fields.int64("beginTimestamp")
            end = try fields.int64("endTimestamp")
        } catch {
            throw Refusal(error)
        }
        let isUnique = fields.bool("_UNIQUE_KEY_QUERY", or: false)
        let limits = configuration.pulling
        let wanted = isUnique ? limits.indexQueryCount : min(Int(most), limits.indexQueryLimit)
        guard begin <= end else { throw Self.nothingFound }
        let batch = try Refusal.store { () throws(StoreError) in
            try store.records(
                topic: topic, key: key, limit: max(1, wanted), between: max(0, begin)...max(0, end),
                isUnique: isUnique)
        }
        if batch.isEmpty { throw Self.nothingFound }
        var last: (time: Int64, place: Int64) = (0, 0)
        batch.forEach { last = ($0.storeTimestamp, $0.physicalOffset) }
        return Response(
            .success,
            fields: [
                "indexLastUpdateTimestamp": String(last.time),
                "indexLastUpdatePhyoffset": String(last.place),
            ], body: try bytes(of: batch))
    }

    private static let nothingFound = Refusal(
        .queryNotFound, "can not find message, maybe time range not correct")

    /// The account may consume from the topic that the record turns out to be of.
    func viewMessage(
        _ command: RemotingCommand, for account: Account?
    ) throws(Refusal) -> Response {
        let offset: Int64
        do throws(HeaderError) { offset = try command.fields.int64("offset") } catch {
            throw Refusal(error)
        }
        let batch = try record(at: offset)
        try account?.checkConsume(batch)
        return Response(.success, body: try bytes(of: batch))
    }

    /// The record that begins at a place in the log.
    func record(at offset: Int64) throws(Refusal) -> MessageBatch {
        do throws(StoreError) { return try store.record(at: offset) } catch {
            throw Refusal(
                .systemError, "can not find message by the offset: \(offset) (\(error))")
        }
    }

    /// Records as they are stored, one behind the other.
    private func bytes(of batch: MessageBatch) throws(Refusal) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(batch.byteCount)
        batch.forEach { bytes.append(bytesOf: $0.bytes) }
        try Refusal.store { () throws(StoreError) in try batch.checkMappings() }
        return bytes
    }
}
