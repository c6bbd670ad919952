// One attempt on its way, and the task that waits for its answer.

internal import ApusFormat
internal import ApusRemoting
internal import Synchronization

/// Gives the answer to whoever waits.
final class SendWait: ResponseReceiver {
    private let target: SendTarget
    private let id: UniqueID
    private let outcome = Once<SendOutcome>()

    init(_ target: SendTarget, _ id: UniqueID) {
        self.target = target
        self.id = id
    }

    func receive(_ response: borrowing Request) {
        outcome.set(SendOutcome(response, target, id))
    }

    func receive(_ failure: RemotingError) { outcome.set(.failed(failure)) }

    /// Waits for it, or for the task to be cancelled.
    func value() async -> SendOutcome { await outcome.value(ifCancelled: .cancelled) }
}
