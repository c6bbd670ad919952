// A message that could not be handled goes back: to its broker, which delivers it again later or
// puts it to the dead letters; when the broker does not take it, as a new message to the group's
// retry topic.

internal import ApusFormat
internal import ApusRemoting
internal import ApusSystem
internal import Logging

/// Sends messages back for one group.
struct SendBack: Sendable {
    let core: ClientCore
    let group: String
    /// Times that a message is delivered again.
    let maximumRetries: Int

    /// How often RocketMQ delivers again.
    static let usualRetries = 16

    /// Sends it back until somebody has taken it. False: the task was cancelled before.
    /// `delayLevel` below zero means the dead letters, and 0 the broker's choice.
    func send(_ message: ReceivedMessage, delayLevel: Int) async -> Bool {
        while true {
            do throws(ClientError) {
                try await toBroker(message, delayLevel)
                return true
            } catch {
                core.logger.warning(
                    "a message was not taken back", metadata: ["reason": "\(error)"])
            }
            do throws(ClientError) {
                try await toRetryTopic(message, delayLevel)
                return true
            } catch {
                core.logger.warning(
                    "nor by the retry topic: it stays here, and is tried again",
                    metadata: ["message": "\(message)", "reason": "\(error)"])
            }
            try? await Task.sleep(for: .seconds(5))
            if Task.isCancelled { return false }
        }
    }

    private func toBroker(_ message: ReceivedMessage, _ delayLevel: Int) async throws(ClientError) {
        let attempt = "sending \(message) back"
        let address = try core.master(of: message.broker, attempt)
        let command = RemotingCommand.request(
            .consumerSendMsgBack,
            fields: [
                "offset": "\(message.place.physicalOffset)", "group": group,
                "delayLevel": "\(delayLevel)", "originMsgId": message.id,
                "originTopic": message.topic, "unitMode": "false",
                "maxReconsumeTimes": "\(maximumRetries)", "bname": message.broker,
            ])
        _ = try await core.demand(command, on: address, attempt)
    }

    /// As RocketMQ's client does it: the broker sees by the number of times whether it is for the
    /// dead letters.
    private func toRetryTopic(
        _ message: ReceivedMessage, _ delayLevel: Int
    ) async throws(ClientError) {
        let topic = TopicName.retryTopic(of: group)
        let attempt = "sending \(message) to \(topic)"
        let route = try await core.routes.route(
            of: topic, creates: false, until: Deadline(after: core.configuration.requestTimeout))
        let times = delayLevel < 0 ? maximumRetries : Int(message.reconsumeTimes) + 1
        var properties = message.properties
        properties[PropertyName.retryTopic] = message.topic
        properties[PropertyName.originMessageID] =
            properties[PropertyName.originMessageID] ?? message.place.text
        properties[PropertyName.delayLevel] =
            "\(delayLevel > 0 ? delayLevel : 3 + Int(message.reconsumeTimes))"
        for name in [
            PropertyName.transactionPrepared, PropertyName.minimumOffset,
            PropertyName.maximumOffset, PropertyName.reconsumeTimes,
        ] { properties[name] = nil }
        let text = Properties.encode(
            properties.sorted { $0.key < $1.key }.map { Property(name: $0.key, value: $0.value) })
        let fields = SendFields(
            group: "CLIENT_INNER_PRODUCER", topic: topic, queue: 0,
            systemFlag: message.frame.systemFlag.rawValue & 0x701,
            bornMilliseconds: TimeSource.system.wallMilliseconds, flag: message.flag,
            properties: text, reconsumeTimes: times, maximumRetries: maximumRetries)
        let command = RemotingCommand.request(
            .sendMessageV2, fields: fields.header, body: message.storedBody)
        var failure = ClientError(.noRoute, attempt, "\(topic) has no master")
        for address in route.groups.compactMap(\.master).shuffled() {
            do throws(ClientError) {
                _ = try await core.demand(command, on: address, attempt)
                return
            } catch {
                failure = error
            }
        }
        throw failure
    }
}

extension ReceivedMessage {
    /// As it lies in the record: compressed, if it was.
    var storedBody: [UInt8] { [UInt8](frame.body(in: bytes.rawSpan, at: start)) }
}
