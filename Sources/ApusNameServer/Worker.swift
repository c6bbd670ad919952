// A thread for what no event loop should wait for: writing the key-value file, reading
// registrations of thousands of topics.

import NIOPosix
import Synchronization

/// Does jobs one after another. Its thread starts with the first one.
final class Worker: Sendable {
    /// The weight of all jobs that may wait.
    private let limit: Int

    private struct State {
        var pool: NIOThreadPool?
        var waiting = 0
        var isStopped = false
    }

    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    /// Whether everything that was submitted is done.
    var isIdle: Bool { state.withLock { $0.waiting == 0 } }

    /// False when too much waits, or the server has stopped. `weight` is in the limit's unit, and
    /// at least 1.
    func submit(weight: Int = 1, _ job: @escaping @Sendable () -> Void) -> Bool {
        let pool = state.withLock { state -> NIOThreadPool? in
            guard !state.isStopped, weight <= limit - state.waiting else { return nil }
            state.waiting += weight
            if let pool = state.pool { return pool }
            let pool = NIOThreadPool(numberOfThreads: 1)
            pool.start()
            state.pool = pool
            return pool
        }
        guard let pool else { return false }
        pool.submit { _ in
            job()
            self.state.withLock { $0.waiting -= weight }
        }
        return true
    }

    /// Takes no more jobs, and returns when those that it has are done.
    func stop() async {
        let pool = state.withLock { state in
            state.isStopped = true
            return state.pool
        }
        guard let pool else { return }
        await withCheckedContinuation { continuation in
            pool.submit { _ in continuation.resume() }
        }
        try? await pool.shutdownGracefully()
    }
}
