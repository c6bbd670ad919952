// The broker's consumer groups. Works as `TopicTable` does: a change is kept in
// `subscriptionGroup.json` first and shown then, and takes a few syncs. The file's only writer.

public import ApusServer
import ApusSystem
import Synchronization

/// A group as look-ups give it: one object that does not change; a change makes another.
public final class Group: Sendable, Named {
    public let settings: GroupSettings
    public var name: String { settings.name }

    init(_ settings: GroupSettings) { self.settings = settings }
}

/// All consumer groups of a broker.
public final class GroupTable: Sendable {
    /// All groups at one moment.
    struct Groups: Sendable {
        var byName: [String: Group]
        /// Bits by group and topic: what a group may not do with a topic.
        var forbidden: [String: [String: Int32]]
        var version: DataVersion
    }

    let kept: KeptValue<Groups>
    let creation: GroupCreationSettings
    /// `autoCreateSubscriptionGroup`, as it is now.
    let createsOnUse: Switch
    let time: TimeSource
    /// What look-ups use, and its version; made anew after each change.
    private let shown: Mutex<(map: NameMap<Group>, version: DataVersion)>

    init(
        _ groups: Groups, _ creation: GroupCreationSettings, time: TimeSource,
        save: @escaping @Sendable (Groups) throws(StateError) -> Void
    ) {
        kept = KeptValue(groups, save: save)
        self.creation = creation
        createsOnUse = Switch(creation.createsOnUse)
        self.time = time
        shown = Mutex((NameMap(Array(groups.byName.values)), groups.version))
    }

    /// The groups that RocketMQ makes at every start.
    static let system = [
        "TOOLS_CONSUMER", "FILTERSRV_CONSUMER", "SELF_TEST_C_GROUP", "CID_ONS-HTTP-PROXY",
        "CID_ONSAPI_PULL", "CID_ONSAPI_PERMISSION", "CID_ONSAPI_OWNER", "CID_RMQ_SYS_TRANS",
    ]

    // MARK: Looking up

    public func group(_ name: String) -> Group? { shown.withLock { $0.map }[name] }

    /// The group whose name is these bytes; makes no string.
    public func group(utf8 name: RawSpan) -> Group? {
        let map = shown.withLock { $0.map }
        return map[utf8: name]
    }

    /// All groups, in no order.
    public var all: [Group] { shown.withLock { $0.map }.entries }

    public var version: DataVersion { kept.read { $0.version } }

    /// Both at one moment.
    public var snapshot: (groups: [String: Group], version: DataVersion) {
        kept.read { ($0.byName, $0.version) }
    }

    /// What the group may not do with the topic, as bits.
    public func forbidden(group: String, topic: String) -> Int32 {
        kept.read { $0.forbidden[group]?[topic] ?? 0 }
    }

    /// Everything that groups may not do, by group and topic.
    public var forbidden: [String: [String: Int32]] { kept.read { $0.forbidden } }

    /// Shows a change to look-ups.
    func show() {
        shown.withLock { shown in
            let (groups, version) = snapshot
            // Several changes that were kept together are shown together.
            if shown.version != version { shown = (NameMap(Array(groups.values)), version) }
        }
    }
}
