// Deletes what is too old or in the way, away from the writers.
//
// The only remover of segments while the store runs, and of queue and index files. A segment leaves
// the list and the directory first; its file is cut down in steps and unlinked when nobody reads
// it.

import ApusFormat
import ApusSystem
import Synchronization

/// Retention by time and by disk use.
final class Cleaner: @unchecked Sendable, Agent {
    // Sendable: the mutable properties are touched under `lock` only.
    private let log: CommitLog
    private let table: ConsumeQueueTable
    private let index: MessageIndex?
    private let flusher: Flusher
    private let checkpoint: Checkpoint
    private let settings: RetentionSettings
    private let lock = Mutex(())
    private var leaving: [Leaving] = []
    private var lastDeletion: Int64 = .min / 2
    private var lastRound: Int64 = .min / 2
    private var clock = RetentionClock()
    /// Whether it was told that the wall clock is behind the newest message.
    private var isBehind = false
    let signal = Signal()

    /// A segment on its way out.
    private struct Leaving {
        var segment: Segment?
        let path: String
        var byteCount: Int
    }

    init(
        log: CommitLog, table: ConsumeQueueTable, index: MessageIndex?, flusher: Flusher,
        checkpoint: Checkpoint
    ) {
        self.flusher = flusher
        self.checkpoint = checkpoint
        self.log = log
        self.table = table
        self.index = index
        settings = log.configuration.retention
    }

    var roleName: String { "clean" }

    var idleNanoseconds: Int64? {
        let round = max(1, settings.intervalMilliseconds)
        let pace = max(1, settings.deleteIntervalMilliseconds)
        let isBusy = lock.withLock { _ in !leaving.isEmpty }
        return (isBusy ? min(round, pace) : round) * 1_000_000
    }

    func doWork() -> Int {
        lock.withLock { _ in
            do throws(StoreError) {
                removeLeaving()
                let now = log.time.nanoseconds
                guard now - lastRound >= settings.intervalMilliseconds * 1_000_000 else { return 0 }
                lastRound = now
                let wall = lookAtClocks()
                try watchSpace()
                try deleteOld(wall)
                releaseIdleQueues()
            } catch {
                log.observer?.storeDid(.delayed(task: "deleting old files", error: error))
            }
            return 0
        }
    }
}

// MARK: - What goes

extension Cleaner {
    /// Refuses appends above the warning level, as on a full disk, and takes them again below it.
    private func watchSpace() throws(StoreError) {
        let used = try usedPercent()
        if settings.isEnabled, used >= settings.warningUsedPercent {
            let path = log.directory.commitLog
            log.refuse(.diskFull(path: path))
            log.tellDiskFull(path)
        } else {
            log.resumeAfterFullDisk()
        }
    }

    private func usedPercent() throws(StoreError) -> Double {
        do throws(DiskError) {
            return try log.disk.space(log.directory.commitLog).usedPercent
        } catch {
            throw StoreError(error)
        }
    }

    /// The time for retention. Tells of a wall clock that has been set.
    private func lookAtClocks() -> Int64 {
        // The message first: one that comes now may have a later time than the one looked at.
        let newest = log.publication.newestTimestamp
        let (wall, passed) = log.time.bothMilliseconds
        let look = clock.look(wall: wall, passed: passed)
        if let leap = look.leap { log.observer?.storeDid(.clockLeapt(milliseconds: leap)) }
        let behind = newest - wall
        // Less than a second is what clocks are put right by all the time.
        let wasBehind = isBehind
        isBehind = behind > 1000
        if isBehind, !wasBehind { log.observer?.storeDid(.clockBehind(milliseconds: behind)) }
        return look.now
    }

    private func deleteOld(_ wall: Int64) throws(StoreError) {
        guard settings.isEnabled else { return }
        let isHour = settings.deleteHours.contains(
            TimeSource.localCalendar(milliseconds: wall).hour)
        let limit = wall - settings.reservedHours * 3_600_000
        var deleted = 0
        while deleted < settings.deleteBatchLimit, !log.isEnding.isSet {
            let used = try usedPercent()
            let isForced = settings.cleansForcibly && used >= settings.forcibleUsedPercent
            let isDue = isHour || used >= settings.maximumUsedPercent
            guard isForced || isDue, let oldest = log.segments.first,
                oldest.end <= log.published, oldest.end <= log.flushed.load(ordering: .acquiring),
                isForced || lastTimestamp(of: oldest) ?? .max < limit,
                try isCounted(oldest),
                try delete(oldest, reason: isForced ? "the disk is full" : "expired")
            else { break }
            deleted += 1
            if !log.isEnding.isSet { removeLeaving() }
        }
        if deleted > 0, !log.isEnding.isSet { try deleteDerived() }
    }

