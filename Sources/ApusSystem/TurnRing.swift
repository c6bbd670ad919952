// What threads leave for whoever has the turn.
//
// A place, one or more cache lines of its own, belongs to every `count`th ticket. Its owner writes
// the value, then the state; who takes it replaces the state and has the value for itself. The next
// owner of the place may write when the turn has passed the one before.

public import Synchronization

/// Values by ticket, each left once and taken once.
@safe @frozen public struct TurnRing<Value: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
    // Sendable: the pointer never changes; states are atomics, and a value has one owner at a time.
    @usableFromInline let memory: UnsafeMutableRawPointer

    @frozen @usableFromInline struct Place: ~Copyable {
        @usableFromInline let state = Atomic<UInt64>(0)
        @usableFromInline var value: Value?

        @inlinable init() { value = nil }
    }

    /// How many tickets have a place of their own.
    @inlinable public static var count: UInt32 { 64 }
    @inlinable static var stride: Int { (MemoryLayout<Place>.size + 63) & ~63 }

    @inlinable
    public init() {
        unsafe memory = .allocate(byteCount: Int(Self.count) * Self.stride, alignment: 64)
        for ticket in 0..<Self.count {
            let address = unsafe memory + Int(ticket) * Self.stride
            unsafe address.initializeMemory(as: Place.self, to: Place())
        }
    }

    @inlinable
    deinit { unsafe memory.deallocate() }

    @inlinable @inline(__always)
    func place(_ ticket: UInt32) -> UnsafeMutablePointer<Place> {
        let address = unsafe memory + Int(ticket & (Self.count &- 1)) &* Self.stride
        return unsafe address.assumingMemoryBound(to: Place.self)
    }

    /// What a place says when the ticket's value is there; never zero.
    @inlinable @inline(__always)
    static func isThere(_ ticket: UInt32) -> UInt64 { UInt64(ticket) << 1 | 1 }

    /// Leaves a value. The turn must have passed the ticket `count` before.
    @inlinable
    public func leave(_ value: Value, for ticket: UInt32) {
        let place = unsafe place(ticket)
        unsafe place.pointee.value = value
        unsafe place.pointee.state.store(Self.isThere(ticket), ordering: .releasing)
    }

    /// Whether there is a value of a ticket. It may have been left a moment ago and not be seen.
    @inlinable @inline(__always)
    public func has(_ ticket: UInt32) -> Bool {
        unsafe place(ticket).pointee.state.load(ordering: .relaxed) == Self.isThere(ticket)
    }

    /// Takes the value of a ticket; nil when it is not there, or someone else took it.
    @inlinable
    public func take(_ ticket: UInt32) -> Value? {
        let place = unsafe place(ticket)
        let (isTaken, _) = unsafe place.pointee.state.compareExchange(
            expected: Self.isThere(ticket), desired: 0, ordering: .acquiring)
        return isTaken ? unsafe place.pointee.value : nil
    }
}
