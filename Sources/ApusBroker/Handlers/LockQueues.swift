// LOCK_BATCH_MQ (41) and UNLOCK_BATCH_MQ (42): queues that are consumed in order belong to one
// consumer of the group at a time.

import ApusRemoting
import Synchronization

extension BrokerCore {
    func lockQueues(_ request: borrowing Request) throws(Refusal) -> Response {
        let wish = try LockWish(request.body)
        let held = locks.withLock {
            $0.lock(wish.queues, group: wish.group, client: wish.client, now: now)
        }
        return Response(json: ["lockOKMQSet": .array(held.map(\.json))])
    }

    func unlockQueues(_ request: borrowing Request) throws(Refusal) -> Response {
        let wish = try LockWish(request.body)
        locks.withLock { $0.unlock(wish.queues, group: wish.group, client: wish.client) }
        return Response(.success)
    }
}

/// The body of both requests.
private struct LockWish {
    let group: String
    let client: String
    let queues: [LockedQueue]

    init(_ body: RawSpan) throws(Refusal) {
        let json = try Refusal.json(body)
        guard let group = json["consumerGroup"]?.string, let client = json["clientId"]?.string
        else {
            throw Refusal(.systemError, "the body lacks consumerGroup or clientId")
        }
        if let complaint = NameRules.complaint(group: group) {
            throw Refusal(.systemError, complaint)
        }
        self.group = group
        self.client = client
        queues = (json["mqSet"]?.array ?? []).prefix(QueueLocks.limitOfGroup).compactMap {
            LockedQueue(json: $0)
        }
    }
}

extension LockedQueue {
    fileprivate init?(json: JSON) {
        guard let topic = json["topic"]?.string, let queueID = json["queueId"]?.int32 else {
            return nil
        }
        self.init(topic: topic, brokerName: json["brokerName"]?.string ?? "", queueID: queueID)
    }

    fileprivate var json: JSON {
        let members: JSONObject = [
            "brokerName": .string(brokerName), "queueId": .integer(Int64(queueID)),
            "topic": .string(topic),
        ]
        return .object(members)
    }
}
