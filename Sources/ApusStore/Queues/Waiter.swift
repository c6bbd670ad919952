// Those who wait for the next message of a queue, and how publication finds them.
//
// A waiter counts itself first (a full barrier), then looks whether its message is there already;
// publication moves the mark first (a full barrier follows), then looks at the count. One of the
// two sees the other.

import ApusSystem
import Synchronization

/// Someone who wants to be told when an entry becomes readable.
package struct Waiter: Sendable {
    let id: UInt64
    let offset: Int64
    let wake: @Sendable () -> Void
}

extension ConsumeQueue {
    func add(_ waiter: Waiter) {
        waiterCount.wrappingAdd(1, ordering: .sequentiallyConsistent)
        waiters.withLock { $0.append(waiter) }
        AsymmetricBarrier.heavy()
    }

    /// False when the waiter was woken already.
    @discardableResult
    func remove(waiter id: UInt64) -> Bool {
        let removed = waiters.withLock { all in
            guard let index = all.firstIndex(where: { $0.id == id }) else { return false }
            all.remove(at: index)
            return true
        }
        if removed { waiterCount.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
        return removed
    }

    /// Wakes those whose entry is below `readableEnd`; everyone when it is `.max`.
    func wakeWaiters(readableEnd: Int64) {
        let woken = waiters.withLock { all in
            let woken = all.filter { $0.offset < readableEnd }
            all.removeAll { $0.offset < readableEnd }
            return woken
        }
        guard !woken.isEmpty else { return }
        waiterCount.wrappingSubtract(woken.count, ordering: .sequentiallyConsistent)
        for waiter in woken { waiter.wake() }
    }
}
