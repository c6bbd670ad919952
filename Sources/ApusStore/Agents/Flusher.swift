// Brings what was published to the device, and keeps the durable mark.
//
// The only caller of `ConsumeQueue.flush` and, while the store runs, of `Checkpoint.update`. In
// SYNC_FLUSH mode the log is synced by those who wait for it, and by `Committer`.

import ApusFormat
import ApusSystem
import Synchronization

/// Flushes the log, the queues and the index by RocketMQ's intervals.
final class Flusher: @unchecked Sendable, Agent {
    // Sendable: the mutable properties are touched under `lock`, but for `lastLog`, which only the
    // agent's own step touches.
    private let log: CommitLog
    private let commit: GroupCommit
    private let index: MessageIndex?
    private let checkpoint: Checkpoint
    private let table: ConsumeQueueTable
    private let flush: FlushSettings
    private let queues: QueueSettings
    private let lock = Mutex(())
    private var lastLog: Int64
    private var lastQueues: Int64
    private var lastThorough: Int64
    private var lastMark: Int64
    /// End and newest timestamp of what queues and index held at the last thorough flush.
    private var thorough: (end: Int64, timestamp: Int64)
    /// The same of the last one that the log has been synced up to. Both go into the mark together:
    /// who scans from this end finds no earlier record to take the time from.
    private var settled: (end: Int64, timestamp: Int64)

    init(
        log: CommitLog, commit: GroupCommit, index: MessageIndex?, checkpoint: Checkpoint,
        table: ConsumeQueueTable
    ) {
        self.log = log
        self.commit = commit
        self.index = index
        self.checkpoint = checkpoint
        self.table = table
        flush = log.configuration.flush
        queues = log.configuration.queues
        let now = log.time.nanoseconds
        lastLog = now
        lastQueues = now
        lastThorough = now
        lastMark = now
        thorough = (checkpoint.mark.queuesDurable, checkpoint.fields.queueTimestamp)
        settled = thorough
    }

    var roleName: String { "flush" }
    var signal: Signal { log.flushWanted }

    var idleNanoseconds: Int64? {
        let intervals = [
            flush.intervalMilliseconds, queues.flushIntervalMilliseconds,
            flush.markIntervalMilliseconds,
        ]
        return max(1, intervals.min() ?? 500) * 1_000_000
    }

    func doWork() -> Int {
        log.noteFaults()
        log.tellOfMappings()
        if log.poisonCause != nil { return 0 }
        do throws(StoreError) {
            let now = log.time.nanoseconds
            // Not under the lock: completions run here, and may call anything.
            try flushLog(now)
            try lock.withLock { _ throws(StoreError) in
                if log.isEnding.isSet { return }
                try flushQueues(now)
                try moveMark(now)
            }
        } catch {
            if case .poisoned(let cause) = error { log.poison(cause) }
            log.observer?.storeDid(.delayed(task: "flushing", error: error))
        }
        return 0
    }

    /// Everything to the device, whatever the intervals say.
    func flushAll() throws(StoreError) { try flushEverything(isClean: false) }

    /// The last act of a store: everything to the device, and a mark that says so.
    func flushForClose() throws(StoreError) { try flushEverything(isClean: true) }

    private func flushEverything(isClean: Bool) throws(StoreError) {
        do throws(StoreError) {
            try sync()
            try lock.withLock { _ throws(StoreError) in
                // A flush that comes behind the close must not take the clean mark away.
                if checkpoint.mark.isClean { return }
                if !isClean || !Mutant.marksCleanUnflushed.isPlanted { try flushThoroughly() }
            }
            // What came meanwhile, so that the mark reaches as far as queues and index do.
            if commit.isBehind { try sync() }
            try lock.withLock { _ throws(StoreError) in
                if checkpoint.mark.isClean { return }
                try writeMark(isClean: isClean)
            }
        } catch {
            if case .poisoned(let cause) = error { log.poison(cause) }
            throw error
        }
    }
}

// MARK: - Steps

extension Flusher {
    private func sync() throws(StoreError) {
        do throws(DiskError) { try commit.syncNow() } catch { throw .poisoned(cause: error) }
    }

