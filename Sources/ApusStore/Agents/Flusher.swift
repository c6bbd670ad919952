// Brings what was published to the device, and keeps the durable mark.
//
// The only caller of `ConsumeQueue.flush` and, while the store runs, of `Checkpoint.update`. In
// SYNC_FLUSH mode it also leads commits for completions that nobody blocks for.

import ApusFormat
import ApusSystem
import Synchronization

/// Flushes the log, the queues and the index by RocketMQ's intervals.
final class Flusher: @unchecked Sendable, Agent {
    // Sendable: the mutable properties are touched by `doWork` and `flushAll` only, under `lock`.
    private let log: CommitLog
    private let commit: GroupCommit
    private let index: MessageIndex?
    private let checkpoint: Checkpoint
    private let table: ConsumeQueueTable
    private let flush: FlushSettings
    private let queues: QueueSettings
    private let lock = Mutex(())
    /// Set by the last act.
    private var isRetired = false
    private var lastLog: Int64
    private var lastQueues: Int64
    private var lastThorough: Int64
    private var lastMark: Int64
    /// Timestamp and end of what all three kinds of files hold on the device.
    private var thorough: (end: Int64, timestamp: Int64)

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
        // What recovery wrote anew is in the page cache only: the mark stays until it is synced.
        thorough = (checkpoint.mark.queuesDurable, checkpoint.fields.queueTimestamp)
    }

    var roleName: String { "flush" }
    var signal: Signal { commit.wanted }

    var idleNanoseconds: Int64? {
        let intervals = [
            flush.intervalMilliseconds, queues.flushIntervalMilliseconds,
            flush.markIntervalMilliseconds,
        ]
        return nanoseconds(milliseconds: max(1, intervals.min() ?? 500))
    }

    func doWork() -> Int {
        do throws(StoreError) {
            let now = log.time.nanoseconds
            let led = try step { () throws(StoreError) in try flushLog(now) }
            try step { () throws(StoreError) in
                try flushQueues(now)
                try moveMark(now)
            }
            return led ? 1 : 0
        } catch {
            switch error {
            // Nothing is synced again and the mark stays; the observer was told once.
            case .poisoned, .closed: break
            default: log.observer?.storeDid(.delayed(task: "flushing", error: error))
            }
            return 0
        }
    }

    /// Everything to the device, whatever the intervals say.
    func flushAll() throws(StoreError) {
        try step { () throws(StoreError) in try sync() }
        try step { () throws(StoreError) in
            try flushThoroughly()
            try writeMark(isClean: false)
        }
    }

    /// The last act of a store: everything to the device, and a mark that says so.
    func flushForClose() throws(StoreError) {
        try step { () throws(StoreError) in try sync() }
        try step { () throws(StoreError) in
            isRetired = true
            try flushThoroughly()
            try writeMark(isClean: true)
        }
    }

    /// Writes nothing from here on: another store may own the directory soon.
    func retire() { lock.withLock { _ in isRetired = true } }

    /// Work under the lock, and behind it word to those who wait: they may flush or close in turn.
    private func step<Result>(
        _ body: () throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        defer { commit.finish() }
        return try lock.withLock { _ throws(StoreError) in
            if isRetired { throw .closed }
            if let cause = log.poisonCause { throw .poisoned(cause: cause) }
            return try body()
        }
    }
}

// MARK: - Steps

extension Flusher {
    private func sync() throws(StoreError) {
        do throws(DiskError) { try commit.syncNow() } catch { throw .poisoned(cause: error) }
    }

    /// True when a sync was made.
    private func flushLog(_ now: Int64) throws(StoreError) -> Bool {
        if log.isSync {
            guard commit.hasPending, commit.isBehind else { return false }
            try sync()
            return true
        }
        guard
            now - lastLog >= nanoseconds(milliseconds: flush.intervalMilliseconds)
                || flush.wakesOnAppend
        else {
            return false
        }
        let flushed = log.flushed.load(ordering: .relaxed)
        let pages = log.published >> 12 - flushed >> 12
        let isDue = now - lastLog >= nanoseconds(milliseconds: flush.thoroughIntervalMilliseconds)
        guard pages >= Int64(max(flush.leastPages, 1)) || isDue else { return false }
        lastLog = now
        if commit.isBehind { try sync() }
        return false
    }

    private func flushQueues(_ now: Int64) throws(StoreError) {
        guard now - lastQueues >= nanoseconds(milliseconds: queues.flushIntervalMilliseconds) else {
            return
        }
        lastQueues = now
        let isDue =
            now - lastThorough >= nanoseconds(milliseconds: queues.thoroughIntervalMilliseconds)
            || log.published - thorough.end >= Int64(queues.thoroughByteCount)
        if isDue {
            try flushThoroughly()
            return
        }
        let least = queues.flushLeastPages * 4096
        try flush(log.dirtyQueues.take { $0.dirtyByteCount >= least })
    }

    /// Every dirty queue and the index; afterwards a crash reads the log again only from here on.
    private func flushThoroughly() throws(StoreError) {
        lastThorough = log.time.nanoseconds
        let timestamp = log.publication.newestTimestamp.load(ordering: .relaxed)
        let end = log.published
        _ = log.dirtyQueues.takeAll()
        // Not those on the list alone: an appender publishes first and lists its queue behind that,
        // and `end` may lie between the two.
        try flush(table.known.filter { $0.dirtyByteCount > 0 })
        try index?.flush()
        thorough = (end, timestamp)
    }

    /// Syncs queues that were taken off the list. Those that could not be go back to it.
    private func flush(_ queues: [ConsumeQueue]) throws(StoreError) {
        for (position, queue) in queues.enumerated() {
            do throws(StoreError) {
                try queue.flush()
            } catch {
                // A failed sync of derived data is as final as one of the log: the device fails.
                if case .poisoned(let cause) = error { log.poison(cause) }
                for left in queues[position...] { log.dirtyQueues.add(left) }
                throw error
            }
        }
    }

    private func moveMark(_ now: Int64) throws(StoreError) {
        guard now - lastMark >= nanoseconds(milliseconds: flush.markIntervalMilliseconds) else {
            return
        }
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
        let indexed = index?.durable
        do throws(DiskError) {
            try checkpoint.update { fields, mark in
                mark.logDurable = flushed
                mark.queuesDurable = min(thorough.end, flushed)
                mark.logMinimum = log.start.load(ordering: .relaxed)
                mark.isClean = isClean
                mark.queueCount = Int32(clamping: table.fileCount.value)
                if thorough.end <= flushed, thorough.timestamp > fields.queueTimestamp {
                    fields.commitLogTimestamp = thorough.timestamp
                    fields.queueTimestamp = thorough.timestamp
                    if indexed == nil { fields.indexTimestamp = thorough.timestamp }
                }
                if let indexed {
                    mark.indexDurable = min(indexed.end, flushed)
                    mark.indexFileName = indexed.fileName
                    mark.indexEntryCount = indexed.entryCount
                    fields.indexTimestamp = max(fields.indexTimestamp, indexed.timestamp)
                }
            }
        } catch {
            log.poison(error)
            throw .poisoned(cause: error)
        }
    }
}
