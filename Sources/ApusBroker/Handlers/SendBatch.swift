// A batch: messages of one queue in one request, stored one behind the other, all or none. Their
// frames go into the log as the client encoded them.

import ApusFormat
import ApusRemoting
import ApusStore
import Synchronization

extension BrokerCore {
    func store(
        batch frames: RawSpan, given: RawSpan, _ draft: MessageDraft, on connection: Connection
    ) throws(Refusal) {
        let id = given.extracting(PropertyScan(given).uniqueKey)
        let queue = try self.queue(draft.topic, draft.queueID)
        let key = draft.key
        let queueID = draft.queueID
        let lengths = Self.lengths(frames)
        if !isSync {
            let batch = try Refusal.store { () throws(StoreError) in
                try store.append(to: queue, batch: frames, attributes: draft.attributes)
            }
            statistics.sent(messages: batch.count, bytes: frames.byteCount)
            draft.topic.messagesIn.wrappingAdd(batch.count, ordering: .relaxed)
            if key.isOneWay { return }
            return connection.answer(
                key, sent: batch, ids: messageIDs(batch, lengths), queueID: queueID, uniqueID: id,
                self)
        }
        try admitWaiting()
        let byteCount = frames.byteCount
        let topic = draft.topic
        let uniqueID = [UInt8](id)
        store.append(to: queue, batch: frames, attributes: draft.attributes) { [self] outcome in
            statistics.waitingSends.wrappingSubtract(1, ordering: .relaxed)
            switch outcome {
            case .success(let batch):
                statistics.sent(messages: batch.count, bytes: byteCount)
                topic.messagesIn.wrappingAdd(batch.count, ordering: .relaxed)
                connection.answer(
                    key, sent: batch, ids: messageIDs(batch, lengths), queueID: queueID,
                    uniqueID: uniqueID.rawSpan, self)
            case .failure(let error): connection.refuse(key, Refusal(error))
            }
        }
    }

    /// The bytes of body and properties of each message of a batch.
    private static func lengths(_ frames: RawSpan) -> [Int] {
        var lengths: [Int] = []
        lengths.reserveCapacity(64)
        var place = 0
        // The store refuses what does not end with its last frame.
        while let frame = try? ClientBatch.frame(in: frames, at: place) {
            lengths.append(frame.bodyLength + frame.propertiesLength)
            place = frame.end
        }
        return lengths
    }

    /// The offset message ids of a batch, with commas between.
    private func messageIDs(_ batch: BatchAppendResult, _ lengths: [Int]) -> [UInt8] {
        var ids: [UInt8] = []
        ids.reserveCapacity(33 * batch.count)
        for offset in offsets(of: batch, lengths) {
            if !ids.isEmpty { ids.append(UInt8(ascii: ",")) }
            ids.append(bytesOf: sendAnswers.messageIDHead.with(offset: offset).bytes)
        }
        return ids
    }

    /// Where the records of a batch begin. What a record has besides body and properties is the
    /// same in all of them, unless the store had to change one: then these do not end where the
    /// batch does, and the records themselves tell.
    private func offsets(of batch: BatchAppendResult, _ lengths: [Int]) -> [Int64] {
        var offsets: [Int64] = []
        offsets.reserveCapacity(batch.count)
        var end = batch.first.physicalOffset
        let common = batch.first.byteCount - (lengths.first ?? 0)
        for length in lengths {
            offsets.append(end)
            end += Int64(common + length)
        }
        if end == batch.physicalEnd { return offsets }
        offsets.removeAll()
        end = batch.first.physicalOffset
        while end < batch.physicalEnd {
            offsets.append(end)
            guard let record = try? store.record(at: end), record.byteCount > 0 else { break }
            end += Int64(record.byteCount)
        }
        return offsets
    }
}
