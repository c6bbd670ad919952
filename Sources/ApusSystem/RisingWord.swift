// A number that only rises, and that threads sleep on until it does; with what is touched together
// with it on the same cache line.
//
// Who is about to sleep says which value it saw, makes everyone pass a barrier, and has the kernel
// compare once more. Who raises the number looks at what was said, wakes, and takes away what is
// older than the new value. So others are woken once, not at each step until they come to run; and
// what a thread says while it falls asleep is about a newer value, and stays.

private import CApus
public import Synchronization

/// A 32-bit number that wraps around, sleepers who wait for it to become another, and a value.
@safe @frozen public struct RisingWord<Beside: ~Copyable>: ~Copyable, @unchecked Sendable {
    // Sendable: the pointers never change, and what the first points to are atomics; the value
    // beside is for the owner to guard.
    @usableFromInline let word: UnsafeMutablePointer<Word>
    @usableFromInline let beside: UnsafeMutablePointer<Beside>
    @usableFromInline let isAsymmetric = AsymmetricBarrier.isAvailable

    @frozen @usableFromInline struct Word: ~Copyable {
        @usableFromInline let value = Atomic<UInt32>(0)
        /// The newest value that someone sleeps on, in the lower half; 0 for none.
        @usableFromInline let awaited = Atomic<UInt64>(0)

        @inlinable init() {}
    }

    /// `isAlone` keeps it on cache lines of its own. Where there are very many, that is twice the
    /// memory.
    @inlinable
    public init(_ value: consuming sending Beside, isAlone: Bool = true) {
        let alignment = MemoryLayout<Beside>.alignment
        let offset = (MemoryLayout<Word>.size + alignment - 1) & ~(alignment - 1)
        let count = offset + MemoryLayout<Beside>.size
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: isAlone ? (count + 63) & ~63 : count,
            alignment: isAlone ? max(64, alignment) : max(8, alignment))
        unsafe word = unsafe memory.bindMemory(to: Word.self, capacity: 1)
        unsafe beside = unsafe (memory + offset).bindMemory(to: Beside.self, capacity: 1)
        unsafe word.initialize(to: Word())
        unsafe beside.initialize(to: value)
    }

    @inlinable
    deinit {
        unsafe beside.deinitialize(count: 1)
        unsafe word.deinitialize(count: 1)
        unsafe UnsafeMutableRawPointer(word).deallocate()
    }

    /// Gives `body` the value, which is made for many threads.
    @inlinable @inline(__always)
    public func withBeside<Result: ~Copyable, Failure: Error>(
        _ body: (borrowing Beside) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(beside.pointee)
    }

    /// Gives `body` the value to change. The caller sees to it that nobody else touches it.
    @inlinable @inline(__always)
    public func withMutableBeside<Result: ~Copyable, Failure: Error>(
        _ body: (inout Beside) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(&beside.pointee)
    }

    @inlinable @inline(__always)
    public func load() -> UInt32 { unsafe word.pointee.value.load(ordering: .acquiring) }

    @inlinable @inline(__always)
    public func tryReplace(_ expected: UInt32, with desired: UInt32) -> Bool {
        unsafe word.pointee.value.compareExchange(
            expected: expected, desired: desired, ordering: .acquiring
        ).exchanged
    }

    /// Sets the number to a higher one; what was stored before is visible to who loads it. Wakes so
    /// many sleepers, if there are any.
    @inlinable @inline(__always)
    public func raise(to value: UInt32, waking count: Int32 = .max) {
        unsafe word.pointee.value.store(value, ordering: .releasing)
        AsymmetricBarrier.light(isAvailable: isAsymmetric)
        if unsafe word.pointee.awaited.load(ordering: .relaxed) != 0 {
            unsafe Sleepers.wake(address, word.pointee.awaited, count, at: value)
        }
    }

    /// Sleeps while the number is `value`. May return early.
    @inlinable
    public func sleep(while value: UInt32) {
        expectSleepers(at: value)
        AsymmetricBarrier.heavy()
        if load() == value { unsafe Sleepers.sleep(address, while: value) }
    }

    /// Has whoever raises the number above `value` wake sleepers: someone who was woken alone says
    /// so for those who were not.
    @inlinable
    public func expectSleepers(at value: UInt32) {
        unsafe Sleepers.expect(word.pointee.awaited, at: value)
    }

    @inlinable
    var address: UnsafePointer<UInt32> {
        unsafe UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self)
    }
}

/// What does not depend on the value beside.
@usableFromInline
enum Sleepers {
    @inline(never) @usableFromInline
    static func wake(
        _ address: UnsafePointer<UInt32>, _ awaited: borrowing Atomic<UInt64>, _ count: Int32,
        at value: UInt32
    ) {
        let seen = awaited.load(ordering: .relaxed)
        if seen != 0, value.isBehind(UInt32(truncatingIfNeeded: seen)) {
            _ = awaited.compareExchange(expected: seen, desired: 0, ordering: .relaxed)
        }
        unsafe capus_futex_wake(address, count)
    }

    @usableFromInline
    static func sleep(_ address: UnsafePointer<UInt32>, while value: UInt32) {
        _ = unsafe capus_futex_wait(address, value, -1)
    }

    @usableFromInline
    static func expect(_ awaited: borrowing Atomic<UInt64>, at value: UInt32) {
        let mark = UInt64(value) | 1 << 32
        var seen = awaited.load(ordering: .relaxed)
        while seen == 0 || value.isBehind(UInt32(truncatingIfNeeded: seen)) {
            let (isExchanged, current) = awaited.compareExchange(
                expected: seen, desired: mark, ordering: .sequentiallyConsistent)
            if isExchanged { return }
            seen = current
        }
    }
}

extension UInt32 {
    /// Whether this number of a `RisingWord` came behind another one, around the wrap too.
    @inlinable @inline(__always)
    public func isBehind(_ other: UInt32) -> Bool { Int32(bitPattern: self &- other) > 0 }
}
