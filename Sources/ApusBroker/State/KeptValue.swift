// A value that is read often and changed now and then, and whose changes are kept in a file before
// anyone sees them.
//
// Who comes while a change is being kept waits; then one of those keeps all their changes with
// one write. So a thousand groups that appear at once cost a few writes, not a thousand.

import Synchronization

/// What a change did.
struct Changed<Outcome: Sendable>: Sendable {
    let outcome: Outcome
    /// Whether there is something to keep.
    let isChange: Bool

    static func yes(_ outcome: Outcome) -> Changed { Changed(outcome: outcome, isChange: true) }
    static func no(_ outcome: Outcome) -> Changed { Changed(outcome: outcome, isChange: false) }
}

/// A value and the way it is kept.
final class KeptValue<Value: Sendable>: Sendable {
    typealias Body<Outcome: Sendable> =
        @Sendable (inout Value) throws(StateError) -> Changed<Outcome>

    /// A change on its way: what it does, and how to tell its caller that it came to nothing.
    private struct Entry: Sendable {
        let apply: @Sendable (inout Value) -> Bool
        let fail: @Sendable (StateError) -> Void
    }

    private let current: Mutex<Value>
    private let waiting = Mutex<[Entry]>([])
    /// Held while changes are made and kept.
    private let keeping = Mutex(())
    private let save: @Sendable (Value) throws(StateError) -> Void

    init(_ value: Value, save: @escaping @Sendable (Value) throws(StateError) -> Void) {
        current = Mutex(value)
        self.save = save
    }

    /// Looks at what is kept. `body` is called with a lock held: no waiting in it.
    func read<Result: Sendable>(_ body: (borrowing Value) -> Result) -> Result {
        current.withLock { body($0) }
    }

    /// Makes a change and keeps it. `body` may run on another caller's thread; it throws before it
    /// changes anything. When keeping fails, nothing has changed.
    func change<Outcome: Sendable>(_ body: @escaping Body<Outcome>) throws(StateError) -> Outcome {
        let result = Cell<Result<Outcome, StateError>>()
        let entry = Entry(
            apply: { value in
                do throws(StateError) {
                    let changed = try body(&value)
                    result.set(.success(changed.outcome))
                    return changed.isChange
                } catch {
                    result.set(.failure(error))
                    return false
                }
            },
            fail: { error in result.set(.failure(error)) })
        waiting.withLock { $0.append(entry) }
        keeping.withLock { _ in
            // Done already when another caller kept it while this one waited.
            if result.value == nil { keepWaiting() }
        }
        guard let result = result.value else { preconditionFailure("a change was left out") }
        return try result.get()
    }

    /// Keeps the value as it is, whether it has changed or not.
    func keep() throws(StateError) {
        _ = try change { (_) throws(StateError) in Changed.yes(()) }
    }

    private func keepWaiting() {
        let entries = waiting.withLock { entries in
            defer { entries.removeAll() }
            return entries
        }
        var next = current.withLock { $0 }
        var isChanged = false
        for entry in entries where entry.apply(&next) { isChanged = true }
        guard isChanged else { return }
        do throws(StateError) {
            try save(next)
            current.withLock { $0 = next }
        } catch {
            for entry in entries { entry.fail(error) }
        }
    }
}

/// A place for one value that several threads may look into.
private final class Cell<Value: Sendable>: Sendable {
    private let content = Mutex<Value?>(nil)
    var value: Value? { content.withLock { $0 } }
    func set(_ value: Value) { content.withLock { $0 = value } }
}
