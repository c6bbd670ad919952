// Messages that wait for handlers: the queues that have some, in turn.

internal import ApusRemoting
internal import Synchronization

/// Messages for a handler.
struct Work: Sendable {
    let held: HeldQueue
    let handed: HandedOut
}

/// Gives messages of all queues to handlers that run side by side.
final class WorkQueue: MessageSink {
    private struct Waiter {
        let number: UInt64
        let continuation: CheckedContinuation<Void, Never>

        func resume() { continuation.resume() }
    }

    private struct State {
        /// Queues with messages that wait, each once.
        var ready: [HeldQueue] = []
        var head = 0
        var waiters: [Waiter] = []
        var number: UInt64 = 0
        var isClosed = false

        mutating func pop() -> HeldQueue? {
            guard head < ready.count else { return nil }
            defer {
                head += 1
                if head > 64, head * 2 > ready.count {
                    ready.removeFirst(head)
                    head = 0
                }
            }
            return ready[head]
        }
    }

    private let limit: Int
    private let state = BriefMutex(State())

    /// `limit` messages are given at a time, at most.
    init(limit: Int) { self.limit = limit }

    func hasMessages(_ queue: HeldQueue) {
        let waiter = state.withBriefLock { state -> Waiter? in
            if !state.ready[state.head...].contains(where: { $0 === queue }) {
                state.ready.append(queue)
            }
            return state.waiters.popLast()
        }
        waiter?.resume()
    }

    func dropped(_ queue: HeldQueue) {
        state.withBriefLock { state in
            state.ready.removeFirst(state.head)
            state.head = 0
            state.ready.removeAll { $0 === queue }
        }
    }

    /// Nothing more is given.
    func close() {
        let waiters = state.withBriefLock { state in
            state.isClosed = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// The next messages; waits until there are some. Nil behind `close`, and when the task is
    /// cancelled.
    func next() async -> Work? {
        while true {
            let (work, waiter, isClosed) = take()
            // Whoever gets something wakes the next one, if there is more.
            waiter?.resume()
            if let work { return work }
            if isClosed || Task.isCancelled { return nil }
            await wait()
        }
    }

    private func wait() async {
        let number = state.withBriefLock { state in
            state.number += 1
            return state.number
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = state.withBriefLock { state in
                    if state.head < state.ready.count || state.isClosed || Task.isCancelled {
                        return true
                    }
                    state.waiters.append(Waiter(number: number, continuation: continuation))
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withBriefLock { state -> Waiter? in
                guard let place = state.waiters.firstIndex(where: { $0.number == number }) else {
                    return nil
                }
                return state.waiters.remove(at: place)
            }
            waiter?.resume()
        }
    }

    private func take() -> (Work?, Waiter?, isClosed: Bool) {
        state.withBriefLock { state in
            if state.isClosed { return (nil, nil, true) }
            while let queue = state.pop() {
                guard let handed = queue.handOut(limit) else { continue }
                if queue.hasWaiting { state.ready.append(queue) }
                let isMore = state.head < state.ready.count
                return (
                    Work(held: queue, handed: handed), isMore ? state.waiters.popLast() : nil, false
                )
            }
            return (nil, nil, false)
        }
    }
}
