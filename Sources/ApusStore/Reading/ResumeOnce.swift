// Resumes a continuation once, whoever comes first: publication or cancellation.

import Synchronization

/// A continuation that several may resume.
final class ResumeOnce: Sendable {
    private struct State: Sendable {
        var isResumed = false
        var continuation: CheckedContinuation<Void, Never>?
        var cleanUp: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    func set(_ continuation: CheckedContinuation<Void, Never>) {
        let isLate = state.withLock { state in
            if !state.isResumed { state.continuation = continuation }
            return state.isResumed
        }
        if isLate { continuation.resume() }
    }

    /// Called when the continuation is resumed; at once when it was.
    func onResume(_ cleanUp: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            if !state.isResumed { state.cleanUp = cleanUp }
            return state.isResumed
        }
        if isLate { cleanUp() }
    }

    func resume() {
        let (continuation, cleanUp) = state.withLock { state in
            defer {
                state.isResumed = true
                state.continuation = nil
                state.cleanUp = nil
            }
            return (state.continuation, state.cleanUp)
        }
        continuation?.resume()
        cleanUp?()
    }
}
