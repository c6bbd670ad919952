// How much may be under way at once: what is more waits for its turn.

internal import ApusRemoting
internal import Synchronization

/// Counts sends and their bytes. Whoever finds room takes no lock.
final class SendWindow: Sendable {
    private struct Waiter {
        let number: UInt64
        let bytes: Int
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var number: UInt64 = 0
        /// In the order in which they came.
        var waiters: [Waiter] = []
        /// Cancelled before they began to wait.
        var cancelled: Set<UInt64> = []
    }

    private let countLimit: Int
    private let byteLimit: Int
    /// Whoever waits goes on when so few are under way: to wake a task for each place alone would
    /// cost more than the sending.
    private let lowMark: Int
    /// Never above the limit: `Producer.inFlight` shows it.
    private let count = Atomic(0)
    // What is taken is put back when it was too much, so that it may be above for a moment.
    private let bytes = Atomic(0)
    // Whether `waiters` has any. Set before the last look for room, read behind the giving back:
    // one of the two sees the other.
    private let isAwaited = Atomic(false)
    private let state = Mutex(State())

    init(count: Int, bytes: Int) {
        countLimit = count
        byteLimit = bytes
        lowMark = count - max(1, count / 2)
    }

    var inFlight: Int { count.load(ordering: .relaxed) }

    /// Whether somebody waits for a place, about: for tests.
    var hasWaiters: Bool { isAwaited.load(ordering: .relaxed) }

    /// Takes a place, or several at once, if there are so many and nobody waits for one.
    func tryEnter(_ places: Int = 1, bytes: Int) -> Bool {
        if isAwaited.load(ordering: .relaxed) { return false }
        if take(bytes, places) { return true }
        // Somebody may have left while this seemed to take a place.
        if isAwaited.load(ordering: .sequentiallyConsistent) { admit() }
        return false
    }

    /// How many could enter now, about.
    var free: Int { max(0, countLimit - count.load(ordering: .relaxed)) }

    /// Waits for a place. False when the task is cancelled first.
    func enter(_ bytes: Int) async -> Bool {
        if tryEnter(bytes: bytes) { return true }
        let number = state.withLock { state in
            state.number += 1
            return state.number
        }
        // A place that was given may be cancelled at the same time.
        defer { state.withLock { _ = $0.cancelled.remove(number) } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (isCancelled, next) = state.withLock { state -> (Bool, [Waiter]) in
                    if state.cancelled.contains(number) { return (true, []) }
                    isAwaited.store(true, ordering: .sequentiallyConsistent)
                    state.waiters.append(
                        Waiter(number: number, bytes: bytes, continuation: continuation))
                    return (false, admitted(&state))
                }
                if isCancelled { continuation.resume(returning: false) }
                for waiter in next { waiter.continuation.resume(returning: true) }
            }
        } onCancel: {
            cancel(number)
        }
    }

    private func cancel(_ number: UInt64) {
        let (waiter, next) = state.withLock { state -> (Waiter?, [Waiter]) in
            guard let place = state.waiters.firstIndex(where: { $0.number == number }) else {
                state.cancelled.insert(number)
                return (nil, [])
            }
            let waiter = state.waiters.remove(at: place)
            // Those behind it may need less.
            return (waiter, admitted(&state))
        }
        waiter?.continuation.resume(returning: false)
        for waiter in next { waiter.continuation.resume(returning: true) }
    }

    /// Gives places back.
    func leave(_ places: Int = 1, bytes: Int = 0) {
        self.bytes.wrappingSubtract(bytes, ordering: .relaxed)
        let left = count.wrappingSubtract(places, ordering: .sequentiallyConsistent).newValue
        guard isAwaited.load(ordering: .sequentiallyConsistent), left <= lowMark else { return }
        admit()
    }

    private func admit() {
        let next = state.withLock { admitted(&$0) }
        for waiter in next { waiter.continuation.resume(returning: true) }
    }

    private func admitted(_ state: inout State) -> [Waiter] {
        var admitted: [Waiter] = []
        while let first = state.waiters.first, take(first.bytes) {
            admitted.append(state.waiters.removeFirst())
        }
        isAwaited.store(!state.waiters.isEmpty, ordering: .relaxed)
        return admitted
    }

    /// What is larger than the whole window goes alone.
    private func take(_ wanted: Int, _ places: Int = 1) -> Bool {
        guard let number = takePlaces(places) else { return false }
        let sum = bytes.wrappingAdd(wanted, ordering: .relaxed).newValue
        if sum <= byteLimit || number == 1 { return true }
        bytes.wrappingSubtract(wanted, ordering: .relaxed)
        // As in `leave`: whoever begins to wait sees it, or is seen by the look behind this.
        count.wrappingSubtract(places, ordering: .sequentiallyConsistent)
        return false
    }

    /// How many are under way then, never more than may be. Nil, and nothing taken, without room.
    private func takePlaces(_ places: Int) -> Int? {
        var seen = count.load(ordering: .sequentiallyConsistent)
        while seen + places <= countLimit {
            let (exchanged, original) = count.weakCompareExchange(
                expected: seen, desired: seen + places, ordering: .sequentiallyConsistent)
            if exchanged { return seen + places }
            seen = original
        }
        return nil
    }
}
