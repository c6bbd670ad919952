// GET_MAX_OFFSET (30), GET_MIN_OFFSET (31), SEARCH_OFFSET_BY_TIMESTAMP (29) and
// GET_EARLIEST_MSG_STORETIME (32). A queue without messages begins and ends at 0.

import ApusRemoting
import ApusStore

extension BrokerCore {
    func maximumOffset(_ request: borrowing Request) throws(Refusal) -> Response {
        try offset(request) { (queue) throws(StoreError) in try store.maximumOffset(queue) }
    }

    func minimumOffset(_ request: borrowing Request) throws(Refusal) -> Response {
        try offset(request) { (queue) throws(StoreError) in try store.minimumOffset(queue) }
    }

    func searchOffset(_ request: borrowing Request) throws(Refusal) -> Response {
        let time: Int64
        do throws(HeaderError) { time = try request.int64("timestamp") } catch {
            throw Refusal(error)
        }
        let boundary: TimeBoundary =
            request.optionalString("boundaryType")?.uppercased() == "UPPER" ? .upper : .lower
        return try offset(request) { (queue) throws(StoreError) in
            try store.offset(in: queue, at: time, boundary: boundary)
        }
    }

    private func offset(
        _ request: borrowing Request, _ find: (MessageQueue) throws(StoreError) -> Int64
    ) throws(Refusal) -> Response {
        let place = try QueuePlace(request)
        guard let queue = try existingQueue(topic: place.topic, id: place.queueID) else {
            return Response(.success, fields: ["offset": "0"])
        }
        let offset = try Refusal.store { () throws(StoreError) in try find(queue) }
        return Response(.success, fields: ["offset": String(offset)])
    }

    /// When the first message that is kept was stored; -1 when there is none.
    func earliestStoreTime(_ request: borrowing Request) throws(Refusal) -> Response {
        let place = try QueuePlace(request)
        let queue = try existingQueue(topic: place.topic, id: place.queueID)
        let time = try queue.map { (queue) throws(Refusal) in try earliestTime(queue) } ?? -1
        return Response(.success, fields: ["timestamp": String(time)])
    }

    func earliestTime(_ queue: MessageQueue) throws(Refusal) -> Int64 {
        try Refusal.store { () throws(StoreError) in
            let batch = try store.read(queue, from: store.minimumOffset(queue), count: 1)
            var time: Int64 = -1
            batch.forEach { time = $0.storeTimestamp }
            return time
        }
    }
}