    /// Whether the mark says that the queue entries of a segment's records are on the device, after
    /// bringing them there. A power cut that took entries whose records are gone would have their
    /// numbers given out a second time.
    private func isCounted(_ segment: Segment) throws(StoreError) -> Bool {
        if Mutant.deletesUncounted.isPlanted { return true }
        if checkpoint.mark.queuesDurable < segment.end { try flusher.flushAll() }
        return checkpoint.mark.queuesDurable >= segment.end
    }

    /// The time of the last message in a segment: that of the next one's first, or a little
    /// earlier.
    private func lastTimestamp(of segment: Segment) -> Int64? {
        guard let next = log.segments.segment(containing: segment.end),
            segment.end < log.published,
            let place = RecordScanner.resynchronise(
                next, from: next.base, to: min(next.end, log.published), checks: .all),
            let first = try? log.record(at: place, in: next, checks: .position)
        else { return nil }
        return first.withRecord { $0.storeTimestamp }
    }

    /// Takes a segment out: of the list, then of the directory. Readers that hold it go on.
    private func delete(_ segment: Segment, reason: String) throws(StoreError) -> Bool {
        guard log.segments.first === segment, log.segments.last !== segment else { return false }
        let path = log.directory.segment(base: segment.base)
        let target = "\(log.directory.deleting)/\(StoreDirectory.fileName(segment.base))"
        var isRenamed = true
        do throws(DiskError) {
            do throws(DiskError) {
                try log.disk.createDirectories(log.directory.deleting)
                try log.disk.rename(path, to: target)
            } catch {
                // A disk with no room for a directory, or a log on a mount of its own: in one step.
                // Or an earlier round came no further than this.
                isRenamed = try log.disk.status(path) == nil
                if !isRenamed { try log.disk.unlink(path) }
            }
            try log.disk.syncDirectory(log.directory.commitLog)
        } catch {
            throw StoreError(error)
        }
        // First the start: who finds a segment gone looks there for the reason.
        if !Mutant.forgetsDeletion.isPlanted { log.start.store(segment.end, ordering: .releasing) }
        guard let removed = log.segments.removeFirst(base: segment.base) else { return false }
        if isRenamed {
            leaving.append(
                Leaving(segment: removed, path: target, byteCount: removed.bytes.count))
        }
        log.observer?.storeDid(.segmentDeleted(base: removed.base, reason: reason))
        return true
    }

    /// Queue and index files whose messages are gone.
    private func deleteDerived() throws(StoreError) {
        let start = log.start.load(ordering: .acquiring)
        for name in try table.names() {
            try log.withMappings { () throws(StoreError) in
                let queue = try table.queue(topic: name.topic, id: name.id)
                _ = try queue.removeFiles(logStart: start)
                queue.dropReadFiles()
            }
        }
        guard let index else { return }
        for file in index.takeFiles(endingBefore: start) {
            do throws(DiskError) {
                try log.disk.unlink(file.file.path)
            } catch {
                throw StoreError(error)
            }
        }
    }
}

// MARK: - How it goes

extension Cleaner {
    /// Bytes that are cut off a file at a time: unlinking a gigabyte at once stalls a journal.
    private static let step = 64 << 20

    /// One step for the segments on their way out which nobody holds.
    private func removeLeaving() {
        var kept: [Leaving] = []
        while !leaving.isEmpty, !log.isEnding.isSet {
            var one = leaving.removeFirst()
            if one.segment != nil {
                guard isKnownUniquelyReferenced(&one.segment) else {
                    kept.append(one)
                    continue
                }
                one.segment = nil
            }
            do throws(DiskError) {
                one.byteCount -= min(one.byteCount, Self.step)
                if one.byteCount > 0 {
                    let file = try log.disk.open(one.path, .readWrite)
                    try file.truncate(to: one.byteCount)
                    file.close()
                    kept.append(one)
                } else {
                    try log.disk.unlink(one.path)
                }
            } catch {
                // Removed by someone else: done. Otherwise it is tried again at the next round.
                if !error.isNotFound {
                    kept.append(one)
                    log.observer?.storeDid(
                        .delayed(task: "removing \(one.path)", error: StoreError(error)))
                }
            }
        }
        leaving = kept + leaving
    }

    /// Removes what an earlier run left half removed.
    func removeLeftovers() throws(StoreError) {
        do throws(DiskError) {
            guard try log.disk.status(log.directory.deleting) != nil else { return }
            for entry in try log.disk.list(log.directory.deleting) where !entry.isDirectory {
                let path = "\(log.directory.deleting)/\(entry.name)"
                let byteCount = try log.disk.status(path)?.byteCount ?? 0
                lock.withLock { _ in
                    leaving.append(
                        Leaving(segment: nil, path: path, byteCount: byteCount))
                }
            }
        } catch {
            throw StoreError(error)
        }
    }

    /// Gives back mappings of queues that nobody used since the last round, when too many have
    /// some.
    private func releaseIdleQueues() {
        guard log.mappings.mayBeTooMany else { return }
        log.roomLock.withLock { _ in _ = log.mappings.giveBackIdle(log.reservation) }
    }
}
