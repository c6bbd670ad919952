// UPDATE_AND_CREATE_TOPIC (17), DELETE_TOPIC_IN_BROKER (215), GET_ALL_TOPIC_CONFIG (21),
// GET_TOPIC_CONFIG (351) and GET_SYSTEM_TOPIC_LIST_FROM_BROKER (305).

import ApusRemoting
import ApusServer

extension BrokerCore {
    func updateTopic(_ command: RemotingCommand) throws(Refusal) -> Response {
        let fields = command.fields
        var settings: TopicSettings
        do throws(HeaderError) {
            settings = TopicSettings(try fields.string("topic"))
            settings.readQueues = try fields.int32("readQueueNums")
            settings.writeQueues = try fields.int32("writeQueueNums")
            settings.permission = Permission(rawValue: try fields.int32("perm"))
            settings.systemFlag = try fields.int32("topicSysFlag", or: 0)
        } catch {
            throw Refusal(error)
        }
        if state.topics.isSystem(settings.name), configuration.topics.protectsSystemTopics {
            throw Refusal(
                .systemError, "The topic[\(settings.name)] is conflict with system topic.")
        }
        if let text = fields["topicFilterType"], let type = TopicFilterType(rawValue: text) {
            settings.filterType = type
        }
        settings.isOrdered = fields.bool("order", or: false)
        settings.attributes = Self.attributes(fields["attributes"] ?? "")
        let made = settings
        try Refusal.state { () throws(StateError) in try state.topics.update([made]) }
        return Response(.success)
    }

    /// RocketMQ's notation of changes, `+key=value,-key`.
    private static func attributes(_ text: String) -> [String: String] {
        var changes: [String: String] = [:]
        for part in text.split(separator: ",") {
            let sides = part.split(separator: "=", maxSplits: 1)
            guard let key = sides.first else { continue }
            changes[String(key)] = sides.count > 1 ? String(sides[1]) : ""
        }
        return changes
    }

    /// The messages stay in the log until it is deleted by age.
    func deleteTopic(_ command: RemotingCommand) throws(Refusal) -> Response {
        let name = try command.fields.requiredText("topic")
        if state.topics.isSystem(name), configuration.topics.protectsSystemTopics {
            throw Refusal(.systemError, "The topic[\(name)] is conflict with system topic.")
        }
        var names = [name]
        if configuration.topics.removesRetryTopics {
            names += state.offsets.groups(ofTopic: name).map { WellKnownName.retryTopic(of: $0) }
                .filter { state.offsets.groups(ofTopic: $0).isEmpty }
        }
        for name in names {
            _ = try Refusal.state { () throws(StateError) in try state.topics.remove(name) }
            state.offsets.remove(topic: name)
        }
        return Response(.success)
    }

    func allTopics() -> Response {
        let (topics, version) = state.topics.snapshot
        var table = JSONObject()
        for (name, topic) in topics.sorted(by: { $0.key < $1.key }) {
            table.append(name, topic.settings.json)
        }
        return Response(json: ["dataVersion": version.json, "topicConfigTable": .object(table)])
    }

    func topicConfiguration(_ command: RemotingCommand) throws(Refusal) -> Response {
        let name = try command.fields.requiredText("topic")
        guard let topic = state.topics.topic(name), case .object(let json) = topic.settings.json
        else { throw Refusal(.topicNotExist, "No topic in this broker. topic: \(name)") }
        return Response(json: json)
    }

    func systemTopics() -> Response {
        let names = state.topics.all.filter(\.isSystem).map(\.name).sorted()
        return Response(json: ["topicList": .array(names.map { .string($0) })])
    }
}

extension HeaderFields {
    /// A field that must be there.
    func requiredText(_ name: String) throws(Refusal) -> String {
        do throws(HeaderError) { return try string(name) } catch { throw Refusal(error) }
    }
}
