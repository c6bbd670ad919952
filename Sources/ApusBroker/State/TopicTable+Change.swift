// Topics that come, change and go. Each call waits for the disk.

import ApusRemoting
import ApusServer
import ApusSystem

extension TopicTable {
    /// What became of a topic that a message was sent to.
    public enum Creation: Sendable {
        case existing(Topic)
        case created(Topic)
        case refused(reason: String)
    }

    /// The topic that a message is sent to, made after the topic `example` (`TBW102`) when it is
    /// not there: with its permission less `inherit`, and with `queues` queues or as many as it has
    /// for writing, whichever are fewer. Refused when the example is missing or lets nobody inherit
    /// from it. As RocketMQ does it.
    public func createOnSend(
        _ name: String, like example: String, queues: Int32, systemFlag: Int32 = 0
    ) throws(StateError) -> Creation {
        if let topic = topic(name) { return .existing(topic) }
        if let complaint = NameRules.complaint(topic: name) { throw .invalidName(complaint) }
        if name.utf8.count > creation.nameLimit, !NameRules.isDerived(name) {
            return .refused(reason: "its name is longer than maxTopicLength, \(creation.nameLimit)")
        }
        if example == WellKnownName.createdAfter, !createsOnSend.isOn {
            return .refused(reason: "autoCreateTopicEnable is off")
        }
        return try changing([name]) { (topics, make) throws(StateError) in
            if let topic = topics.byName[name] { return .no(.existing(topic)) }
            guard let like = topics.byName[example]?.settings else {
                return .no(.refused(reason: "the default topic \(example) does not exist"))
            }
            guard like.permission.contains(.inherit) else {
                return .no(
                    .refused(reason: "the default topic \(example) has no inherit permission"))
            }
            var settings = TopicSettings(
                name, queues: max(0, min(queues, like.writeQueues)),
                permission: like.permission.subtracting(.inherit))
            settings.systemFlag = systemFlag
            settings.filterType = like.filterType
            let topic = make(settings)
            topics.byName[name] = topic
            return .yes(.created(topic))
        }
    }

    /// The topic, made with these settings when it is not there. For `%RETRY%` and `%DLQ%` topics.
    public func createIfAbsent(_ settings: TopicSettings) throws(StateError) -> Topic {
        if let topic = topic(settings.name) { return topic }
        try Self.check(settings)
        return try changing([settings.name]) { (topics, make) throws(StateError) in
            if let topic = topics.byName[settings.name] { return .no(topic) }
            let topic = make(settings)
            topics.byName[settings.name] = topic
            return .yes(topic)
        }
    }

    /// Makes or replaces topics, in one write; all or none. `attributes` are changes, as RocketMQ
    /// takes them: `+key` sets, `-key` removes. What changes nothing makes no new version.
    public func update(_ settings: [TopicSettings]) throws(StateError) {
        for one in settings { try Self.check(one) }
        try changing(Set(settings.map(\.name))) { (topics, make) throws(StateError) in
            var changed: [Topic] = []
            for var one in settings {
                let old = topics.byName[one.name]?.settings
                one.attributes = try Attributes.altering(
                    old?.attributes, by: one.attributes, rules: Attributes.topic)
                if one.unknown.isEmpty { one.unknown = old?.unknown ?? one.unknown }
                if one != old { changed.append(make(one)) }
            }
            for topic in changed { topics.byName[topic.name] = topic }
            return changed.isEmpty ? .no(()) : .yes(())
        }
    }

    /// Marks the topics that a NameServer keeps an order configuration for.
    public func markOrdered(_ names: Set<String>) throws(StateError) {
        let unmarked = names.filter { topic($0)?.settings.isOrdered == false }
        if unmarked.isEmpty { return }
        try changing(unmarked) { (topics, make) throws(StateError) in
            for name in unmarked {
                guard var settings = topics.byName[name]?.settings else { continue }
                settings.isOrdered = true
                topics.byName[name] = make(settings)
            }
            return .yes(())
        }
    }

    /// Removes a topic; false when it is not there.
    public func remove(_ name: String) throws(StateError) -> Bool {
        if topic(name) == nil { return false }
        return try changing([name]) { (topics, _) throws(StateError) in
            topics.byName.removeValue(forKey: name) == nil ? .no(false) : .yes(true)
        }
    }

    /// Writes the table as it is.
    public func persist() throws(StateError) { try kept.keep() }

    private static func check(_ settings: TopicSettings) throws(StateError) {
        if let complaint = NameRules.complaint(topic: settings.name) {
            throw .invalidName(complaint)
        }
        guard settings.permission.isKnown else { throw .invalidPermission(settings.permission) }
        for count in [settings.readQueues, settings.writeQueues] {
            guard (0...queueLimit).contains(count) else { throw .invalidQueueCount(count) }
        }
    }

    private typealias Making = @Sendable (TopicSettings) -> Topic

    /// Makes a change with a new version, and shows it.
    private func changing<Outcome: Sendable>(
        _ names: Set<String>,
        _ body:
            @escaping @Sendable (inout Topics, Making) throws(StateError) -> Changed<Outcome>
    ) throws(StateError) -> Outcome {
        let (system, time) = (systemTopics, time)
        let make: Making = { Topic($0, isSystem: system.contains($0.name)) }
        let changed = try kept.change { (topics) throws(StateError) -> Changed<Changed<Outcome>> in
            let changed = try body(&topics, make)
            if changed.isChange { topics.version.advance(at: time.wallMilliseconds) }
            return changed.isChange ? .yes(changed) : .no(changed)
        }
        show(changed.isChange ? names : [])
        return changed.outcome
    }
}
