// Locks that are held for some tens of nanoseconds.
//
// Public, though no product shows this module: the optimiser takes the bodies of public functions
// across modules, and those of package functions not (Swift 6.3.1).

/// A value under a lock that spins briefly, then sleeps. Not recursive.
///
/// The lock is what makes access exclusive; properties of a class would have that checked once more
/// at each access, which costs more than the lock. The value begins on the lock's cache line.
@frozen public struct SpinLocked<Value>: ~Copyable, Sendable {
    // Odd while it is held. Each hold has a number of its own, so that who sleeps waits for the end
    // of that one.
    @usableFromInline let word: RisingWord<Value>

    /// `isAlone` keeps both on cache lines of their own.
    @inlinable
    public init(_ value: consuming sending Value, isAlone: Bool = true) {
        word = RisingWord(value, isAlone: isAlone)
    }

    /// Takes the lock; true when another thread held it at first.
    @inlinable @inline(__always) @discardableResult
    public func lock() -> Bool {
        if tryLock() { return false }
        lockContended()
        return true
    }

    @inlinable @inline(__always)
    public func tryLock() -> Bool {
        let seen = word.load()
        return seen & 1 == 0 && word.tryReplace(seen, with: seen &+ 1)
    }

    @inlinable @inline(__always)
    public func unlock() { word.raise(to: word.load() &+ 1, waking: 1) }

    /// Gives the value to who holds the lock.
    @inlinable @inline(__always)
    public func withHeld<Result: ~Copyable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try word.withMutableBeside(body)
    }

    @inline(never) @inlinable
    func lockContended() {
        for _ in 0..<128 {
            if tryLock() { return }
            spinHint()
        }
        while true {
            let seen = word.load()
            if seen & 1 == 1 {
                word.sleep(while: seen)
            } else if word.tryReplace(seen, with: seen &+ 1) {
                // This one may have been woken instead of another, which then still sleeps.
                return word.expectSleepers(at: seen &+ 1)
            }
        }
    }

    @inlinable @inline(__always)
    public func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        lock()
        defer { unlock() }
        return try withHeld(body)
    }
}

/// The lock alone.
@frozen public struct SpinLock: ~Copyable, Sendable {
    @usableFromInline let locked = SpinLocked(())

    @inlinable public init() {}

    @inlinable @inline(__always)
    public func tryLock() -> Bool { locked.tryLock() }

    @inlinable @inline(__always) @discardableResult
    public func lock() -> Bool { locked.lock() }

    @inlinable @inline(__always)
    public func unlock() { locked.unlock() }

    @inlinable @inline(__always)
    public func withLock<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try locked.withLock { _ throws(Failure) in try body() }
    }
}
