// Wakes the one task that waits: when it is rung, when its time has come, or when it is cancelled.

internal import Synchronization

/// A bell that one task waits by. A ring while nobody waits is kept, several are one.
final class Bell: Sendable {
    fileprivate struct State {
        var isRung = false
        var sleeper: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func ring() {
        let sleeper = state.withLock { state in
            defer { state.sleeper = nil }
            if state.sleeper == nil { state.isRung = true }
            return state.sleeper
        }
        sleeper?.resume()
    }

    /// Waits for a ring, or until the task is cancelled.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = state.withLock { state in
                    if state.isRung || Task.isCancelled {
                        state.isRung = false
                        return true
                    }
                    state.sleeper = continuation
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            ring()
        }
    }

    /// Waits for a ring, whether the task is cancelled or not: for what is sure to come.
    func waitUncancelled() async {
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                if state.takeRing() { return true }
                state.sleeper = continuation
                return false
            }
            if goesOn { continuation.resume() }
        }
    }

    /// The same as `wait`, at most so long.
    func wait(atMost time: Duration) async {
        if state.withLock({ $0.takeRing() }) { return }
        await withTaskGroup { tasks in
            tasks.addTask { await self.wait() }
            tasks.addTask { try? await Task.sleep(for: time) }
            await tasks.next()
            tasks.cancelAll()
        }
    }
}

extension Bell.State {
    fileprivate mutating func takeRing() -> Bool {
        defer { isRung = false }
        return isRung
    }
}
