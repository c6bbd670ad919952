// The broker's consumer groups. Works as `TopicTable` does: a change is kept in
// `subscriptionGroup.json` first and shown then, and takes a few syncs.

import Synchronization

/// A group as look-ups give it: one object that does not change; a change makes another.
public final class Group: Sendable, Named {
    public let settings: GroupSettings
    public var name: String { settings.name }

    init(_ settings: GroupSettings) { self.settings = settings }
}

/// All consumer groups of a broker.
public final class GroupTable: Sendable {
    struct State: Sendable {
        var map: NameMap<Group>
        /// Bits by group and topic: what a group may not do with a topic.
        var forbidden: [String: [String: Int32]]
        var version: DataVersion
    }

    let state: Mutex<State>
    let changing = Mutex(())
    /// Whether groups are made when they are first heard of.
    let createsOnUse: Bool

    init(_ state: State, createsOnUse: Bool) {
        self.state = Mutex(state)
        self.createsOnUse = createsOnUse
    }

    // MARK: Looking up

    public func group(_ name: String) -> Group? { state.withLock { $0.map[name] } }
    /// The group whose name is these bytes; makes no string.
    public func group(utf8 name: RawSpan) -> Group? {
        let map = state.withLock { $0.map }
        return map[utf8: name]
    }
    /// All groups, in no order.
    public var all: [Group] { state.withLock { $0.map.entries } }
    public var version: DataVersion { state.withLock { $0.version } }
    /// What the group may not do with the topic, as bits.
    public func forbidden(group: String, topic: String) -> Int32 { 0 }

    // MARK: Changing; each call waits for the disk

    /// The group, made with RocketMQ's defaults when it is not there and may be made; nil when it
    /// may not, or its name is not allowed.
    public func createOnUse(_ name: String) throws(StateError) -> Group? { nil }
    /// Makes or replaces groups, in one write. `attributes` are changes: `+key` sets, `-key`
    /// removes.
    public func update(_ settings: [GroupSettings]) throws(StateError) {}
    public func setForbidden(
        group: String, topic: String, bit: Int, _ isSet: Bool
    ) throws(StateError) {}
    /// Removes a group; false when it is not there.
    public func remove(_ name: String) throws(StateError) -> Bool { false }
}
