// Locks that are held for some tens of nanoseconds by threads that run side by side.
//
// A thread that finds such a lock taken and sleeps for it costs microseconds, and so does waking
// it: the holder is through by the time that it took to look again. To try a `Mutex` again and
// again is no way to do that: on Linux each try that fails is a system call.
//
// Public, as the optimiser takes the bodies of public functions across modules, and those of
// package functions not (Swift 6.3.1).

public import Synchronization

/// A mutex that a thread waits for without sleeping at first.
@frozen public struct BriefMutex<Value: ~Copyable>: ~Copyable, Sendable {
    @usableFromInline let mutex: Mutex<Value>
    // Has no partner: says only whether it is worth to try. Who reads it too early or too late
    // sleeps, as with any mutex.
    @usableFromInline let isHeld = Atomic(false)

    @inlinable
    public init(_ value: consuming sending Value) { mutex = Mutex(value) }

    @inlinable @inline(__always)
    public borrowing func withBriefLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        if isHeld.load(ordering: .relaxed) { wait() }
        return try mutex.withLock { (value) throws(Failure) in
            isHeld.store(true, ordering: .relaxed)
            defer { isHeld.store(false, ordering: .relaxed) }
            return try body(&value)
        }
    }

    /// Some microseconds at most: a holder that takes longer has been put aside.
    @inline(never) @usableFromInline
    borrowing func wait() {
        for _ in 0..<2000 where !isHeld.load(ordering: .relaxed) { return }
    }
}
