// What became of a message's attempts so far, and whether another makes sense.

internal import ApusRemoting

/// The attempts of one message.
struct DeliveryProgress: Sendable {
    private(set) var attempts = 0
    /// The message may be stored by an attempt that got no answer.
    private(set) var isInDoubt = false
    private(set) var failedBrokers: [String] = []
    /// Whether another attempt may go better.
    private(set) var goesOn = true

    /// Takes note of an attempt that did not go as it should, and says how.
    mutating func note(
        _ outcome: SendOutcome, _ send: PreparedSend, _ target: SendTarget, mayUseAnother: Bool
    ) -> ClientError {
        attempts += 1
        if !failedBrokers.contains(target.endpoint.broker) {
            failedBrokers.append(target.endpoint.broker)
        }
        let attempt =
            "sending to \(target.queue) (\(target.endpoint.address), attempt \(attempts))"
        switch outcome {
        case .stored:
            isInDoubt = true
            return ClientError(.badAnswer, attempt, "stored, but not as safely as it should be")
        case .refused(let code, let remark):
            goesOn = mayUseAnother && code.invitesAnotherBroker
            return ClientError(refusal: code, remark: remark, attempt)
        case .failed(let failure):
            let error = ClientError(failure, attempt)
            isInDoubt = isInDoubt || error.mayHaveHappened
            goesOn = error.kind != .closed && error.kind != .invalidSetting
            return error
        case .misunderstood(let problem):
            isInDoubt = true
            goesOn = false
            return ClientError(.badAnswer, attempt, problem, mayHaveHappened: true)
        case .cancelled:
            isInDoubt = true
            goesOn = false
            return .cancelled(attempt, mayHaveHappened: true)
        }
    }

    /// Lets a broker that is restarting, or a route that is being looked up, have a moment.
    func pause(until deadline: Deadline) async {
        let time = min(deadline.remaining, .milliseconds(Int64(attempts) * 50))
        if time > .zero { try? await Task.sleep(for: time) }
    }
}
