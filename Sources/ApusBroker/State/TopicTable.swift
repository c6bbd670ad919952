// The broker's topics: looked up for every message, changed now and then.
//
// A change is visible once it is kept: `topics.json` is written first, then the new table is shown.
// So a change takes as long as a few syncs and must not be made on an event loop; a look-up takes
// no more than a lock held for a moment. The only writer of `topics.json`.

public import ApusServer
import ApusStore
import ApusSystem
import Synchronization

/// A topic as look-ups give it: one object that does not change; a change makes another.
public final class Topic: Sendable, Named {
    public let settings: TopicSettings
    /// Whether RocketMQ or this broker made it for itself.
    public let isSystem: Bool
    /// By its name, looked at once, not for each message: whether clients may not send to it, and
    /// whether it is a group's retry topic.
    let isClosedToSends, isRetry: Bool
    public var name: String { settings.name }
    /// Messages that were sent to it since this object was made.
    let messagesIn = Atomic<Int>(0)
    /// Its queues that were asked for, by number: the store looks each up by its topic's name.
    private let queues = Mutex<[MessageQueue?]>([])

    init(_ settings: TopicSettings, isSystem: Bool) {
        self.settings = settings
        self.isSystem = isSystem
        isClosedToSends = NameRules.isClosedToSends(settings.name)
        isRetry = settings.name.hasPrefix(WellKnownName.retryPrefix)
    }

    /// The queue of this number, which `find` gives when it is first asked for.
    func queue(
        _ id: Int32, _ find: (String) throws(StoreError) -> MessageQueue
    ) throws(StoreError) -> MessageQueue {
        let place = Int(id)
        let known = queues.withLock { queues in
            queues.indices.contains(place) ? queues[place] : nil
        }
        if let known { return known }
        let found = try find(name)
        // Others may stand in an old message, and are no reason to keep anything.
        guard place >= 0, place < max(settings.writeQueues, settings.readQueues) else {
            return found
        }
        queues.withLock { queues in
            while queues.count <= place { queues.append(nil) }
            queues[place] = found
        }
        return found
    }

    /// Those of the first so many queues that were asked for.
    func knownQueues(_ limit: Int) -> [MessageQueue?] {
        queues.withLock { Array($0.prefix(limit)) }
    }
}

/// All topics of a broker.
public final class TopicTable: Sendable {
    /// Queues that a topic may have at most, 65,536. RocketMQ names no limit.
    public static let queueLimit: Int32 = 1 << 16

    /// All topics at one moment.
    struct Topics: Sendable {
        var byName: [String: Topic]
        var version: DataVersion
    }

    let kept: KeptValue<Topics>
    let systemTopics: SystemTopics
    let creation: TopicCreationSettings
    /// `autoCreateTopicEnable`, as it is now.
    let createsOnSend: Switch
    let time: TimeSource
    /// What look-ups use, and its version; made anew after each change.
    private let shown: Mutex<(map: NameMap<Topic>, version: DataVersion)>
    /// Raised whenever something else is shown: what was looked up before may have changed since.
    let generation = Atomic<Int>(0)
    private let listeners = Mutex<[@Sendable (Set<String>) -> Void]>([])

    init(
        _ topics: Topics, system: SystemTopics, creation: TopicCreationSettings, time: TimeSource,
        save: @escaping @Sendable (Topics) throws(StateError) -> Void
    ) {
        kept = KeptValue(topics, save: save)
        systemTopics = system
        self.creation = creation
        createsOnSend = Switch(creation.createsOnSend)
        self.time = time
        shown = Mutex((NameMap(Array(topics.byName.values)), topics.version))
    }

    // MARK: Looking up

    public func topic(_ name: String) -> Topic? { shown.withLock { $0.map }[name] }

    /// The topic whose name is these bytes; makes no string.
    public func topic(utf8 name: RawSpan) -> Topic? {
        shown.withLock { $0.map[utf8: name] }
    }

    /// All topics, in no order.
    public var all: [Topic] { shown.withLock { $0.map }.entries }

    public var version: DataVersion { kept.read { $0.version } }

    /// Both at one moment.
    public var snapshot: (topics: [String: Topic], version: DataVersion) {
        kept.read { ($0.byName, $0.version) }
    }

    /// Whether a name is the system's, so that clients may not make or change a topic of it.
    public func isSystem(_ name: String) -> Bool { systemTopics.contains(name) }

    // MARK: Following

    /// Calls `body` after each change with the names of the topics that are new, different or gone.
    /// On the thread that made the change: return soon.
    public func onChange(_ body: @escaping @Sendable (Set<String>) -> Void) {
        listeners.withLock { $0.append(body) }
    }

    /// Shows what is kept to look-ups, and the topics that changed to who follows. Also for who
    /// changed nothing: what another caller kept may not be shown yet.
    func show(_ changed: Set<String>) {
        shown.withLock { shown in
            let (topics, version) = snapshot
            // Several changes that were kept together are shown together.
            if shown.version != version { shown = (NameMap(Array(topics.values)), version) }
        }
        generation.wrappingAdd(1, ordering: .releasing)
        if changed.isEmpty { return }
        for listener in listeners.withLock({ $0 }) { listener(changed) }
    }
}
