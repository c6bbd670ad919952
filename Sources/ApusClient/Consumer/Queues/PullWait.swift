// A pull on its way, and the reader that waits for it.

internal import ApusRemoting

/// How a pull ended.
enum PullOutcome: Sendable {
    case answer(PullAnswer)
    case failed(RemotingError)
    /// Nobody wants it any more.
    case dropped
}

/// Gives the answer to the reader, or lets it go on without one.
final class PullWait: ResponseReceiver {
    private let outcome = Once<PullOutcome>()

    func receive(_ response: borrowing Request, on connection: Connection) {
        outcome.set(.answer(PullAnswer(response)))
    }

    func receive(_ failure: RemotingError) { outcome.set(.failed(failure)) }

    func give(_ outcome: PullOutcome) { self.outcome.set(outcome) }

    func value() async -> PullOutcome { await outcome.value(ifCancelled: .dropped) }
}
