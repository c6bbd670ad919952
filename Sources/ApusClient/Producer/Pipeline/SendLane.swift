// The messages of a pipeline that go over one connection. All of it is done on that connection's
// event loop, but for letting go of what nobody waits for any longer; the sender's thread only
// fills the next batch, which lies with the pipeline.

internal import ApusFormat
internal import ApusRemoting
internal import Synchronization

/// Sends batches in runs, as far as the producer's window has places, and hears of each message.
final class SendLane: RunReceiver, CycleListener {
    let endpoint: Endpoint
    let connection: Connection
    // Each holds on to the other until the pipeline ends, and lets go of its lanes.
    private let pipeline: SendPipeline
    private let producer: Producer
    private let timeout: Duration
    private let needsSafety: Bool
    private let isObserved: Bool
    private let work = BriefMutex(LaneWork())

    /// After so many answers the next messages go out, and results are told: the broker and this
    /// end then work side by side, not in turns.
    private static let share = 64
    /// Bytes of bodies in a run, unless a single one is longer: they are copied under the lock.
    private static let runBytes = 256 << 10

    init(_ pipeline: SendPipeline, _ producer: Producer, _ target: Endpoint, _ open: Connection) {
        endpoint = target
        connection = open
        self.pipeline = pipeline
        self.producer = producer
        let configuration = producer.configuration
        isObserved = producer.observer != nil
        timeout = configuration.attemptTimeout ?? configuration.sendTimeout
        needsSafety = configuration.retriesWhatIsNotSafe
    }

    // MARK: sending

    /// Has the event loop send what waits.
    func schedule() { connection.onLoop { self.pump() } }

    /// Sends what waits, as far as there are places. False when that is nothing.
    @discardableResult
    private func pump() -> Bool {
        let window = producer.window
        var isSending = false
        while true {
            let step = work.withBriefLock { next(&$0, window) }
            switch step {
            case .goOn:
                isSending = true
                continue
            case .rest: break
            case .stuck: pipeline.isStuck(self)
            case .closed: handBack()
            }
            return isSending
        }
    }

    private enum Step { case goOn, rest, stuck, closed }

    /// Sends one run.
    private func next(_ work: inout LaneWork, _ window: SendWindow) -> Step {
        guard connection.isOpen else { return .closed }
        if work.unsent == 0, !pipeline.take(into: &work, for: self) { return .rest }
        let place = work.batches.count - 1
        var (count, bytes) = work.batches[place].next(
            atMost: max(1, window.free), bytes: Self.runBytes)
        if !window.tryEnter(count, bytes: bytes) {
            (count, bytes) = work.batches[place].next(atMost: 1, bytes: 0)
            guard window.tryEnter(1, bytes: bytes) else {
                return work.underWay == 0 ? .stuck : .rest
            }
        }
        let first = connection.beginRun(
            of: count, .sendMessageV2, tag: work.tagOfNext, timeout: timeout, receiver: self)
        guard work.batches[place].send(next: count, from: first, on: connection) else {
            window.leave(count, bytes: bytes)
            return .closed
        }
        work.underWay += count
        return .goOn
    }

    /// The connection is gone: what was not sent goes another way.
    private func handBack() {
        for failure in removeUnsent(and: pipeline.remove(self)) { pipeline.leave(failure) }
    }

    /// Takes out what was not sent, and is not to be.
    func removeUnsent(and filled: FrameBatch? = nil) -> [FailedSend] {
        work.withBriefLock { work in
            if let filled, !filled.isEmpty { work.batches.append(filled) }
            return work.removeUnsent(producer.generator)
        }
    }

    /// What the first message that waits takes of the window.
    var bytesOfNext: Int {
        work.withBriefLock { $0.batches.last?.next(atMost: 1, bytes: 0).bytes ?? 0 }
    }

    // MARK: answers

    func receive(_ response: borrowing Request, tag: Int, on connection: Connection) -> Bool {
        guard let parts = StoredParts(response), parts.status == .stored || !needsSafety else {
            guard let ended = work.withBriefLock({ $0.end(tag) }) else { return false }
            let id = producer.generator.id(ended.slot.idTime, ended.slot.idCounter)
            failed(tag, ended, SendOutcome(response, ended.queue, id))
            return ended.isLast
        }
        let (count, isLast) = work.withBriefLock { $0.end(tag, parts) }
        if count == 0 { return false }
        if isObserved { observe(tag) }
        if count == 1 { connection.onEndOfCycle(self) }
        if count == Self.share { turn() }
        return isLast
    }

    func fail(_ tags: Range<Int>, _ failure: RemotingError) {
        for tag in tags {
            if let ended = work.withBriefLock({ $0.end(tag) }) {
                failed(tag, ended, .failed(failure))
            }
        }
        if !connection.isOpen { handBack() }
    }

    private func failed(_ tag: Int, _ ended: LaneWork.Answered, _ outcome: SendOutcome) {
        let slot = ended.slot
        let (send, target) = work.withBriefLock { work in
            work.underWay -= 1
            return (work.prepared(tag, producer.generator), work.target(tag, slot))
        }
        pipeline.leave(
            FailedSend(slot, send, target: target, outcome: outcome, hasPlace: true))
    }

    /// Of the message that was answered last.
    private func observe(_ tag: Int) {
        let (send, stored) = work.withBriefLock {
            ($0.prepared(tag, producer.generator), $0.stored.last)
        }
        guard let send, let stored else { return }
        producer.observer?.ended(
            send, .success(stored.receipt(producer.generator)),
            in: SendPipeline.time(since: stored.begun), on: endpoint.address)
    }

    func cycleEnded(on connection: Connection) { turn() }

    /// Sends the next messages, then tells what came of those before.
    private func turn() {
        // The memory goes back when it has been gone through.
        var all: [StoredMessage] = []
        let bytes = work.withBriefLock { work in
            swap(&all, &work.stored)
            swap(&work.stored, &work.spareStored)
            work.underWay -= all.count
            work.retire()
            defer { work.storedBytes = 0 }
            return work.storedBytes
        }
        if all.isEmpty { return }
        producer.window.leave(all.count, bytes: bytes)
        if pump() { connection.sendNow() }
        let generator = producer.generator
        for place in all.indices {
            pipeline.onResult(all[place].number, .success(all[place].receipt(generator)))
        }
        let count = all.count
        all.removeAll(keepingCapacity: true)
        work.withBriefLock { swap(&all, &$0.spareStored) }
        pipeline.finished(count, bytes: bytes)
    }
}
