// A value that comes once, from anywhere, for the one task that waits for it.

internal import Synchronization

/// The first value that is set counts. The task that waits may be cancelled.
final class Once<Value: Sendable>: Sendable {
    private enum State {
        case empty
        case waited(CheckedContinuation<Value, Never>)
        case set(Value)
        case taken
    }

    private let state = Mutex(State.empty)

    func set(_ value: Value) {
        let waiter = state.withLock { state -> CheckedContinuation<Value, Never>? in
            switch state {
            case .empty: state = .set(value)
            case .waited(let continuation):
                state = .taken
                return continuation
            case .set, .taken: break
            }
            return nil
        }
        waiter?.resume(returning: value)
    }

    /// Waits for the value; `cancelled` comes in its place when the task is cancelled first. For
    /// one task, once.
    func value(ifCancelled cancelled: Value) async -> Value {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let value = state.withLock { state -> Value? in
                    if case .set(let value) = state {
                        state = .taken
                        return value
                    }
                    state = .waited(continuation)
                    return nil
                }
                if let value { continuation.resume(returning: value) }
            }
        } onCancel: {
            set(cancelled)
        }
    }
}