    private func flushLog(_ now: Int64) throws(StoreError) {
        if log.isSync { return }
        guard now - lastLog >= flush.intervalMilliseconds * 1_000_000 || flush.wakesOnAppend else {
            return
        }
        let flushed = log.flushed.load(ordering: .relaxed)
        let pages = log.published >> 12 - flushed >> 12
        let isDue = now - lastLog >= flush.thoroughIntervalMilliseconds * 1_000_000
        guard pages >= Int64(max(flush.leastPages, 1)) || isDue else { return }
        lastLog = now
        if commit.isBehind { try sync() }
    }

    private func flushQueues(_ now: Int64) throws(StoreError) {
        guard now - lastQueues >= queues.flushIntervalMilliseconds * 1_000_000 else { return }
        lastQueues = now
        let isDue =
            now - lastThorough >= queues.thoroughIntervalMilliseconds * 1_000_000
            || log.published - thorough.end >= Int64(queues.thoroughByteCount)
        if isDue {
            try flushThoroughly()
            return
        }
        let least = queues.flushLeastPages * 4096
        let dirty = log.inTurn { log.dirtyQueues.takeAll() }
        let wanted = dirty.filter { $0.dirtyByteCount >= least }
        for queue in dirty where queue.dirtyByteCount < least { log.dirtyQueues.add(queue) }
        try flush(wanted)
    }

    /// Every dirty queue and the index; afterwards a crash reads the log again only from here on.
    private func flushThoroughly() throws(StoreError) {
        lastThorough = log.time.nanoseconds
        let (end, timestamp, dirty) = log.inTurn {
            (
                log.published, log.publication.newestTimestamp,
                log.dirtyQueues.takeAll()
            )
        }
        try flush(dirty)
        try index?.flush()
        settle(log.flushed.load(ordering: .acquiring))
        // One that the log has not reached stays, or a busy log would never come to the next.
        if thorough.end == settled.end { thorough = (end, timestamp) }
    }

    private func settle(_ flushed: Int64) {
        if thorough.end <= flushed { settled = thorough }
    }

    /// Syncs queues; those that were not synced when one fails are dirty still.
    private func flush(_ dirty: [ConsumeQueue]) throws(StoreError) {
        var parents: Set<String> = []
        for (position, queue) in dirty.enumerated() {
            do throws(StoreError) {
                try log.withMappings { () throws(StoreError) in try queue.flush(&parents) }
            } catch {
                for left in dirty[position...] { log.dirtyQueues.add(left) }
                throw error
            }
        }
    }

    private func moveMark(_ now: Int64) throws(StoreError) {
        guard now - lastMark >= flush.markIntervalMilliseconds * 1_000_000 else { return }
        lastMark = now
        let mark = checkpoint.mark
        guard
            mark.logDurable != log.flushed.load(ordering: .relaxed)
                || mark.queuesDurable != thorough.end
                || mark.logMinimum != log.start.load(ordering: .relaxed)
        else { return }
        try writeMark(isClean: false)
    }

    private func writeMark(isClean: Bool) throws(StoreError) {
        let flushed = log.flushed.load(ordering: .acquiring)
        // File, entries and end go together: the index runs ahead of a log that is not synced, and
        // its entries for records that a power cut takes must not count.
        let indexed = index?.durable
        settle(flushed)
        do throws(DiskError) {
            try checkpoint.update { fields, mark in
                mark.logDurable = Mutant.marksLogAhead.isPlanted ? log.published : flushed
                mark.queuesDurable = settled.end
                if Mutant.marksQueuesAhead.isPlanted { mark.queuesDurable = flushed }
                mark.logMinimum = log.start.load(ordering: .relaxed)
                mark.isClean = isClean
                mark.queueCount = Int32(clamping: table.directoryCount.value)
                if settled.timestamp > fields.queueTimestamp {
                    fields.commitLogTimestamp = settled.timestamp
                    fields.queueTimestamp = settled.timestamp
                    if indexed == nil { fields.indexTimestamp = settled.timestamp }
                }
                if let indexed, indexed.end <= flushed {
                    mark.indexDurable = Mutant.marksIndexAhead.isPlanted ? flushed : indexed.end
                    mark.indexFileName = indexed.fileName
                    mark.indexEntryCount = indexed.entryCount
                    fields.indexTimestamp = max(fields.indexTimestamp, indexed.timestamp)
                }
            }
        } catch {
            throw .poisoned(cause: error)
        }
    }
}
