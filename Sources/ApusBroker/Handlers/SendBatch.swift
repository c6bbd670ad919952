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
        if !isSync {
            let batch = try Refusal.store { () throws(StoreError) in
                try store.append(to: queue, batch: frames, attributes: draft.attributes)
            }
            statistics.sent(messages: batch.count, bytes: frames.byteCount)
            draft.topic.messagesIn.wrappingAdd(batch.count, ordering: .relaxed)
            if key.isOneWay { return }
            return connection.answer(
                key, sent: batch, ids: messageIDs(batch), queueID: queueID, uniqueID: id, self)
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
                    key, sent: batch, ids: messageIDs(batch), queueID: queueID,
                    uniqueID: uniqueID.rawSpan, self)
            case .failure(let error): connection.refuse(key, Refusal(error))
            }
        }
    }

    /// The offset message ids of a batch, with commas between.
    private func messageIDs(_ batch: BatchAppendResult) -> String {
        var ids: [String] = []
        var offset = batch.first.physicalOffset
        while offset < batch.physicalEnd {
            ids.append(
                OffsetMessageID(storeHost: batch.first.storeHost, physicalOffset: offset).text)
            guard let record = try? store.record(at: offset), record.byteCount > 0 else { break }
            offset += Int64(record.byteCount)
        }
        return ids.joined(separator: ",")
    }
}
