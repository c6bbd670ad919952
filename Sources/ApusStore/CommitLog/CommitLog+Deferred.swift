// Entries of queues that were not appended to for a while are written a few at a time.
//
// The page of such an entry is in no translation buffer any more, and its line in no cache. A store
// to it waits for both, and the record behind it waits with it: the processor can look ahead over
// less than one append. A loop over many such stores waits for several of them at once. So who
// appends to a queue that is far puts the entry off, in its turn, and whoever finds no room for one
// more writes them all.
//
// Of a queue, `published` moves when its entries are written, and `deferredEnd` when one is put
// off. Who wants to know where a queue ends compares the two; where they differ, a turn of its own
// brings them together. Every such turn (`inTurn`) does, so the flusher and who closes the store
// see no entry that was put off. What a killed process had put off is made again from the log.

import ApusFormat
import ApusSystem
import Synchronization

/// An entry that is to be written.
struct DeferredEntry: BitwiseCopyable {
    let window: QueueWindow
    let unit: ConsumeQueueUnit
    let queueOffset: Int64
    /// The list of all queues holds it as long as the log lives.
    unowned(unsafe) let queue: ConsumeQueue
}

extension CommitLog {
    /// `publish` of a record whose entry is not written yet, nor need be at once. It has not more
    /// parameters than it needs: whoever calls it keeps them until then.
    @inline(never)
    func publishLater(
        _ entry: DeferredEntry, ticket: UInt32, upTo end: Int64, storeTimestamp: Int64,
        isKeyed: Bool
    ) {
        let queue = unsafe entry.queue
        let range = entry.unit.physicalOffset..<end
        let queueEnd = entry.queueOffset &+ 1
        if publication.turn.load() == ticket {
            if publication.deferred.isFull { writeDeferred() }
            publication.deferred.append(entry)
            showRecord(range, storeTimestamp, of: queue, isQueued: true, isKeyed: isKeyed)
            queue.deferredEnd.store(queueEnd, ordering: .releasing)
            pass(ticket)
        } else {
            // Others wait already: the turn is kept short.
            entry.window.store(entry.unit, at: entry.queueOffset)
            leave(ticket, range, storeTimestamp, of: queue, queueEnd: queueEnd, isKeyed: isKeyed)
        }
        attendIfNeeded(to: queue, queueEnd: queueEnd, end: end)
    }

    /// Writes the entries that were put off. In turn only.
    @inline(never)
    func writeDeferred() {
        let count = publication.deferred.count
        // All stores first, with nothing between them that one would have to wait for.
        for index in 0..<count {
            let entry = publication.deferred[index]
            entry.window.store(entry.unit, at: entry.queueOffset)
        }
        for index in 0..<count {
            let entry = publication.deferred[index]
            unsafe entry.queue.published.store(entry.queueOffset &+ 1, ordering: .releasing)
        }
        publication.deferred.removeAll()
    }

    /// Where the published entries of a queue end, with those that were put off.
    @inline(__always)
    func publishedEnd(of queue: ConsumeQueue) -> Int64 {
        let end = queue.published.load(ordering: .acquiring)
        if queue.deferredEnd.load(ordering: .acquiring) <= end { return end }
        inTurn {}
        return queue.published.load(ordering: .acquiring)
    }
}
