// The queues with published entries that no sync covers yet. Flushing visits these and no others.
//
// A publisher adds its queue in its turn, before the log's mark moves; the flusher takes the list
// in a turn of its own and begins a new epoch. So for every record below the mark that the flusher
// reads in its turn, the queue is in the list that it took, or in one that it took before.

import ApusSystem
import Synchronization

/// A list of queues to sync.
final class DirtyQueues: Sendable {
    /// A queue whose epoch is another one is not on the list.
    let epoch = Atomic<Int>(1)
    private let list = Mutex<[ConsumeQueue]>([])

    /// Puts a queue on the list, unless it is there.
    @inline(never)
    func add(_ queue: ConsumeQueue) {
        list.withLock { list in
            let now = epoch.load(ordering: .relaxed)
            if queue.dirtyEpoch.exchange(now, ordering: .relaxed) != now { list.append(queue) }
        }
    }

    /// The queues on the list, which is empty afterwards: the caller syncs them. In turn only.
    func takeAll() -> [ConsumeQueue] {
        list.withLock { list in
            defer { list = [] }
            epoch.wrappingAdd(1, ordering: .relaxed)
            return list
        }
    }
}
