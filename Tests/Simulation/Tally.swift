// Who does which seed, and what came of it.

import Synchronization

/// What the workers share.
final class Tally: Sendable {
    private struct State {
        var nextSeed: UInt64
        var done = 0
        var started = 0
        var details = 0
        var failures = 0
        var working = 0
    }
    private let state: Mutex<State>
    private let count: Int
    private let mostFailures: Int
    /// States are counted when they are done, scenarios when they are begun.
    private let countsStates: Bool

    init(_ options: SimulateOptions) {
        state = Mutex(State(nextSeed: options.seed, working: options.workers))
        count = options.count
        mostFailures = options.failures
        countsStates = options.layer == "states"
    }

    var done: Int { state.withLock { $0.done } }
    var details: Int { state.withLock { $0.details } }
    var failures: Int { state.withLock { $0.failures } }
    var nextSeed: UInt64 { state.withLock { $0.nextSeed } }
    var isDone: Bool { state.withLock { $0.working == 0 } }

    /// The next seed; nil when enough is done, or too much has failed.
    func take() -> UInt64? {
        state.withLock { state in
            guard (countsStates ? state.done : state.started) < count,
                state.failures < mostFailures
            else {
                state.working -= 1
                return nil
            }
            state.started += 1
            defer { state.nextSeed += 1 }
            return state.nextSeed
        }
    }

    func add(_ states: Int, detail: Int) {
        state.withLock {
            $0.done += states
            $0.details += detail
        }
    }

    func fail() { state.withLock { $0.failures += 1 } }
}
