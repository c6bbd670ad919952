// The queues with published entries that no sync covers yet. Flushing visits these and no others.
//
// A publisher moves the queue's mark, then (behind a full barrier) looks at `isDirty`; the flusher
// clears `isDirty` (a full barrier), then reads the mark. One of the two sees the other.

import ApusSystem
import Synchronization

/// A list of queues to sync.
final class DirtyQueues: Sendable {
    private let list = Mutex<[ConsumeQueue]>([])

    @inline(never)
    func add(_ queue: ConsumeQueue) {
        guard !queue.isDirty.exchange(true, ordering: .sequentiallyConsistent) else { return }
        list.withLock { $0.append(queue) }
    }

    /// The queues for which `isWanted` holds, taken off the list and clean from now on: the caller
    /// syncs them.
    func take(where isWanted: (ConsumeQueue) -> Bool) -> [ConsumeQueue] {
        let taken = list.withLock { all in
            let taken = all.filter(isWanted)
            if !taken.isEmpty { all.removeAll { queue in taken.contains { $0 === queue } } }
            return taken
        }
        for queue in taken { _ = queue.isDirty.exchange(false, ordering: .sequentiallyConsistent) }
        return taken
    }

    /// All of them.
    func takeAll() -> [ConsumeQueue] {
        let taken = list.withLock { all in
            defer { all = [] }
            return all
        }
        for queue in taken { _ = queue.isDirty.exchange(false, ordering: .sequentiallyConsistent) }
        return taken
    }

    var isEmpty: Bool { list.withLock { $0.isEmpty } }
}
