// The broker's topics: looked up for every message, changed now and then.
//
// A change is visible once it is kept: `topics.json` is written first, then the new table is shown.
// So a change takes as long as a few syncs and must not be made on an event loop; a look-up takes
// no more than a lock held for a moment. The only writer of `topics.json`.

import Synchronization

/// A topic as look-ups give it: one object that does not change; a change makes another.
public final class Topic: Sendable, Named {
    public let settings: TopicSettings
    /// Whether RocketMQ or this broker made it for itself.
    public let isSystem: Bool
    public var name: String { settings.name }

    init(_ settings: TopicSettings, isSystem: Bool) {
        self.settings = settings
        self.isSystem = isSystem
    }
}

/// All topics of a broker.
public final class TopicTable: Sendable {
    /// Queues that a topic may have at most, 65,536. RocketMQ names no limit.
    public static let queueLimit: Int32 = 1 << 16

    struct State: Sendable {
        var map: NameMap<Topic>
        var version: DataVersion
    }

    let state: Mutex<State>
    /// Held by who changes, from reading the table to showing the next.
    let changing = Mutex(())
    let listeners = Mutex<[@Sendable ([TopicSettings]) -> Void]>([])

    init(_ state: State) { self.state = Mutex(state) }

    // MARK: Looking up

    public func topic(_ name: String) -> Topic? { state.withLock { $0.map[name] } }

    /// The topic whose name is these bytes; makes no string.
    public func topic(utf8 name: RawSpan) -> Topic? {
        let map = state.withLock { $0.map }
        return map[utf8: name]
    }

    /// All topics, in no order.
    public var all: [Topic] { state.withLock { $0.map.entries } }

    public var version: DataVersion { state.withLock { $0.version } }

    /// Both at one moment.
    public var snapshot: (topics: [Topic], version: DataVersion) {
        state.withLock { ($0.map.entries, $0.version) }
    }

    /// Whether clients may not make or change a topic of this name.
    public func isSystem(_ name: String) -> Bool { false }

    /// Calls `body` after each change, with the topics that are new or different; empty after a
    /// removal. On the thread that made the change, which waits: return soon.
    public func onChange(_ body: @escaping @Sendable ([TopicSettings]) -> Void) {
        listeners.withLock { $0.append(body) }
    }
}
