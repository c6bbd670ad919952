// What a request needs its account to be allowed: RocketMQ's rules, and a few that it lacks.
//
// A group is consumed as, a topic is sent to or consumed from; a retry topic goes by its group.
// RocketMQ checks no batches (320), replies (324, 325), lite pulls, offsets, locks, nor records by
// their place; and it wants PUB on the topic from a consumer that sends a message back, which goes
// to the group alone.

import ApusFormat
import ApusRemoting
import ApusStore

extension Account {
    /// Refuses what the account may not do. Of a missing field its handler complains.
    func check(_ request: borrowing Request) throws(Refusal) {
        switch request.code {
        case .sendMessage, .sendMessageV2, .sendBatchMessage:
            let names = SendFieldNames.names(for: request.code)
            try checkSend(to: request.optionalString(names.topic))
        case .sendReplyMessage, .sendReplyMessageV2:
            let names = SendFieldNames.names(forReply: request.code)
            try checkSend(to: request.optionalString(names.topic))
        case .endTransaction: try checkSend(to: request.optionalString("topic"))
        case .pullMessage, .litePullMessage, .updateConsumerOffset, .queryConsumerOffset,
            .consumeMessageDirectly:
            try checkConsume(from: request.optionalString("topic"))
            try checkConsume(as: request.optionalString("consumerGroup"))
        case .consumerSendMsgBack:
            try checkConsume(from: request.optionalString("originTopic"))
            try checkConsume(as: request.optionalString("group"))
        case .queryMessage, .viewMessageById:
            try checkConsume(from: request.optionalString("topic"))
        case .getMaxOffset, .getMinOffset, .searchOffsetByTimestamp, .getEarliestMsgStoretime,
            .queryConsumeQueue:
            try checkEither(request.optionalString("topic"))
        case .unregisterClient, .getConsumerListByGroup:
            try checkConsume(as: request.optionalString("consumerGroup"))
        case .heartBeat:
            for consumer in try Heartbeat(request.body).consumers {
                try checkConsume(as: consumer.group)
                for one in consumer.subscriptions ?? [] { try checkConsume(from: one.topic) }
            }
        case .lockBatchMq, .unlockBatchMq:
            try checkConsume(as: try Refusal.json(request.body)["consumerGroup"]?.string)
        default: try checkAdministration(request.code)
        }
    }

    private static let administration: Set<RequestCode> = [
        .updateAndCreateTopic, .updateAndCreateTopicList, .deleteTopicInBroker,
        .updateAndCreateSubscriptiongroup, .updateAndCreateSubscriptiongroupList,
        .deleteSubscriptiongroup, .updateBrokerConfig, .invokeBrokerToResetOffset,
        .cloneGroupOffset,
    ]

    private func checkAdministration(_ code: RequestCode) throws(Refusal) {
        if isAdministrator || !Self.administration.contains(code) { return }
        throw Refusal(
            .noPermission,
            "Need admin permission for request code=\(code.rawValue), but accessKey=\(accessKey) "
                + "is not")
    }

    /// Messages to the topic of traces are always taken, as with RocketMQ.
    func checkSend(to topic: String?) throws(Refusal) {
        guard let topic, topic != "RMQ_SYS_TRACE_TOPIC" else { return }
        if let group = Self.group(ofRetryTopic: topic) { return try checkConsume(as: group) }
        if !may(.send, topic: topic) { throw Self.refusal(topic: topic) }
    }

    /// The same for records that were asked for by their place: what the request says of their
    /// topic may be a lie, or nothing.
    func checkConsume(_ records: MessageBatch) throws(Refusal) {
        var refusal: Refusal?
        records.forEach { record in
            do throws(Refusal) {
                try checkConsume(from: String(decodingUTF8: record.topic))
            } catch {
                refusal = error
            }
        }
        if let refusal { throw refusal }
    }

    private func checkConsume(from topic: String?) throws(Refusal) {
        guard let topic else { return }
        if let group = Self.group(ofRetryTopic: topic) { return try checkConsume(as: group) }
        if !may(.consume, topic: topic) { throw Self.refusal(topic: topic) }
    }

    private func checkEither(_ topic: String?) throws(Refusal) {
        guard let topic else { return }
        if let group = Self.group(ofRetryTopic: topic) { return try checkConsume(as: group) }
        if !may([.send, .consume], topic: topic) { throw Self.refusal(topic: topic) }
    }

    private func checkConsume(as group: String?) throws(Refusal) {
        guard let group, !group.isEmpty, !mayConsume(asGroup: group) else { return }
        throw Refusal(.noPermission, "No default permission for group: \(group)")
    }

    private static func refusal(topic: String) -> Refusal {
        Refusal(.noPermission, "No default permission for topic: \(topic)")
    }

    private static func group(ofRetryTopic topic: String) -> String? {
        guard topic.hasPrefix(WellKnownName.retryPrefix) else { return nil }
        return String(topic.dropFirst(WellKnownName.retryPrefix.count))
    }
}
