// CONSUMER_SEND_MSG_BACK (36): a message that could not be consumed comes again later, by way of
// the delay levels and the group's retry topic; after too many times it goes to the dead letters.

import ApusFormat
import ApusRemoting
import ApusServer
import ApusStore

extension BrokerCore {
    /// Runs as an errand: topics may have to be made. The group will get the message, so its
    /// account has to be one that may.
    func sendBack(
        _ command: RemotingCommand, on connection: Connection, key: ReplyKey, for account: Account?
    ) throws(Refusal) {
        let wish = try SendBackWish(command)
        guard configuration.permission.contains(.write) else {
            throw Refusal(
                .noPermission, "the broker[\(configuration.name)] sending message is forbidden")
        }
        let group = try knownGroup(wish.group)
        // A group without retry queues wants no second deliveries.
        guard group.settings.retryQueues > 0 else {
            return connection.respond(to: key, Response(.success))
        }
        let batch = try record(at: wish.offset)
        try account?.checkConsume(batch)
        var failure: Refusal?
        batch.forEach { record in
            do throws(Refusal) {
                try store(back: record, wish, group, on: connection, key: key)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private func store(
        back record: RecordView, _ wish: SendBackWish, _ group: Group, on connection: Connection,
        key: ReplyKey
    ) throws(Refusal) {
        let fields = record.fields
        let most = wish.maximumReconsumes ?? group.settings.maximumRetries
        let isDead = fields.reconsumeTimes >= most || wish.delayLevel < 0
        let topic = try isDead ? deadLetterTopic(of: group.name) : retryTopic(of: group)
        guard topic.settings.permission.contains(.write) else {
            throw Refusal(
                .noPermission, "the topic[\(topic.name)] sending message is forbidden")
        }
        let wanted =
            wish.delayLevel == 0 ? fields.reconsumeTimes.saturatingAdd(3) : wish.delayLevel
        let level = isDead ? 0 : wanted
        let id = OffsetMessageID(
            storeHost: fields.storeHost, physicalOffset: fields.physicalOffset
        ).text
        var properties = Self.properties(back: record, id: id, level: level)
        if isDead {
            PropertyEdit.set(
                PropertyName.deadLetterOriginTopic, String(decodingUTF8: record.topic),
                in: &properties)
            PropertyEdit.set(PropertyName.deadLetterOriginMessageID, id, in: &properties)
        }
        var attributes = MessageAttributes(again: fields)
        attributes.reconsumeTimes = fields.reconsumeTimes.saturatingAdd(1)
        var queue = try self.queue(
            topic, Int32.random(in: 0..<max(1, topic.settings.writeQueues)))
        let delayed = try Refusal.store { () throws(StoreError) in
            try self.delayed(topic: queue.topic, queueID: queue.id, properties: properties.rawSpan)
        }
        if let delayed { (queue, properties) = delayed }
        // Waits for the device where a send does: the consumer's offset moves on behind the answer.
        store.append(
            to: queue, body: record.body, properties: properties.rawSpan, attributes: attributes
        ) { outcome in
            switch outcome {
            case .success: connection.respond(to: key, Response(.success))
            case .failure(let error): connection.refuse(key, Refusal(error))
            }
        }
    }

    private func retryTopic(of group: Group) throws(Refusal) -> Topic {
        try Refusal.state { () throws(StateError) in
            try state.topics.createIfAbsent(
                TopicSettings(
                    WellKnownName.retryTopic(of: group.name), queues: group.settings.retryQueues))
        }
    }

    /// The properties that the message has the next time.
    private static func properties(back record: RecordView, id: String, level: Int32) -> [UInt8] {
        let old = record.properties
        var bytes = PropertyEdit.removing(
            [PropertyName.waitsForStore, PropertyName.delayLevel], from: old)
        if Properties.valueRange(of: PropertyName.retryTopic, in: old) == nil {
            PropertyEdit.append(
                PropertyName.retryTopic, String(decodingUTF8: record.topic), to: &bytes)
        }
        if Properties.valueRange(of: PropertyName.originMessageID, in: old) == nil {
            PropertyEdit.append(PropertyName.originMessageID, id, to: &bytes)
        }
        PropertyEdit.append(PropertyName.waitsForStore, "false", to: &bytes)
        PropertyEdit.append(PropertyName.delayLevel, String(level), to: &bytes)
        return bytes
    }
}

/// The fields of the request.
private struct SendBackWish {
    let offset: Int64
    let group: String
    /// Negative: to the dead letters; 0: by how often it was delivered.
    let delayLevel: Int32
    let maximumReconsumes: Int32?

    init(_ command: RemotingCommand) throws(Refusal) {
        do throws(HeaderError) {
            offset = try command.fields.int64("offset")
            group = try command.fields.string("group")
            delayLevel = try command.fields.int32("delayLevel")
            let most = try command.fields.int32("maxReconsumeTimes", or: -1)
            maximumReconsumes =
                most >= 0 && command.version >= BrokerCore.versionWithMaximum ? most : nil
        } catch {
            throw Refusal(error)
        }
    }
}
