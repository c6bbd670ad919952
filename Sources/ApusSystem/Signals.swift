// Signals on futexes.
//
// Public, though no product shows this module: the optimiser takes the bodies of public functions
// across modules, and those of package functions not (Swift 6.3.1).
//
// `FutexWord` is the only place where an atomic's address is taken: the word lives in memory of its
// own, a cache line long, so that its address is stable and no neighbour shares it.

private import CApus
public import Synchronization

/// A 32-bit atomic on its own cache line that threads can sleep on.
@safe @frozen public struct FutexWord: ~Copyable, @unchecked Sendable {
    // Sendable: the pointer never changes and what it points to is an atomic.
    @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt32>>

    public init(_ value: UInt32 = 0) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)
        unsafe word = unsafe memory.bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        unsafe word.initialize(to: Atomic(value))
    }

    deinit {
        unsafe word.deinitialize(count: 1)
        unsafe UnsafeMutableRawPointer(word).deallocate()
    }

    @inlinable @inline(__always)
    public func load() -> UInt32 { unsafe word.pointee.load(ordering: .acquiring) }

    /// Adds, wrapping around; a full barrier.
    public func add(_ more: UInt32) {
        unsafe word.pointee.wrappingAdd(more, ordering: .sequentiallyConsistent)
    }

    /// Sleeps while the value is `expected`, at most so long (nanoseconds; nil: for ever). May
    /// return early.
    public func wait(while expected: UInt32, nanoseconds: Int64? = nil) {
        _ = unsafe capus_futex_wait(address, expected, nanoseconds ?? -1)
    }

    public func wake(_ count: Int32 = .max) {
        unsafe capus_futex_wake(address, count)
    }

    private var address: UnsafePointer<UInt32> {
        unsafe UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self)
    }
}

/// Tells the processor that this thread spins.
@usableFromInline package func spinHint() { capus_spin_hint() }

/// A bell that sleeping threads hear. A ring between `current` and `wait` is not missed.
package final class Signal: Sendable {
    private let rings = FutexWord()
    let sleepers = Atomic<Int>(0)
    /// The processor on which was rung last while someone slept, or for which; -1 for none.
    let ringer = Atomic<Int32>(-1)

    package init() {}

    /// What to pass to `wait`; read it before checking the condition.
    package var current: UInt32 { rings.load() }

    /// Wakes everyone who sleeps here, or so many. Costs no system call when nobody does.
    package func ring(_ count: Int32 = .max) {
        rings.add(1)
        guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
        ringer.store(capus_principal_processor(), ordering: .relaxed)
        rings.wake(count)
    }

    /// Moves the calling thread to another processor when it runs on that of who rang: woken there,
    /// it has taken it away. The kernel puts it there if it takes the others for less free, such as
    /// those of a virtual machine that sleep.
    ///
    /// Whomever the calling thread rings for from now on leaves that processor too. Its own may be
    /// the only other one, which it is about to be through with.
    package func leaveRinger() {
        let processor = ringer.load(ordering: .relaxed)
        capus_work_for(processor)
        if processor >= 0, processor == SystemThread.processor { capus_leave_processor(processor) }
    }

    /// Sleeps until a ring later than `seen`, at most so long (nanoseconds; nil: for ever).
    package func wait(after seen: UInt32, nanoseconds: Int64? = nil) {
        sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
        if rings.load() == seen { rings.wait(while: seen, nanoseconds: nanoseconds) }
        sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }
}

/// Something that happens once.
package final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    package init() {}

    package var isSet: Bool { value.load(ordering: .acquiring) }

    /// True for the one caller that sets it.
    package func set() -> Bool {
        value.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing)
            .exchanged
    }
}
