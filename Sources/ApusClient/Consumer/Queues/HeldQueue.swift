// A queue that is this member's for now.

internal import ApusRemoting
internal import Synchronization

/// A queue from when it became the member's to when it is somebody else's. A queue that comes back
/// is another object: what is done late for this one does not count for that one.
final class HeldQueue: Sendable {
    private struct State {
        var progress: QueueProgress
        var isDropped = false
        var isPaused = false
        /// Handed out and not back.
        var inHands = 0
        var pull: PullWait?
        /// It found no room, and is to be told.
        var readerWaits = false
        var maximum: Int64 = 0
        /// What brokers know.
        var committed: Int64?
        /// What the application wants committed, where it says so itself.
        var wanted: Int64?
        /// Behind the last message that was handed out.
        var position: Int64
        /// Of a queue in order: whether the broker has given the lock, and until when it counts.
        var lockedUntil: ContinuousClock.Instant?
    }

    let queue: MessageQueue
    let isRetry: Bool
    /// Rung when the reader should look again whether to pull.
    let reading = Bell()
    /// Rung when there may be messages for a handler in order.
    let handling = Bell()
    /// Rung when what was handed out is back.
    let returned = Bell()
    /// Whether the application says what is to be committed.
    private let isExplicit: Bool
    private let state: Mutex<State>

    init(
        _ queue: MessageQueue, isRetry: Bool, isExplicit: Bool = false, at offset: Int64,
        committed: Int64?
    ) {
        self.queue = queue
        self.isRetry = isRetry
        self.isExplicit = isExplicit
        let offset = max(0, offset)
        var first = State(progress: QueueProgress(at: offset), position: offset)
        first.committed = committed
        state = Mutex(first)
    }

    var isDropped: Bool { state.withLock { $0.isDropped } }
    var isPaused: Bool { state.withLock { $0.isPaused } }
    var nextOffset: Int64 { state.withLock { $0.progress.nextOffset } }
    var hasWaiting: Bool { state.withLock { $0.progress.hasWaiting } }
    var inHands: Int { state.withLock { $0.inHands } }

    var report: ConsumerProgress {
        state.withLock {
            ConsumerProgress(
                queue: queue, nextOffset: $0.progress.nextOffset,
                consumedOffset: $0.progress.commitOffset, committedOffset: $0.committed,
                endOffset: $0.maximum, heldMessages: $0.progress.count,
                heldBytes: $0.progress.byteCount, isPaused: $0.isPaused)
        }
    }

    /// Whether so much is here that no more is to be pulled.
    func isFull(_ configuration: ConsumerConfiguration, spanCounts: Bool) -> Bool {
        state.withLock { state in
            let isFull =
                state.progress.count >= configuration.maximumHeldMessages
                || state.progress.byteCount >= configuration.maximumHeldBytes
                || spanCounts && state.progress.span > configuration.maximumSpan
            state.readerWaits = isFull
            return isFull
        }
    }

    /// Takes what a pull that began at `offset` brought. False when it is none of the queue's any
    /// more: dropped, or set to another offset meanwhile.
    func add(_ messages: [ReceivedMessage], from offset: Int64, next: Int64) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isDropped, state.progress.nextOffset == offset else { return false }
            state.progress.add(messages, next: next)
            return true
        }
        if isTaken, !messages.isEmpty { handling.ring() }
        return isTaken
    }

    func note(maximum: Int64?) {
        // Nothing of a peer's is added up before it is in bounds.
        if let maximum { state.withLock { $0.maximum = max(0, maximum) } }
    }

    /// Messages for a handler.
    func handOut(_ limit: Int) -> HandedOut? {
        state.withLock { state in
            guard !state.isDropped, !state.isPaused, let handed = state.progress.handOut(limit)
            else { return nil }
            state.inHands += 1
            if let last = handed.messages.last { state.position = last.queueOffset + 1 }
            return handed
        }
    }

    /// They are back; if they are done, the queue has come further.
    func takeBack(_ handed: HandedOut, isDone: Bool, _ configuration: ConsumerConfiguration) {
        let (isLast, hasRoom) = state.withLock { state in
            state.inHands -= 1
            if isDone { state.progress.finish(handed) }
            // A reader that found no room is woken when half of it is free.
            let hasRoom =
                state.readerWaits
                && state.progress.count <= configuration.maximumHeldMessages / 2
            if hasRoom { state.readerWaits = false }
            return (state.inHands == 0, hasRoom)
        }
        if isLast { returned.ring() }
        if hasRoom { reading.ring() }
    }

    /// What may be committed and was not yet; nil when there is nothing new.
    func takeCommit() -> Int64? {
        state.withLock { state in
            guard let offset = isExplicit ? state.wanted : state.progress.commitOffset,
                state.committed != offset
            else { return nil }
            return offset
        }
    }

    /// The application wants this committed: everything before the offset is done. Nil: what was
    /// handed out. False when the queue is somebody else's.
    func want(_ offset: Int64?) -> Bool {
        state.withLock { state in
            if state.isDropped { return false }
            state.wanted = offset ?? state.position
            return true
        }
    }

    var position: Int64 { state.withLock { $0.position } }

    func committed(_ offset: Int64) { state.withLock { $0.committed = offset } }

    /// It is no longer the member's: nothing more is pulled or handed out.
    func drop() {
        let pull = state.withLock { state in
            state.isDropped = true
            defer { state.pull = nil }
            return state.pull
        }
        pull?.give(.dropped)
        for bell in [reading, handling, returned] { bell.ring() }
    }

    /// Begins anew at another offset.
    func reset(to offset: Int64) {
        let pull = state.withLock { state in
            state.progress.reset(to: offset)
            state.position = offset
            defer { state.pull = nil }
            return state.pull
        }
        pull?.give(.dropped)
        reading.ring()
    }

    func setPaused(_ isPaused: Bool) {
        state.withLock { $0.isPaused = isPaused }
        reading.ring()
        handling.ring()
    }

    /// The pull from an offset that is under way, so that a drop or a reset ends the waiting for
    /// it. False when either has come before it.
    func begin(_ pull: PullWait, at offset: Int64) -> Bool {
        state.withLock { state in
            if state.isDropped || state.progress.nextOffset != offset { return false }
            state.pull = pull
            return true
        }
    }

    // MARK: order

    func locked(until end: ContinuousClock.Instant?) {
        state.withLock { $0.lockedUntil = end }
        reading.ring()
        handling.ring()
    }

    var isLocked: Bool { state.withLock { $0.lockedUntil.map { $0 > .now } ?? false } }
}

/// How far a consumer has come in a queue.
public struct ConsumerProgress: Sendable, Hashable {
    public let queue: MessageQueue
    /// Where the next pull begins.
    public let nextOffset: Int64
    /// Everything before it has been consumed.
    public let consumedOffset: Int64
    /// What was committed last; nil when nothing was.
    public let committedOffset: Int64?
    /// The end of the queue, as the last pull told it.
    public let endOffset: Int64
    public let heldMessages: Int
    public let heldBytes: Int
    public let isPaused: Bool

    /// Messages that are not consumed yet, as far as known.
    public var lag: Int64 { max(0, endOffset - consumedOffset) }
}
