// How much may be under way at once: what is more waits for its turn.

internal import Synchronization

/// Counts sends and their bytes.
final class SendWindow: Sendable {
    private struct Waiter {
        let number: UInt64
        let bytes: Int
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var count = 0
        var bytes = 0
        var number: UInt64 = 0
        /// In the order in which they came.
        var waiters: [Waiter] = []
        /// Cancelled before they began to wait.
        var cancelled: Set<UInt64> = []
    }

    private let countLimit: Int
    private let byteLimit: Int
    private let state = Mutex(State())

    init(count: Int, bytes: Int) {
        countLimit = count
        byteLimit = bytes
    }

    var inFlight: Int { state.withLock { $0.count } }

    /// Takes a place, if there is one at once.
    func tryEnter(_ bytes: Int) -> Bool {
        state.withLock { $0.waiters.isEmpty && take(&$0, bytes) }
    }

    /// Waits for a place. False when the task is cancelled first.
    func enter(_ bytes: Int) async -> Bool {
        if tryEnter(bytes) { return true }
        let number = state.withLock { state in
            state.number += 1
            return state.number
        }
        // A place that was given may be cancelled at the same time.
        defer { state.withLock { _ = $0.cancelled.remove(number) } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Bool? in
                    if state.cancelled.contains(number) { return false }
                    if state.waiters.isEmpty, take(&state, bytes) { return true }
                    state.waiters.append(
                        Waiter(number: number, bytes: bytes, continuation: continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
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

    /// Gives a place back.
    func leave(_ bytes: Int) {
        let next = state.withLock { state -> [Waiter] in
            state.count -= 1
            state.bytes -= bytes
            return state.waiters.isEmpty ? [] : admitted(&state)
        }
        for waiter in next { waiter.continuation.resume(returning: true) }
    }

    private func admitted(_ state: inout State) -> [Waiter] {
        var admitted: [Waiter] = []
        while let first = state.waiters.first, take(&state, first.bytes) {
            admitted.append(state.waiters.removeFirst())
        }
        return admitted
    }

    private func take(_ state: inout State, _ bytes: Int) -> Bool {
        guard state.count < countLimit, state.bytes + bytes <= byteLimit || state.count == 0
        else { return false }
        state.count += 1
        state.bytes += bytes
        return true
    }
}
