// Gives busy queues room for their next entries before their appenders come to the end of it.
//
// An appender that is past the middle of what its queue has calls `note`, once for each extension.
// One that comes to the end all the same makes room itself, as without this agent.

import ApusSystem
import Synchronization

/// The queues that are to get room.
final class RoomRequests: Sendable {
    private let queues = Mutex<[ConsumeQueue]>([])
    let signal = Signal()

    @inline(never)
    func note(_ queue: ConsumeQueue) {
        // Whoever takes the mark away is the one that puts the queue on the list.
        guard queue.extendAt.exchange(.max, ordering: .relaxed) != .max else { return }
        queues.withLock { $0.append(queue) }
        signal.ring()
    }

    func take() -> [ConsumeQueue] {
        queues.withLock { queues in
            defer { queues = [] }
            return queues
        }
    }
}

/// Makes room for entries in the background.
final class QueueExtender: Agent {
    private let log: CommitLog

    init(_ log: CommitLog) { self.log = log }

    var roleName: String { "extend" }
    /// With more appenders than processors these would come to the end of their room first, and
    /// wait for a lock that somebody holds who gets no processor.
    var standing: ThreadStanding { .usual }
    var signal: Signal { log.roomRequests.signal }
    var idleNanoseconds: Int64? { nil }

    func doWork() -> Int {
        let queues = log.roomRequests.take()
        for queue in queues {
            do throws(StoreError) {
                try log.extend(queue)
            } catch {
                // The appender that needs the room tries again and gets the error itself.
                log.observer?.storeDid(.delayed(task: "making room in \(queue.name)", error: error))
            }
        }
        // Behind the room of all of them: it waits for the device.
        for queue in queues {
            do throws(StoreError) {
                try queue.bringNamesAhead()
            } catch {
                log.observer?.storeDid(
                    .delayed(task: "syncing names of \(queue.name)", error: error))
                if case .poisoned(let cause) = error { log.poison(cause) }
            }
        }
        return queues.count
    }
}
