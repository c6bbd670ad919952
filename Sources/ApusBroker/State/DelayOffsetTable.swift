// How far each delay level has been delivered. Works as `OffsetTable` does, in `delayOffset.json`.

public import ApusServer
import ApusSystem
import Synchronization

/// The next offset of `SCHEDULE_TOPIC_XXXX` to deliver, by level.
public final class DelayOffsetTable: Sendable {
    /// All levels at one moment.
    struct Offsets: Sendable {
        var byLevel: [Int32: Int64] = [:]
        var version: DataVersion
    }

    private struct State: Sendable {
        var offsets: Offsets
        var updates = 0
        var isDirty = false
    }

    private let state: Mutex<State>
    private let keeping = Mutex(())
    private let versionStep: Int
    private let time: TimeSource
    private let save: @Sendable (Offsets) throws(StateError) -> Void

    init(
        _ offsets: Offsets, versionStep: Int, time: TimeSource,
        save: @escaping @Sendable (Offsets) throws(StateError) -> Void
    ) {
        state = Mutex(State(offsets: offsets))
        self.versionStep = versionStep
        self.time = time
        self.save = save
    }

    /// The next offset of queue `level - 1`; nil when nothing was delivered yet.
    public func offset(level: Int32) -> Int64? { state.withLock { $0.offsets.byLevel[level] } }

    public func set(level: Int32, to offset: Int64) {
        state.withLock { state in
            if state.offsets.byLevel.updateValue(offset, forKey: level) == offset { return }
            state.isDirty = true
            state.updates &+= 1
            if versionStep > 0, state.updates % versionStep == 0 {
                state.offsets.version.advance(at: time.wallMilliseconds)
            }
        }
    }

    public var all: [Int32: Int64] { state.withLock { $0.offsets.byLevel } }
    public var version: DataVersion { state.withLock { $0.offsets.version } }
    /// Everything at one moment, as `delayOffset.json` would hold it.
    public var document: [UInt8] { state.withLock { $0.offsets }.document }

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
