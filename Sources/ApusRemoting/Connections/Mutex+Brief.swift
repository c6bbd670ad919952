// Locks that are held for some tens of nanoseconds by threads that run side by side.
//
// A thread that finds such a lock taken and sleeps for it costs microseconds, and so does waking
// it: looking again a few times costs less, as the holder is through by then.

public import Synchronization

extension Mutex where Value: ~Copyable {
    /// The same as `withLock`, for a lock that nobody holds for long.
    @inlinable @inline(__always)
    package borrowing func withBriefLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        for _ in 0..<1000 {
            if let result = try withLockIfAvailable(body) { return result }
        }
        return try withLock(body)
    }
}
