// What brokers ask the members of a group, on behalf of whoever administers it.

internal import ApusFormat
internal import ApusRemoting
internal import ApusSystem
internal import Logging
internal import Synchronization

/// Answers at once what can be, and keeps the rest for a task.
final class GroupRequests: Sendable {
    private let waiting = Mutex<[BrokerRequest]>([])
    let bell = Bell()

    /// Requests that wait at most.
    private static let limit = 1000

    /// Takes requests from now on, each when it comes.
    func listen(to member: GroupMember) {
        let requests = member.core.requests
        requests.onRequest(.resetConsumerClientOffset) { [weak member] request in
            member?.reset(by: request.command)
            request.connection.respond(to: request.key, Response(.success))
        }
        requests.onRequest(.getConsumerStatusFromClient) { [weak member] request in
            guard let member else { return }
            request.connection.respond(
                to: request.key,
                Response(.success, body: member.statusBody(of: request.command.fields["topic"])))
        }
        requests.onRequest(.getConsumerRunningInfo) { [weak member] request in
            guard let member else { return }
            request.connection.respond(
                to: request.key, Response(.success, body: member.runningInfo))
        }
    }

    /// Lets administrators give a message to the handler.
    func keepDirect(_ requests: BrokerRequests) {
        requests.onRequest(.consumeMessageDirectly) { [weak self] request in
            guard let self else { return }
            let isKept = waiting.withLock { waiting in
                if waiting.count >= Self.limit { return false }
                waiting.append(request)
                return true
            }
            if isKept {
                bell.ring()
            } else {
                request.connection.respond(
                    to: request.key, Response(.systemBusy, remark: "too many wait already"))
            }
        }
    }

    func takeAll() -> [BrokerRequest] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }
}

extension GroupMember {
    /// Sets queues that are held to the offsets that the body names: by Java's map, whose keys are
    /// objects, or by the list that is made for other clients.
    func reset(by command: RemotingCommand) {
        guard let json = try? JSON(parsing: command.body.rawSpan), let table = json["offsetTable"]
        else {
            logger.warning("a request to reset offsets cannot be read")
            return
        }
        var offsets: [MessageQueue: Int64] = [:]
        for member in table.object?.members ?? [] {
            guard let key = try? JSON(parsing: member.name), let queue = MessageQueue(key) else {
                continue
            }
            offsets[queue] = member.value.int64
        }
        for entry in table.array ?? [] {
            if let queue = MessageQueue(entry) { offsets[queue] = entry["offset"]?.int64 }
        }
        for (queue, offset) in offsets where offset >= 0 {
            guard let held = held(queue), !held.isDropped else { continue }
            logger.info(
                "an offset was reset", metadata: ["queue": "\(queue)", "offset": "\(offset)"])
            held.reset(to: offset)
        }
    }

    /// How far it has come, by queue.
    func statusBody(of topic: String?) -> [UInt8] {
        var table = JSONObject()
        for held in heldQueues where topic == nil || held.queue.topic == topic {
            table.append(held.queue, .integer(held.report.consumedOffset))
        }
        let fields: JSONObject = [
            "consumerTable": .object([:]), "messageQueueTable": .object(table),
        ]
        return JSON.object(fields).bytes(.fastjson)
    }

    /// RocketMQ's ConsumerRunningInfo, as far as it means something here.
    var runningInfo: [UInt8] {
        var table = JSONObject()
        for held in heldQueues.sorted(by: { $0.queue < $1.queue }) {
            let report = held.report
            let fields: JSONObject = [
                "cachedMsgCount": .integer(Int64(report.heldMessages)),
                "cachedMsgMaxOffset": .integer(report.nextOffset),
                "cachedMsgMinOffset": .integer(report.consumedOffset),
                "cachedMsgSizeInMiB": .integer(Int64(report.heldBytes >> 20)),
                "commitOffset": .integer(report.committedOffset ?? 0), "droped": false,
                "lastConsumeTimestamp": 0, "lastLockTimestamp": 0, "lastPullTimestamp": 0,
                "locked": .bool(hasLocks), "transactionMsgCount": 0, "transactionMsgMaxOffset": 0,
                "transactionMsgMinOffset": 0, "tryUnlockTimes": 0,
            ]
            table.append(held.queue, .object(fields))
        }
        let properties: JSONObject = [
            "PROP_CLIENT_VERSION": "V5_3_3", "PROP_CONSUME_ORDERLY": .string("\(isOrderly)"),
            "PROP_CONSUME_TYPE": "CONSUME_PASSIVELY",
            "PROP_CONSUMER_START_TIMESTAMP": .string("\(version)"),
            "PROP_NAMESERVER_ADDR": .string(
                configuration.client.nameServers.joined(separator: ";")),
            "PROP_THREADPOOL_CORE_SIZE": .string("\(configuration.concurrency)"),
        ]
        let fields: JSONObject = [
            "mqPopTable": .object([:]), "mqTable": .object(table),
            "properties": .object(properties),
            "statusTable": .object([:]),
            "subscriptionSet": .array(subscriptions.map { $0.json(version: version) }),
            "userConsumerInfo": .object([:]),
        ]
        return JSON.object(fields).bytes(.fastjson)
    }
}

extension JSONObject {
    /// A member as fastjson writes maps whose keys are objects: the key stands there as it is.
    fileprivate mutating func append(_ queue: MessageQueue, _ value: JSON) {
        append(bare: String(decoding: JSON.object(queue.json).bytes(), as: UTF8.self), value)
    }
}
