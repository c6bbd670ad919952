// GET_CONSUMER_RUNNING_INFO (307) and CONSUME_MESSAGE_DIRECTLY (309): an administrator asks a
// client, through the broker that it is connected to.

import ApusFormat
import ApusRemoting
import ApusStore
import Synchronization

extension BrokerCore {
    /// Asks a consumer what it does.
    func runningInformation(
        _ command: RemotingCommand, on connection: Connection, _ key: ReplyKey
    ) throws(Refusal) {
        try pass(command, on: connection, key)
    }

    /// Has a consumer consume a message, whether or not it has its queue.
    func consumeDirectly(
        _ command: RemotingCommand, on connection: Connection, _ key: ReplyKey,
        for account: Account?
    ) throws(Refusal) {
        let text = try command.fields.requiredText("msgId")
        guard let id = OffsetMessageID(text) else {
            throw Refusal(.systemError, "\(text) is no message id of a broker's")
        }
        var request = command
        let batch = try record(at: id.physicalOffset)
        try account?.checkConsume(batch)
        request.body = []
        batch.forEach { request.body.append(bytesOf: $0.bytes) }
        request.fields["brokerName"] = configuration.name
        if let topic = command.fields["topic"].flatMap(state.topics.topic) {
            request.fields["topicSysFlag"] = "\(topic.settings.systemFlag)"
        }
        if let group = command.fields["consumerGroup"].flatMap(state.groups.group) {
            request.fields["groupSysFlag"] = "\(group.settings.systemFlag)"
        }
        try pass(request, on: connection, key)
    }

    /// Sends the request on to the client that it names, and its answer back.
    private func pass(
        _ command: RemotingCommand, on connection: Connection, _ key: ReplyKey
    ) throws(Refusal) {
        let group = try command.fields.requiredText("consumerGroup")
        let id = try command.fields.requiredText("clientId")
        let client = clients.withLock { registry in
            registry.consumers[group]?.clients.values.first { $0.description.id == id }
        }
        guard let client, let target = connections.connections([client.connection]).first else {
            throw Refusal(.systemError, "The Consumer <\(group)> <\(id)> not online")
        }
        let request = RemotingCommand.request(
            command.requestCode, fields: command.fields, body: command.body)
        target.invoke(request, timeout: Self.clientTimeout) { outcome in
            switch outcome {
            case .success(let answer):
                connection.respond(
                    to: key,
                    Response(
                        answer.responseCode, remark: answer.remark, fields: answer.fields,
                        body: answer.body))
            case .failure(let error):
                connection.refuse(
                    key, Refusal(.consumeMsgTimeout, "consumer <\(group)> <\(id)>: \(error)"))
            }
        }
    }

    /// As long as Java's broker waits.
    private static let clientTimeout = Duration.seconds(10)
}
