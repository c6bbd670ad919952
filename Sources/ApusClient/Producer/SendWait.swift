// One attempt on its way, and the task that waits for its answer.

internal import ApusFormat
internal import ApusRemoting
internal import Synchronization

/// Gives the answer to whoever waits. Like `Once`, without an object more.
final class SendWait: ResponseReceiver {
    private enum State {
        case empty
        case waited(CheckedContinuation<SendOutcome, Never>)
        case set(SendOutcome)
        case taken
    }

    private let target: SendTarget
    private let id: UniqueID
    private let state = BriefMutex(State.empty)

    init(_ target: SendTarget, _ id: UniqueID) {
        self.target = target
        self.id = id
    }

    func receive(_ response: borrowing Request, on connection: Connection) {
        set(SendOutcome(response, target.queue, id))
    }

    func receive(_ failure: RemotingError) { set(.failed(failure)) }

    private func set(_ outcome: SendOutcome) {
        let waiter = state.withBriefLock { state -> CheckedContinuation<SendOutcome, Never>? in
            switch state {
            case .empty: state = .set(outcome)
            case .waited(let continuation):
                state = .taken
                return continuation
            case .set, .taken: break
            }
            return nil
        }
        waiter?.resume(returning: outcome)
    }

    /// Waits for it, or for the task to be cancelled.
    func value() async -> SendOutcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome = state.withBriefLock { state -> SendOutcome? in
                    if case .set(let outcome) = state {
                        state = .taken
                        return outcome
                    }
                    state = .waited(continuation)
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            set(.cancelled)
        }
    }
}
