// A message in a pipeline, and then another one: the objects go round, so that a pipeline allocates
// nothing for each message.

internal import ApusFormat
internal import ApusRemoting
internal import Synchronization

/// What hears of a message's first attempt.
final class PipelinedSend: ResponseReceiver {
    // Unowned: a pipeline ends only when everything that went through it has been answered.
    private unowned let pipeline: SendPipeline
    private let state = Mutex(State())

    private struct State {
        var number = 0
        var send: PreparedSend?
        var bytes = 0
        var choice = QueueChoice.inTurn
        var target: SendTarget?
        var outcome: SendOutcome?
        /// When it was handed over, where somebody wants to know how long it took.
        var start: ContinuousClock.Instant?
        /// The memory of the properties that were sent last.
        var memory: [UInt8] = []
    }

    init(_ pipeline: SendPipeline) { self.pipeline = pipeline }

    var parts: (PreparedSend?, QueueChoice, SendTarget?, SendOutcome?) {
        state.withBriefLock { ($0.send, $0.choice, $0.target, $0.outcome) }
    }

    /// The topic of the message in it.
    var topic: String { state.withBriefLock { $0.send?.topic ?? "" } }

    func setNumber(_ number: Int) { state.withBriefLock { $0.number = number } }

    func note(_ outcome: SendOutcome) { state.withBriefLock { $0.outcome = outcome } }

    /// Checks and encodes a message; answers with the bytes that it takes of the window.
    func prepare(
        _ message: Message, _ choice: QueueChoice, _ topicIsGood: Bool, with producer: Producer
    ) throws(ClientError) -> Int {
        try state.withBriefLock { state throws(ClientError) in
            var memory: [UInt8] = []
            swap(&memory, &state.memory)
            let send = try producer.prepare(
                message, "sending to \(message.topic)", topicIsGood: topicIsGood,
                reusing: memory)
            if producer.observer != nil { state.start = .now }
            state.bytes = send.body.count
            state.choice = choice
            state.send = send
            return state.bytes
        }
    }

    /// The first attempt. False: it could not be made.
    func begin(_ route: PublishRoute?, _ producer: Producer) -> Bool {
        let configuration = producer.configuration
        // The answer may be here before this returns, but takes the lock as well.
        return state.withBriefLock { state in
            guard let route, !producer.core.remoting.isSigning,
                let target = producer.choose(state.choice, route, avoiding: []),
                let connection = target.endpoint.connection
            else { return false }
            state.target = target
            let isSent = state.send?.begin(
                to: target, route, on: connection,
                timeout: configuration.attemptTimeout ?? configuration.sendTimeout,
                receiver: self)
            if isSent != true { state.target = nil }
            return isSent == true
        }
    }

    func tell(_ observer: SendObserver, _ result: Result<SendReceipt, ClientError>) {
        let (send, start, address) = state.withBriefLock {
            ($0.send, $0.start, $0.target?.endpoint.address)
        }
        guard let send else { return }
        observer.ended(send, result, in: start.map { $0.duration(to: .now) }, on: address)
    }

    /// What it takes of windows.
    var byteCount: Int { state.withBriefLock { $0.bytes } }

    /// It is through: what it held is let go of, but for memory. Answers with its number.
    func end() -> Int {
        state.withBriefLock { state in
            if let send = state.send { state.memory = send.properties }
            state.send = nil
            state.target = nil
            state.outcome = nil
            return state.number
        }
    }

    func receive(_ response: borrowing Request, on connection: Connection) {
        let (target, id) = state.withBriefLock { ($0.target, $0.send?.uniqueID) }
        guard let target, let id else { return }
        pipeline.answered(self, SendOutcome(response, target, id), on: connection)
    }

    func receive(_ failure: RemotingError) { pipeline.failed(self, .failed(failure)) }
}
