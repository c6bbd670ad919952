// Sends one message, as RocketMQ's producer does.

import ApusFormat
import ApusRemoting

/// What became of it.
struct SendOutcome: Sendable {
    let broker: String
    let queue: Int32
    let status: String
    /// The id that was sent along.
    let id: String
    let offsetID: String
    let queueOffset: Int64

    var json: JSON {
        let members: JSONObject = [
            "brokerName": .string(broker), "queueId": .integer(Int64(queue)),
            "sendStatus": .string(status), "msgId": .string(id),
            "offsetMsgId": .string(offsetID), "queueOffset": .integer(queueOffset),
        ]
        return .object(members)
    }

    static let table = TextTable(
        .left("#Broker Name", 32), .left("#QID", 4), .left("#Send Result", 20, gap: 4),
        .left("#MsgId", 0))

    var cells: [String] { [broker, "\(queue)", status, id] }
}

/// A message to send.
struct Draft: Sendable {
    let topic: String
    let body: [UInt8]
    var properties: [Property]
    var flag: Int32 = 0
}

extension Admin {
    /// Sends a message to a queue, or to any that may be written. Makes no second attempt: what
    /// failed may have been stored.
    func send(
        _ draft: Draft, to wanted: (broker: String, queue: Int32?)? = nil
    ) async throws(AdminError) -> SendOutcome {
        let route = try await routeToSend(draft.topic)
        let queues = route.queues.filter {
            $0.permission & 2 != 0 && $0.write > 0
                && (wanted?.broker ?? $0.brokerName) == $0.brokerName
                && route.broker($0.brokerName)?.master != nil
        }
        guard let chosen = queues.randomElement(),
            let address = route.broker(chosen.brokerName)?.master
        else {
            throw .absent(
                "no broker\(wanted.map { " \($0.broker)" } ?? "") takes messages of the topic"
                    + " \(draft.topic)",
                advice: "mqadmin topicRoute -t \(draft.topic) shows where it may be written")
        }
        let queue = wanted?.queue ?? Int32.random(in: 0..<chosen.write)
        return try await send(draft, chosen.brokerName, address, queue)
    }

    /// The route of a topic, or that by which brokers make a topic that is not there.
    private func routeToSend(_ topic: String) async throws(AdminError) -> Route {
        try await route(ofAnyOf: [topic, TopicName.template])
    }

    private func send(
        _ draft: Draft, _ broker: String, _ address: String, _ queue: Int32
    ) async throws(AdminError) -> SendOutcome {
        let wish = "store a message of the topic \(draft.topic) in queue \(queue)"
        var draft = draft
        let id: String
        if let known = draft.properties.last(where: { $0.name == PropertyName.uniqueKey }) {
            id = known.value
        } else {
            id = Self.uniqueIDs.next(milliseconds: TimeText.now)
            draft.properties.append(Property(name: PropertyName.uniqueKey, value: id))
        }
        guard
            draft.properties.allSatisfy({ Properties.isEncodable(name: $0.name, value: $0.value) })
        else {
            throw .absent(
                "keys and tags cannot hold control characters", advice: "send it without them")
        }
        let fields: HeaderFields = [
            "a": "mqadmin", "b": draft.topic, "c": TopicName.template, "d": "4",
            "e": "\(queue)", "f": "0", "g": "\(TimeText.now)", "h": "\(draft.flag)",
            "i": String(decoding: Properties.encode(draft.properties), as: UTF8.self), "j": "0",
            "k": "false", "m": "false", "n": broker,
        ]
        let answer = try await ask(
            address, to: wish, .sendMessageV2, fields, body: draft.body,
            accepting: Set(Self.statuses.keys))
        return SendOutcome(
            broker: broker, queue: answer.fields["queueId"].flatMap { Int32($0) } ?? queue,
            status: Self.statuses[answer.responseCode] ?? "SEND_OK", id: id,
            offsetID: answer.fields["msgId"] ?? "",
            queueOffset: answer.fields["queueOffset"].flatMap { Int64($0) } ?? -1)
    }

    /// The answers of a broker that has stored the message.
    private static let statuses: [ResponseCode: String] = [
        .success: "SEND_OK", .flushDiskTimeout: "FLUSH_DISK_TIMEOUT",
        .flushSlaveTimeout: "FLUSH_SLAVE_TIMEOUT", .slaveNotAvailable: "SLAVE_NOT_AVAILABLE",
    ]

    private static let uniqueIDs = UniqueIDGenerator(
        host: .loopback(port: 0), processID: Int32.random(in: 1 ... .max),
        instance: Int32.random(in: .min ... .max))
}
