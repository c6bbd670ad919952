// INVOKE_BROKER_TO_RESET_OFFSET (222): an administrator sets where a group goes on. Its consumers
// learn of it with their next pull, and commit nothing older in between.

import ApusRemoting
import ApusStore
import Synchronization

extension BrokerCore {
    func resetOffset(_ command: RemotingCommand) throws(Refusal) -> Response {
        let wish = try ResetWish(command.fields)
        guard let topic = state.topics.topic(wish.topic) else {
            throw Refusal(.topicNotExist, "Topic \(wish.topic) does not exist")
        }
        guard state.groups.group(wish.group) != nil else {
            throw Refusal(.subscriptionGroupNotExist, "Group \(wish.group) does not exist")
        }
        let queues =
            wish.queueID >= 0 ? wish.queueID..<wish.queueID + 1 : topic.settings.readQueueIDs
        var bytes = Array("{\"offsetTable\":{".utf8)
        for id in queues {
            let offset = try offset(wish, queue: id)
            state.offsets.reset(group: wish.group, topic: wish.topic, queue: id, to: offset)
            let key: JSONObject = [
                "brokerName": .string(configuration.name), "queueId": .integer(Int64(id)),
                "topic": .string(wish.topic),
            ]
            if id != queues.lowerBound { bytes.append(UInt8(ascii: ",")) }
            JSON.object(key).write(into: &bytes)
            bytes.append(contentsOf: ":\(offset)".utf8)
        }
        hasResets.store(true, ordering: .releasing)
        return Response(.success, body: bytes + Array("}}".utf8))
    }

    private func offset(_ wish: ResetWish, queue id: Int32) throws(Refusal) -> Int64 {
        guard let queue = try existingQueue(topic: wish.topic, id: id) else { return 0 }
        return try Refusal.store { () throws(StoreError) in
            let bounds = try store.minimumOffset(queue)...store.maximumOffset(queue)
            if wish.queueID >= 0, let offset = wish.offset {
                return min(max(offset, bounds.lowerBound), bounds.upperBound)
            }
            // Java's tools ask for the end with -1.
            return wish.timestamp < 0
                ? bounds.upperBound : try store.offset(in: queue, at: wish.timestamp)
        }
    }

    /// Where a pull is to go on instead, when an administrator has said so since.
    func takeReset(_ group: Group, _ topic: Topic, queue: Int32) -> Int64? {
        guard hasResets.load(ordering: .acquiring) else { return nil }
        return state.offsets.takeReset(group: group.name, topic: topic.name, queue: queue)
    }
}

/// The fields of the request.
private struct ResetWish {
    let topic: String
    let group: String
    let timestamp: Int64
    /// -1 for all.
    let queueID: Int32
    let offset: Int64?

    init(_ fields: HeaderFields) throws(Refusal) {
        do throws(HeaderError) {
            topic = try fields.string("topic")
            group = try fields.string("group")
            timestamp = try fields.int64("timestamp")
            queueID = try fields.int32("queueId", or: -1)
            let wanted = try fields.int64("offset", or: -1)
            offset = wanted < 0 ? nil : wanted
        } catch {
            throw Refusal(error)
        }
        guard queueID < TopicTable.queueLimit else {
            throw Refusal(.systemError, "there is no queue \(queueID)")
        }
    }
}
