// Many ask for the same at once, one goes and gets it, and all of them have it.

internal import Synchronization

/// Lets one task at a time do the work of a key. Nobody who waits is left behind when that task is
/// cancelled: one of them goes next.
final class SingleFlight<Key: Hashable & Sendable>: Sendable {
    private typealias Waiter = CheckedContinuation<Void, Never>

    private struct State {
        var number = 0
        /// Who waits for each key that is worked on.
        var waiters: [Key: [Int: Waiter]] = [:]
    }

    private let state = Mutex(State())

    /// True: the caller is to do the work, and calls `end`. False: somebody else has ended it
    /// meanwhile, or the caller was cancelled: look again.
    func begin(_ key: Key) async -> Bool {
        let number = state.withLock { state -> Int? in
            if state.waiters[key] == nil {
                state.waiters[key] = [:]
                return nil
            }
            state.number += 1
            return state.number
        }
        guard let number else { return true }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.waiters[key] == nil || Task.isCancelled { return true }
                    state.waiters[key]?[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters[key]?.removeValue(forKey: number) }?.resume()
        }
        return false
    }

    /// The work is done, or given up.
    func end(_ key: Key) {
        let waiters = state.withLock { $0.waiters.removeValue(forKey: key) } ?? [:]
        for waiter in waiters.values { waiter.resume() }
    }
}
