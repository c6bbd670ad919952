// Completions that wait, in the order in which they came.
//
// Memory of its own, and two pieces of it that take turns: in an array each completion that is
// moved from one place to another would be counted up and down, which was half of what it costs to
// wait for one.

import ApusSystem

/// A completion, and what it waits for.
struct Pending: Sendable {
    /// Where the log has to be on the device up to.
    let end: Int64
    /// By the clock's nanoseconds.
    let deadline: Int64
    let completion: Completion
}

/// Completions in memory that is given back when this ends.
// Sendable: it alone has the memory, and what is in there is sendable.
@safe struct PendingCompletions: ~Copyable, @unchecked Sendable {
    private var base: UnsafeMutablePointer<Pending>
    private(set) var capacity: Int
    private var first = 0
    private var end = 0

    init() {
        capacity = 64
        unsafe base = .allocate(capacity: capacity)
    }

    deinit {
        unsafe (base + first).deinitialize(count: end - first)
        unsafe base.deallocate()
    }

    var isEmpty: Bool { first == end }
    var count: Int { end - first }

    mutating func append(_ pending: consuming Pending) {
        if end == capacity { makeRoom() }
        // Safe: `end` is below the capacity, and nothing is there.
        unsafe (base + end).initialize(to: pending)
        end += 1
    }

    /// Takes the one that came first.
    mutating func popFirst() -> Pending? {
        guard first < end else { return nil }
        // Safe: what lies from `first` to `end` is initialised, and nobody looks at this one again.
        let pending = unsafe (base + first).move()
        first += 1
        if first == end { (first, end) = (0, 0) }
        return pending
    }

    private mutating func makeRoom() {
        let count = end - first
        capacity *= 2
        // Safe: as many as there are, into memory that is larger and not theirs.
        let target = UnsafeMutablePointer<Pending>.allocate(capacity: capacity)
        unsafe target.moveInitialize(from: base + first, count: count)
        unsafe base.deallocate()
        unsafe base = target
        (first, end) = (0, count)
    }
}
