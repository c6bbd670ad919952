// What whoever has the turn puts off, for itself or for who has it later.
//
// Nothing in it is atomic: the turn is passed on by a releasing store and taken by an acquiring
// load, so each owner sees what the one before it left.

/// A few values, touched by whoever has the turn and nobody else.
@safe @frozen public struct TurnBuffer<Value: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
    // Sendable: the pointers never change; what they point to has one owner at a time.
    @usableFromInline let values: UnsafeMutablePointer<Value>
    @usableFromInline let filled: UnsafeMutablePointer<Int>

    /// How many values there is room for.
    public let capacity: Int

    /// `capacity` must be above zero.
    @inlinable
    public init(capacity: Int) {
        precondition(capacity > 0)
        self.capacity = capacity
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: 64 + capacity * MemoryLayout<Value>.stride, alignment: 64)
        unsafe filled = unsafe memory.bindMemory(to: Int.self, capacity: 1)
        unsafe values = unsafe (memory + 64).bindMemory(to: Value.self, capacity: capacity)
        unsafe filled.initialize(to: 0)
    }

    @inlinable
    deinit { unsafe UnsafeMutableRawPointer(filled).deallocate() }

    /// How many values are in it. In turn only, as all that follows.
    @inlinable @inline(__always)
    public var count: Int { unsafe filled.pointee }

    @inlinable @inline(__always)
    public var isFull: Bool { count == capacity }

    /// Adds a value; traps where there is no room.
    @inlinable @inline(__always)
    public func append(_ value: Value) {
        let count = count
        precondition(count < capacity)
        unsafe (values + count).initialize(to: value)
        unsafe filled.pointee = count &+ 1
    }

    /// The value at `index`, in the order in which they were added; traps beyond the last.
    @inlinable @inline(__always)
    public subscript(index: Int) -> Value {
        precondition(index >= 0 && index < count)
        return unsafe values[index]
    }

    @inlinable @inline(__always)
    public func removeAll() { unsafe filled.pointee = 0 }
}
