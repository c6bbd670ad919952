// The thread that writes the key-value file, so that no event loop waits for the disk.

import NIOPosix
import Synchronization

/// Does jobs one after another. Its thread starts with the first one.
final class KeyValueWriter: Sendable {
    /// Jobs that may wait. Each writes the whole table, so that more would wait for long.
    static let limit = 1_000

    private struct State {
        var pool: NIOThreadPool?
        var waiting = 0
        var isStopped = false
    }

    private let state = Mutex(State())

    /// False when too many wait, or the server has stopped.
    func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        let pool = state.withLock { state -> NIOThreadPool? in
            guard !state.isStopped, state.waiting < Self.limit else { return nil }
            state.waiting += 1
            if let pool = state.pool { return pool }
            let pool = NIOThreadPool(numberOfThreads: 1)
            pool.start()
            state.pool = pool
            return pool
        }
        guard let pool else { return false }
        pool.submit { _ in
            job()
            self.state.withLock { $0.waiting -= 1 }
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
