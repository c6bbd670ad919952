// How far each group has consumed each queue.
//
// Kept in memory and written to `consumerOffset.json` by `persist`, which a timer calls: power loss
// takes the commits since, and consumers then see those messages again. The file's only writer.

public import ApusServer
import ApusSystem
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

    /// All offsets at one moment.
    struct Offsets: Sendable {
        var byKey: [Key: [Int32: Int64]] = [:]
        var version: DataVersion
        /// What the file holds under keys that are none, as it stands there.
        var strange = StrangeMembers()
    }

    private struct State: Sendable {
        var offsets: Offsets
        /// Offsets that an administrator set, until the group's consumers have taken them.
        var resets: [Key: [Int32: Int64]] = [:]
        var commits = 0
        var isDirty = false
    }

    private let state: Mutex<State>
    private let keeping = Mutex(())
    private let settings: OffsetSettings
    /// Whether what an administrator set holds against commits.
    private let keepsResets: Bool
    private let time: TimeSource
    private let save: @Sendable (Offsets) throws(StateError) -> Void

    init(
        _ offsets: Offsets, _ settings: OffsetSettings, keepsResets: Bool, time: TimeSource,
        save: @escaping @Sendable (Offsets) throws(StateError) -> Void
    ) {
        state = Mutex(State(offsets: offsets))
        self.settings = settings
        self.keepsResets = keepsResets
        self.time = time
        self.save = save
    }

    // MARK: Committing

    /// The next offset that the group consumes, or nil when it never committed one. An offset that
    /// an administrator set comes first.
    public func offset(group: String, topic: String, queue: Int32) -> Int64? {
        let key = Key(topic: topic, group: group)
        return state.withLock { $0.resets[key]?[queue] ?? $0.offsets.byKey[key]?[queue] }
    }

    /// Sets the next offset that the group consumes, whether it is ahead or behind. Answers the one
    /// before.
    @discardableResult
    public func commit(group: String, topic: String, queue: Int32, offset: Int64) -> Int64? {
        let key = Key(topic: topic, group: group)
        return state.withLock { state in
            let before = state.offsets.byKey[key, default: [:]].updateValue(offset, forKey: queue)
            state.isDirty = true
            state.commits &+= 1
            if settings.versionStep > 0, state.commits % settings.versionStep == 0 {
                state.offsets.version.advance(at: time.wallMilliseconds)
            }
            return before
        }
    }

    // MARK: Looking

    /// The committed offsets of all queues.
    public func offsets(group: String, topic: String) -> [Int32: Int64] {
        state.withLock { $0.offsets.byKey[Key(topic: topic, group: group)] ?? [:] }
    }

    public func topics(ofGroup group: String) -> Set<String> {
        Set(all.keys.lazy.filter { $0.group == group }.map(\.topic))
    }

    public func groups(ofTopic topic: String) -> Set<String> {
        Set(all.keys.lazy.filter { $0.topic == topic }.map(\.group))
    }

    /// Everything at one moment.
    public var all: [Key: [Int32: Int64]] { state.withLock { $0.offsets.byKey } }
    public var version: DataVersion { state.withLock { $0.offsets.version } }
    /// Everything at one moment, as `consumerOffset.json` would hold it.
    public var document: [UInt8] { state.withLock { $0.offsets }.document }

    // MARK: Removing and copying

    public func remove(group: String) { remove { $0.group == group } }
    public func remove(topic: String) { remove { $0.topic == topic } }
    public func remove(group: String, topic: String) {
        remove { $0.group == group && $0.topic == topic }
    }

    private func remove(where isMeant: @Sendable (Key) -> Bool) {
        state.withLock { state in
            for key in state.offsets.byKey.keys where isMeant(key) {
                state.offsets.byKey[key] = nil
                state.isDirty = true
            }
            for key in state.resets.keys where isMeant(key) { state.resets[key] = nil }
        }
    }

    /// Gives the group `target` the offsets of `source` in a topic, in place of its own.
    public func copy(from source: String, to target: String, topic: String) {
        state.withLock { state in
            guard let offsets = state.offsets.byKey[Key(topic: topic, group: source)] else {
                return
            }
            state.offsets.byKey[Key(topic: topic, group: target)] = offsets
            state.isDirty = true
        }
    }

    // MARK: Resetting

    /// Sets an offset that holds, whatever consumers commit, until `takeReset` has given it out.
    /// With `PullSettings.keepsResets` off it is like a commit.
    /// Forgotten at the end of the process; the offset itself is kept like a commit.
    public func reset(group: String, topic: String, queue: Int32, to offset: Int64) {
        guard queue >= 0, offset >= 0 else { return }
        let key = Key(topic: topic, group: group)
        state.withLock { state in
            if keepsResets { state.resets[key, default: [:]][queue] = offset }
            state.offsets.byKey[key, default: [:]][queue] = offset
            state.isDirty = true
        }
    }

    public func hasReset(group: String, topic: String, queue: Int32) -> Bool {
        state.withLock { $0.resets[Key(topic: topic, group: group)]?[queue] != nil }
    }

    /// Gives the offset out once.
    public func takeReset(group: String, topic: String, queue: Int32) -> Int64? {
        let key = Key(topic: topic, group: group)
        return state.withLock { state in
            // Pulls ask each time; there is one as good as never.
            if state.resets.isEmpty { return nil }
            let offset = state.resets[key]?.removeValue(forKey: queue)
            if state.resets[key]?.isEmpty == true { state.resets[key] = nil }
            return offset
        }
    }

    // MARK: Keeping

    /// Writes what changed since the last time; does nothing when nothing did. When it fails, the
    /// next call tries again.
    public func persist() throws(StateError) {
        try keeping.withLock { (_) throws(StateError) in
            let changed = state.withLock { state in
                defer { state.isDirty = false }
                return state.isDirty ? state.offsets : nil
            }
            guard let changed else { return }
            do throws(StateError) {
                try save(changed)
            } catch {
                state.withLock { $0.isDirty = true }
                throw error
            }
        }
    }
}
