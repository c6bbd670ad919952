// Step 7 in the life of a message: offset → lease → frame, or park for a long poll.
//
// PULL_MESSAGE (11) and LITE_PULL_MESSAGE (361). What is sent are the records as they are stored.

import ApusFormat
import ApusRemoting
import ApusStore
import Synchronization

/// The bits of a pull's sysFlag.
private struct PullFlags: OptionSet {
    let rawValue: Int32
    static let commitsOffset = PullFlags(rawValue: 1)
    static let maySuspend = PullFlags(rawValue: 2)
    static let hasSubscription = PullFlags(rawValue: 4)
}

extension BrokerCore {
    func pullMessage(
        _ request: borrowing Request, on connection: Connection
    ) throws(Refusal) {
        guard configuration.permission.contains(.read) else {
            throw Refusal(
                .noPermission, "the broker[\(configuration.name)] pulling message is forbidden")
        }
        guard let name = request.bytes("consumerGroup") else {
            throw Refusal(HeaderError(field: "consumerGroup", problem: .missing))
        }
        guard let group = state.groups.group(utf8: name) else {
            return try makeGroup(for: request, on: connection)
        }
        try pullMessage(request, for: group, on: connection)
    }

    /// A group is made when it is first heard of; that waits for the disk.
    private func makeGroup(
        for request: borrowing Request, on connection: Connection
    ) throws(Refusal) {
        let name = try Refusal.fields { () throws(HeaderError) in
            try request.string("consumerGroup")
        }
        if let complaint = NameRules.complaint(group: name) {
            throw Refusal(.systemError, complaint)
        }
        let command = request.command
        later(connection, request.replyKey) { (core) throws(Refusal) in
            let group = try core.knownGroup(name)
            try command.withRequest { (request) throws(Refusal) in
                try core.pullMessage(request, for: group, on: connection)
            }
        }
    }

    private func pullMessage(
        _ request: borrowing Request, for group: Group, on connection: Connection
    ) throws(Refusal) {
        guard group.settings.isEnabled else {
            throw Refusal(.noPermission, "subscription group no permission, \(group.name)")
        }
        let topic = try pulledTopic(request)
        let flags: PullFlags
        let queueID, most: Int32
        let offset, commitOffset, timeout, version: Int64
        do throws(HeaderError) {
            flags = PullFlags(rawValue: try request.int32("sysFlag"))
            queueID = try request.int32("queueId")
            offset = try request.int64("queueOffset")
            most = try request.int32("maxMsgNums")
            commitOffset = try request.int64("commitOffset")
            timeout = try request.int64("suspendTimeoutMillis")
            version = try request.int64("subVersion", or: 0)
        } catch {
            throw Refusal(error)
        }
        guard queueID >= 0, queueID < topic.settings.readQueues else {
            throw Refusal(
                .systemError,
                "queueId[\(queueID)] is illegal, topic:[\(topic.name)] topicConfig.readQueueNums:"
                    + "[\(topic.settings.readQueues)] consumer:[\(connection.remoteAddress)]")
        }
        let filter =
            flags.contains(.hasSubscription)
            ? try Self.filter(inline: request)
            : try self.filter(of: group, topic: topic.name, version: version)
        let settings = configuration.pulling
        let pull = HeldPull(
            connection: connection, key: request.replyKey, queue: try queue(topic, queueID),
            offset: offset, count: min(Int(max(1, most)), settings.hotCount, settings.batchLimit),
            byteCount: settings.hotByteCount, filter: filter,
            topicFlag: topic.settings.systemFlag, groupFlag: group.settings.systemFlag)
        // First: how far the consumer had come is not to take the place of what was set.
        if let reset = takeReset(group, topic, queue: queueID) {
            return connection.answer(pull, resetTo: reset)
        }
        if flags.contains(.commitsOffset), commitOffset >= 0 {
            state.offsets.commit(
                group: group.name, topic: topic.name, queue: queueID, offset: commitOffset)
        }
        let wait = settings.holdsPulls ? timeout : settings.shortPollMilliseconds
        let mayWait =
            flags.contains(.maySuspend) && wait > 0 && !isStopping.load(ordering: .relaxed)
        finish(pull) { rest in
            // A client is told of messages that it does not want before it waits, as Java does.
            mayWait && rest.offset == offset
                && hold(rest, until: now + min(wait, Self.longestPoll))
        }
    }

    /// No pull is held longer, in milliseconds: clients give up after 30 seconds.
    private static let longestPoll: Int64 = 60_000

    private func pulledTopic(_ request: borrowing Request) throws(Refusal) -> Topic {
        guard let name = request.bytes("topic") else {
            throw Refusal(HeaderError(field: "topic", problem: .missing))
        }
        guard let topic = state.topics.topic(utf8: name) else {
            throw Refusal(
                .topicNotExist,
                "topic[\(String(decodingUTF8: name))] not exist, apply first please!")
        }
        guard topic.settings.permission.contains(.read) else {
            throw Refusal(
                .noPermission, "the topic[\(topic.name)] pulling message is forbidden")
        }
        return topic
    }

    /// The subscription that came with the pull.
    private static func filter(inline request: borrowing Request) throws(Refusal) -> TagFilter {
        if let type = request.optionalString("expressionType"), !type.isEmpty,
            type != Subscription.tags
        {
            throw Refusal(
                .systemError, "The broker does not support consumer to filter message by \(type)")
        }
        guard let text = request.bytes("subscription"), text.byteCount > 0 else { return .all }
        if text.byteCount == 1, text.loadBigEndian(UInt8.self, at: 0) == UInt8(ascii: "*") {
            return .all
        }
        return TagFilter(String(decodingUTF8: text))
    }

    /// The subscription that the group's heartbeats have told of.
    private func filter(
        of group: Group, topic: String, version: Int64
    ) throws(Refusal) -> TagFilter {
        let (consumption, subscription) = clients.withLock {
            let known = $0.consumers[group.name]
            return (known?.consumption, known?.subscriptions[topic])
        }
        guard let consumption else {
            throw Refusal(.subscriptionNotExist, "the consumer's group info not exist")
        }
        if !group.settings.allowsBroadcast, consumption.isBroadcasting {
            throw Refusal(
                .noPermission,
                "the consumer group[\(group.name)] can not consume by broadcast way")
        }
        guard let subscription else {
            throw Refusal(.subscriptionNotExist, "the consumer's subscription not exist")
        }
        guard subscription.version >= version else {
            throw Refusal(.subscriptionNotLatest, "the consumer's subscription not latest")
        }
        guard subscription.isByTags else {
            throw Refusal(
                .systemError,
                "The broker does not support consumer to filter message by "
                    + subscription.expressionType)
        }
        return subscription.filter
    }
}
