// Waiting for the next message of a queue: blocking, or by callback. Publication wakes.

import ApusFormat
import ApusSystem
import Synchronization

/// Takes back a wish to be called.
public struct WaitToken: Sendable {
    let queue: ConsumeQueue
    let id: UInt64

    /// The callback is not called any more, unless it is being called now. True when it was still
    /// to come.
    @discardableResult
    public func cancel() -> Bool { queue.remove(waiter: id) }
}

extension MessageStore {
    /// Waits until the message at `offset` of the queue can be read, or for so long.
    ///
    /// True when it can be read. False when the time is over; fails with `.closed` when the store
    /// is closed meanwhile.
    public func wait(
        for queue: MessageQueue, offset: Int64, timeoutMilliseconds: Int64
    ) throws(StoreError) -> Bool {
        if try maximumOffset(queue) > offset { return true }
        let signal = Signal()
        let deadline = log.time.deadline(afterMilliseconds: timeoutMilliseconds)
        let seen = signal.current
        let token = whenReadable(queue, offset: offset) { signal.ring() }
        defer { token.cancel() }
        while signal.current == seen {
            let left = deadline - log.time.nanoseconds
            if left <= 0 { break }
            signal.wait(after: seen, nanoseconds: left)
        }
        return try maximumOffset(queue) > offset
    }

    /// Calls `wake` once, when the message at `offset` of the queue can be read, the store is
    /// closed, or it cannot be found out (the next read says why): at once when that is so already,
    /// else on the thread that published it, wrote it out or led its sync. Return from it soon.
    @discardableResult
    public func whenReadable(
        _ queue: MessageQueue, offset: Int64, _ wake: @escaping @Sendable () -> Void
    ) -> WaitToken {
        let id = waiterIDs.wrappingAdd(1, ordering: .relaxed).newValue
        queue.queue.add(Waiter(id: id, offset: offset, wake: wake))
        if log.readersWait { commit.watch(queue.queue) }
        // Behind the registration: publication in between looked for waiters before it was there.
        // Whoever cannot be told whether it is gets the error from the read that follows.
        let end = (try? log.readableEnd(of: queue.queue)) ?? .max
        let isReadable = end > offset
        if isReadable || isClosedNow {
            if queue.queue.remove(waiter: id) { wake() }
        }
        return WaitToken(queue: queue.queue, id: id)
    }
}
