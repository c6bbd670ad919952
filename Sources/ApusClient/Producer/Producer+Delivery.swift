// One message, from its attempts to what came of it.

internal import ApusFormat
internal import ApusRemoting

extension Producer {
    /// Waits for a place, then tries until the message is stored, the attempts are used up, or the
    /// time is over.
    func deliver(
        _ send: PreparedSend, _ choice: QueueChoice, messages: Int = 1
    ) async throws(ClientError) -> SendReceipt {
        guard let observer else { return try await deliverUnobserved(send, choice) }
        let start = ContinuousClock.now
        let result: Result<SendReceipt, ClientError>
        do throws(ClientError) {
            result = .success(try await deliverUnobserved(send, choice))
        } catch {
            result = .failure(error)
        }
        let broker = (try? result.get())?.queue.broker
        observer.ended(
            send, result, messages: messages, in: start.duration(to: .now),
            on: broker.flatMap { core.routes.group($0)?.master })
        return try result.get()
    }

    private func deliverUnobserved(
        _ send: PreparedSend, _ choice: QueueChoice
    ) async throws(ClientError) -> SendReceipt {
        let deadline = Deadline(after: configuration.sendTimeout)
        guard await window.enter(send.body.count) else {
            throw .cancelled("sending to \(send.topic)")
        }
        defer { window.leave(bytes: send.body.count) }
        return try await attempt(send, choice, DeliveryProgress(), until: deadline)
    }

    /// The attempts that are left after `progress`.
    func attempt(
        _ send: PreparedSend, _ choice: QueueChoice, _ before: DeliveryProgress,
        until deadline: Deadline
    ) async throws(ClientError) -> SendReceipt {
        var progress = before
        while true {
            if Task.isCancelled {
                throw .cancelled("sending to \(send.topic)", mayHaveHappened: progress.isInDoubt)
            }
            let route: PublishRoute
            do throws(ClientError) {
                route = try await publishRoute(send.topic, until: deadline)
            } catch {
                throw error.inDoubt(progress.isInDoubt)
            }
            guard let target = choose(choice, route, avoiding: progress.failedBrokers) else {
                throw noQueue(send.topic, "sending to \(send.topic)").inDoubt(progress.isInDoubt)
            }
            let outcome = await attempt(send, to: target, route, until: deadline)
            if case .stored(let receipt) = outcome, isGoodEnough(receipt, progress) {
                return receipt
            }
            let error = progress.note(
                outcome, send, target, mayUseAnother: choice.isFree || outcome.isFailure)
            notice(outcome, at: target)
            let isLast = progress.attempts >= configuration.attempts || deadline.isOver
            if case .stored(let receipt) = outcome, isLast { return receipt }
            if isLast || !progress.goesOn { throw error.inDoubt(progress.isInDoubt) }
            await progress.pause(until: deadline)
        }
    }

    private func isGoodEnough(_ receipt: SendReceipt, _ progress: DeliveryProgress) -> Bool {
        receipt.status == .stored || !configuration.retriesWhatIsNotSafe
    }

    /// A broker that does not answer has moved, or is gone.
    func notice(_ outcome: SendOutcome, at target: SendTarget) {
        switch outcome {
        case .failed(let failure):
            target.endpoint.failed()
            core.routes.bell.ring()
            // Finds out whether the connection is dead.
            if case .timedOut = failure { heartbeat.ring() }
        case .refused(let code, _):
            if code == .topicNotExist || code == .noPermission || code == .serviceNotAvailable {
                core.routes.bell.ring()
            }
            if code.invitesAnotherBroker { target.endpoint.failed() }
        case .stored, .misunderstood, .cancelled: break
        }
    }

    /// One attempt.
    private func attempt(
        _ send: PreparedSend, to target: SendTarget, _ route: PublishRoute, until deadline: Deadline
    ) async -> SendOutcome {
        let time = min(deadline.remaining, configuration.attemptTimeout ?? .seconds(3600))
        guard time > .zero else {
            return .failed(
                .timedOut(address: target.endpoint.address, code: send.code, after: .zero))
        }
        if core.remoting.isSigning { return await signedAttempt(send, target, time) }
        let end = Deadline(after: time)
        // A connection may close between the two lines; nothing was sent then.
        for _ in 0..<3 {
            let connection: Connection
            switch await connect(target.endpoint, until: end) {
            case .success(let open): connection = open
            case .failure(let error): return .failed(error)
            }
            let wait = SendWait(target, send.uniqueID)
            let start = ContinuousClock.now
            let left = end.remaining
            if left <= .zero { break }
            let isSent = send.begin(
                to: target, route, on: connection, timeout: left, receiver: wait)
            guard isSent else {
                if let refusal = connection.refusal { return .failed(refusal) }
                continue
            }
            let outcome = await wait.value()
            if case .stored = outcome {
                target.endpoint.answered(after: start.duration(to: .now))
            }
            return outcome
        }
        return .failed(
            .connectFailed(address: target.endpoint.address, reason: "it closes what is opened"))
    }

    private func signedAttempt(
        _ send: PreparedSend, _ target: SendTarget, _ time: Duration
    ) async -> SendOutcome {
        switch await core.invoke(
            send.command(to: target, group: configuration.group), on: target.endpoint.address,
            timeout: time)
        {
        case .cancelled: return .cancelled
        case .failed(let failure): return .failed(failure)
        case .answer(let answer):
            return answer.withRequest { SendOutcome($0, target.queue, send.uniqueID) }
                ?? .misunderstood("an answer that cannot be read")
        }
    }

    /// Looks up where a topic's messages go, and connects to its brokers. What fails here fails
    /// again when something is sent.
    func prepareRoute(_ topic: String) async {
        let deadline = Deadline(after: configuration.sendTimeout)
        do throws(ClientError) { try Names.check(topic: topic, "") } catch { return }
        guard let route = try? await publishRoute(topic, until: deadline) else { return }
        var seen: Set<String> = []
        let endpoints = route.targets.map(\.endpoint).filter { seen.insert($0.address).inserted }
        await withDiscardingTaskGroup { tasks in
            for endpoint in endpoints where endpoint.openConnection == nil {
                tasks.addTask { _ = await self.connect(endpoint, until: deadline) }
            }
        }
    }

    /// The connection to a broker, made when there is none.
    func connect(
        _ endpoint: Endpoint, until deadline: Deadline
    ) async -> Result<Connection, RemotingError> {
        if let connection = endpoint.openConnection { return .success(connection) }
        let result = await core.connection(to: endpoint.address, until: deadline)
        if case .success(let connection) = result, endpoint.keep(connection) {
            // A broker asks about transactions only those of whom it has heard.
            heartbeat.ring()
        }
        return result
    }
}

extension SendOutcome {
    /// Whether no answer came.
    var isFailure: Bool { if case .failed = self { true } else { false } }
}
