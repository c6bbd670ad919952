// Messages of a pipeline whose first attempt failed, or could not be made.

internal import ApusFormat
internal import ApusRemoting

/// A message that a task of its own is to send.
struct FailedSend: Sendable {
    let number: Int
    /// Nil for what cannot be: a request of ours that we cannot read.
    let send: PreparedSend?
    /// What it takes of windows.
    let bytes: Int
    let choice: QueueChoice
    /// Of the first attempt, if there was one.
    let target: SendTarget?
    let outcome: SendOutcome?
    /// Whether it has a place among those that are under way.
    var hasPlace: Bool
    let begun: Int64

    init(
        _ slot: FrameSlot, _ send: PreparedSend?, target: SendTarget?, outcome: SendOutcome?,
        hasPlace: Bool
    ) {
        number = slot.number
        self.send = send
        bytes = Int(slot.bytes)
        choice = slot.shardingKey.map { .key($0) } ?? .inTurn
        self.target = target
        self.outcome = outcome
        self.hasPlace = hasPlace
        begun = slot.begun
    }

    /// One that no connection was there for.
    init(_ number: Int, _ send: PreparedSend, _ choice: QueueChoice, begun: Int64) {
        self.number = number
        self.send = send
        bytes = send.body.count
        self.choice = choice
        target = nil
        outcome = nil
        hasPlace = false
        self.begun = begun
    }
}

extension SendPipeline {
    /// Tries again what failed, until all is answered. When the task is cancelled, what is on its
    /// way is still waited for, but not tried again.
    func repeatFailures() async {
        await withDiscardingTaskGroup { tasks in
            while true {
                let (failures, stuck, isOver) = takeFailures()
                if isOver { return }
                for failure in failures { tasks.addTask { await self.repeatAttempts(failure) } }
                // Not waited for here: what fails meanwhile may have the places that it waits for.
                if let stuck { tasks.addTask { await self.waitForPlace(stuck) } }
                if failures.isEmpty, stuck == nil {
                    if Task.isCancelled { await bell.waitUncancelled() } else { await bell.wait() }
                }
            }
        }
    }

    /// Others have all places, and nothing of this lane will give one back: waits for one, and has
    /// all lanes go on.
    private func waitForPlace(_ lane: SendLane) async {
        let bytes = lane.bytesOfNext
        let hasPlace = await producer.window.enter(bytes)
        // A lane that is stuck from here on is waited for again.
        endWaitForPlace()
        guard hasPlace else {
            // Nobody waits any longer for what was not begun. What a lane has not taken yet, it
            // does now, and finds no place either.
            for failure in lanes.flatMap({ $0.removeUnsent() }) {
                finish(failure, .failure(.cancelled("sending through a pipeline")))
            }
            return
        }
        producer.window.leave(bytes: bytes)
        // Other lanes may have found no place either.
        scheduleAll()
    }

    private func repeatAttempts(_ failure: FailedSend) async {
        var failure = failure
        do throws(ClientError) {
            if !failure.hasPlace {
                guard await producer.window.enter(failure.bytes) else {
                    throw .cancelled("sending through a pipeline")
                }
                failure.hasPlace = true
            }
            let deadline = Deadline(after: producer.configuration.sendTimeout)
            guard let send = failure.send else {
                throw ClientError(
                    .badAnswer, "sending through a pipeline",
                    "the request cannot be read back for another attempt",
                    mayHaveHappened: failure.target != nil)
            }
            let receipt = try await producer.goOn(send, failure, until: deadline)
            finish(failure, .success(receipt))
        } catch {
            finish(failure, .failure(error))
        }
    }

    private func finish(_ failure: FailedSend, _ result: PipelineResult) {
        if let observer = producer.observer, let send = failure.send {
            let broker = (try? result.get())?.queue.broker
            observer.ended(
                send, result, in: Self.time(since: failure.begun),
                on: broker.flatMap { producer.core.routes.group($0)?.master })
        }
        onResult(failure.number, result)
        if failure.hasPlace { producer.window.leave(bytes: failure.bytes) }
        scheduleAll()
        finished(1, bytes: failure.bytes)
    }
}

extension Producer {
    /// Goes on after a first attempt that was made elsewhere; without one it is the first.
    fileprivate func goOn(
        _ send: PreparedSend, _ first: FailedSend, until deadline: Deadline
    ) async throws(ClientError) -> SendReceipt {
        var progress = DeliveryProgress()
        if let target = first.target, let outcome = first.outcome {
            let error = progress.note(
                outcome, send, target, mayUseAnother: first.choice.isFree || outcome.isFailure)
            notice(outcome, at: target)
            let isLast = progress.attempts >= configuration.attempts
            if case .stored(let receipt) = outcome, isLast { return receipt }
            if isLast || !progress.goesOn { throw error.inDoubt(progress.isInDoubt) }
        }
        return try await attempt(send, first.choice, progress, until: deadline)
    }
}
