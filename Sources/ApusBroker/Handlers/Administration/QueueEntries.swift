// QUERY_CONSUME_QUEUE (321): the entries of a ConsumeQueue as they stand there.

import ApusFormat
import ApusRemoting
import ApusStore
import Synchronization

extension BrokerCore {
    func queueEntries(_ command: RemotingCommand) throws(Refusal) -> Response {
        let fields = command.fields
        let topic = try fields.requiredText("topic")
        let (id, index, count) = try Refusal.fields { () throws(HeaderError) in
            (
                try fields.int32("queueId"), try fields.int64("index"),
                try fields.int32("count")
            )
        }
        guard let queue = try existingQueue(topic: topic, id: id) else {
            throw Refusal(.systemError, "\(id)@\(topic) is not exist!")
        }
        let (low, high) = try Refusal.store { () throws(StoreError) in
            (try store.minimumOffset(queue), try store.maximumOffset(queue))
        }
        var members: JSONObject = [
            "maxQueueIndex": .integer(high), "minQueueIndex": .integer(low),
        ]
        if let group = fields["consumerGroup"].flatMap({ $0.isEmpty ? nil : $0 }) {
            if let found = clients.withLock({ $0.subscription(group: group, topic: topic) }) {
                members.append("subscriptionData", found.json)
            } else {
                members.append("filterData", .string("\(group)@\(topic) is not online!"))
            }
        }
        guard (low..<max(low, high)).contains(index) else {
            return Response(
                .success, remark: "Index \(index) of \(id)@\(topic) is not exist!",
                body: JSON.object(members).bytes())
        }
        let end = min(high, index &+ Int64(min(max(0, count), Self.entryLimit)))
        members.append("queueData", .array(try entries(index..<max(index, end), of: queue)))
        return Response(json: members)
    }

    private func entries(
        _ offsets: Range<Int64>, of queue: MessageQueue
    ) throws(Refusal) -> [JSON] {
        var list: [JSON] = []
        for offset in offsets {
            let found = try Refusal.store { () throws(StoreError) in
                try queue.queue.unit(at: offset)
            }
            guard let unit = found else { break }
            // RocketMQ's words for an entry whose code is an address.
            let isAddress = unit.tagsCode <= ConsumeQueueUnit.lastExtensionAddress
            var members: JSONObject = [
                "eval": false, "physicOffset": .integer(unit.physicalOffset),
                "physicSize": .integer(Int64(unit.size)), "tagsCode": .integer(unit.tagsCode),
            ]
            if isAddress {
                members.append("msg", .string("Cq extend not exist!addr: \(unit.tagsCode)"))
            }
            list.append(.object(members))
        }
        return list
    }

    /// More are not answered at once; RocketMQ names no limit.
    private static let entryLimit: Int32 = 10_000
}
