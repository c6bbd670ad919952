// QUERY_CONSUMER_OFFSET (14) and UPDATE_CONSUMER_OFFSET (15): how far a group has come.

import ApusRemoting
import ApusStore

extension BrokerCore {
    func queryConsumerOffset(_ request: borrowing Request) throws(Refusal) -> Response {
        let place = try QueuePlace(request)
        let group: String
        do throws(HeaderError) { group = try request.string("consumerGroup") } catch {
            throw Refusal(error)
        }
        if let offset = state.offsets.offset(
            group: group, topic: place.topic, queue: place.queueID)
        {
            return Response(.success, fields: ["offset": String(offset)])
        }
        // A new group begins at the first message while all of the queue is there and near,
        // whatever it says of itself: Java's clients depend on it.
        if request.bool("setZeroIfNotFound", or: true), try isNearFromStart(place) {
            return Response(.success, fields: ["offset": "0"])
        }
        throw Refusal(
            .queryNotFound, "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first")
    }

    /// Whether the queue's very first message is there, and recent enough to be in memory.
    private func isNearFromStart(_ place: QueuePlace) throws(Refusal) -> Bool {
        guard let queue = try existingQueue(topic: place.topic, id: place.queueID) else {
            return false
        }
        return try Refusal.store { () throws(StoreError) in
            guard try store.minimumOffset(queue) == 0 else { return false }
            let batch = try store.read(queue, from: 0, count: 1)
            var first: Int64?
            batch.forEach { first = $0.physicalOffset }
            guard let first else { return false }
            return store.published - first <= nearByteCount
        }
    }

    func updateConsumerOffset(_ request: borrowing Request) throws(Refusal) -> Response {
        let place = try QueuePlace(request)
        let group: String
        let offset: Int64
        do throws(HeaderError) {
            group = try request.string("consumerGroup")
            offset = try request.int64("commitOffset")
        } catch {
            throw Refusal(error)
        }
        guard state.topics.topic(place.topic) != nil else {
            throw Refusal(.topicNotExist, "Topic \(place.topic) not exist!")
        }
        if let complaint = NameRules.complaint(group: group) {
            throw Refusal(.systemError, complaint)
        }
        if state.offsets.hasReset(group: group, topic: place.topic, queue: place.queueID) {
            return Response(.success, remark: "Offset has been previously reset")
        }
        guard place.queueID >= 0, place.queueID < TopicTable.queueLimit, offset >= 0 else {
            throw Refusal(
                .systemError, "queue \(place.queueID) has no offset \(offset) to commit")
        }
        state.offsets.commit(
            group: group, topic: place.topic, queue: place.queueID, offset: offset)
        return Response(.success)
    }
}

/// The topic and the queue that a request names.
struct QueuePlace {
    let topic: String
    let queueID: Int32

    init(_ request: borrowing Request) throws(Refusal) {
        do throws(HeaderError) {
            topic = try request.string("topic")
            queueID = try request.int32("queueId")
        } catch {
            throw Refusal(error)
        }
    }
}
