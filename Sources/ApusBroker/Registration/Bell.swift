// Wakes the one task that waits, now or when its time has come.

import NIOCore
import Synchronization

/// A bell that one task sleeps by. A ring while nobody sleeps is kept.
final class Bell: Sendable {
    private struct State {
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

    /// Sleeps until a ring, at most so long. May return early.
    func sleep(_ time: TimeAmount, on loop: any EventLoop) async {
        let alarm = loop.scheduleTask(in: time) { self.ring() }
        defer { alarm.cancel() }
        await withCheckedContinuation { continuation in
            let isRung = state.withLock { state in
                defer { state.isRung = false }
                if !state.isRung { state.sleeper = continuation }
                return state.isRung
            }
            if isRung { continuation.resume() }
        }
    }
}
