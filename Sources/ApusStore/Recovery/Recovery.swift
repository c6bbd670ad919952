// What `open` does to a directory before it takes messages, as a list of steps.
//
// Idempotent: interrupted anywhere, it does the same again. The durable mark moves only when all of
// it is on the device. Whatever `open` refuses a directory for is looked at before anything in it
// is changed.

import ApusFormat
import ApusSystem
import Synchronization

/// Brings a directory into the state from which appends go on.
struct Recovery {
    let log: CommitLog
    let table: ConsumeQueueTable
    let loader: QueueLoader

    private(set) var origin = Origin.fresh
    /// The epoch of this opening, one more than that of the last.
    private(set) var epoch: Int64 = 1
    private(set) var indexFiles: [IndexFile] = []
    private(set) var indexDurable = MessageIndex.Durable(
        end: 0, fileName: 0, entryCount: 0, timestamp: 0)
    /// A CommitLog file that was being made.
    private var unfinished: String?
    private var scanned = LogEndScan.Result(end: 0)
    /// Up to here all queue entries are on the device.
    private var queuesDurable: Int64 = 0
    /// Where the last record ends that the scan saw and that can be found by a key; 0 for none.
    private var keyedEnd: Int64 = 0

    init(log: CommitLog, table: ConsumeQueueTable, loader: QueueLoader) {
        self.log = log
        self.table = table
        self.loader = loader
    }

    /// Whether there was no log.
    var isFresh: Bool { if case .fresh = origin { true } else { false } }

    private var disk: any Disk { log.disk }
    private var directory: StoreDirectory { log.directory }

    /// All steps, in order. Answers the last one, which needs room on the device, for the caller.
    mutating func run() throws(StoreError) -> AppendStart {
        try checkLimits()
        try openSegments()
        try findOrigin()
        try checkIndex()
        try findEnd()
        try recoverIndex()
        try cut()
        try startWriting()
        return try prepareStart()
    }
}

// MARK: - Looking

extension Recovery {
    private func checkLimits() throws(StoreError) {
        let limits = disk.processLimits()
        log.mappings.setLimit(to: log.configuration.queues.mappedFileLimit, of: limits)
        let check = LimitCheck(
            disk: disk, directory: directory, configuration: log.configuration, limits: limits)
        for forecast in try check.run() { log.observer?.storeDid(.limitNear(forecast)) }
    }

    private mutating func openSegments() throws(StoreError) {
        let loader = SegmentLoader(
            disk: disk, directory: directory, length: log.configuration.commitLog.segmentByteCount)
        try loader.checkLayout()
        let contents = try loader.load()
        log.segments.replaceAll(contents.segments)
        unfinished = contents.unfinished
        log.start.store(log.segments.first?.base ?? 0, ordering: .releasing)
    }

    private mutating func findOrigin() throws(StoreError) {
        let hasLog = log.segments.first != nil
        let mark: DurableMark?
        let newest: DurableMark?
        let queueCount: Int
        do throws(DiskError) {
            origin = try Origin.find(disk, directory, hasLog: hasLog)
            let contents = try Checkpoint.read(disk, directory.checkpoint)
            mark = contents.mark
            newest = contents.newestMark
            queueCount = try ConsumeQueueTable.names(on: disk, under: directory.consumeQueue).count
        } catch {
            throw StoreError(error)
        }
        if case .closed = origin {} else { try syncNames() }
        table.directoryCount.set(queueCount)
        epoch = (newest?.epoch ?? 0) &+ 1
        if !hasLog, let mark, mark.logDurable > 0 { throw missingFiles(mark) }
        if !hasLog, queueCount > 0 {
            throw .unknownDirectoryLayout(
                path: directory.root,
                reason: "there are ConsumeQueues, but \(directory.commitLog) is empty: restore its "
                    + "files or, when the messages may go, remove consumequeue and index too")
        }
    }

    /// Who was killed may have made names that it did not come to sync. Those of queues are synced
    /// when they are next written to.
    private func syncNames() throws(StoreError) {
        if Mutant.trustsNames.isPlanted { return }
        do throws(DiskError) {
            var paths = [directory.root, directory.commitLog, directory.index]
            // A log on a mount of its own has its name elsewhere.
            paths += [directory.root, directory.commitLog].map { SystemDisk.parent(of: $0) }
            for path in Set(paths).sorted() where try disk.status(path)?.isDirectory == true {
                try disk.syncDirectory(path)
            }
        } catch {
            throw StoreError(error)
        }
    }

    private func missingFiles(_ mark: DurableMark) -> StoreError {
        .unknownDirectoryLayout(
            path: directory.commitLog,
            reason: "\(mark.logDurable) bytes of log were on the device, and the files end before: "
                + "a CommitLog file is missing; restore it")
    }
}

// MARK: - The log and its queues

extension Recovery {
    private mutating func findEnd() throws(StoreError) {
        switch origin {
        case .fresh: return
        case .closed(let mark):
            if try endsCleanly(at: mark) {
                scanned = LogEndScan.Result(
                    end: mark.logDurable, lastTimestamp: mark.javaFields.commitLogTimestamp)
                queuesDurable = mark.logDurable
            } else {
                origin = .killed(mark)
                try scan(marked: mark)
            }
        case .killed(let mark): try scan(marked: mark)
        case .unmarked(let isClean, let fields):
            try scan(from: firstToScan(isClean: isClean, fields), durable: nil)
        }
    }

    /// Whether the log ends where a clean mark says, and no queue has gone since.
    private func endsCleanly(at mark: DurableMark) throws(StoreError) -> Bool {
        guard let last = log.segments.last else { return false }
        let end = mark.logDurable
        guard end <= last.end, end > last.base || log.segments.first === last || end == last.base
        else { return false }
        if end < last.end {
            let position = last.position(of: end)
            guard position >= 0 else { return false }
            let head = position..<min(position + 8, last.bytes.count)
            guard last.bytes.bytes(in: head).isZero else { return false }
        }
        return table.directoryCount.value >= Int(mark.queueCount)
    }

    private mutating func scan(marked mark: DurableMark) throws(StoreError) {
        guard let last = log.segments.last, mark.logDurable <= last.end else {
            throw missingFiles(mark)
        }
        var start = min(mark.queuesDurable, mark.logDurable)
        if table.directoryCount.value < Int(mark.queueCount) {
            start = 0
            // A directory that is made again counts at once, and its entries may be lost once more:
            // until the next mark no number of directories is enough.
            do throws(DiskError) {
                try Checkpoint.rewrite(disk, directory.checkpoint) { $0.queueCount = .max }
            } catch {
                throw StoreError(error)
            }
        }
        try scan(
            from: max(start, log.start.load(ordering: .relaxed)), durable: mark.logDurable)
        // There may be no record behind the mark to take the time from.
        scanned.lastTimestamp = max(scanned.lastTimestamp, mark.javaFields.commitLogTimestamp)
    }

    /// Where RocketMQ begins: after a clean stop in the newest file, after a kill in the newest
    /// that its checkpoint vouches for.
    private func firstToScan(isClean: Bool, _ fields: CheckpointFields) throws(StoreError) -> Int64
    {
        let segments = log.segments.all
        // Whoever removed all queues wants them made again.
        guard table.directoryCount.value > 0 else { return segments.first?.base ?? 0 }
        for segment in segments.reversed() {
            guard let first = try? log.record(at: segment.base, in: segment, checks: log.scanChecks)
            else { continue }
            let timestamp = first.withRecord { $0.storeTimestamp }
            if isClean || timestamp <= fields.scanTimestamp { return segment.base }
        }
        return segments.first?.base ?? 0
    }

    private mutating func scan(from start: Int64, durable: Int64?) throws(StoreError) {
        let first = log.start.load(ordering: .relaxed)
        let mayRefuse =
            durable == nil && log.configuration.recovery.onUnmarkedDamage == .refuse
        let (start, end) = mayRefuse ? try lookAhead(from: start) : (start, .max)
        guard start > first else {
            try loadAnew(trustedTo: start)
            return try scan(from: start, durable: durable, fills: true, end: end)
        }
        do throws(StoreError) {
            try scan(from: start, durable: durable, fills: false, end: end)
        } catch {
            guard case .damagedQueue = error else { throw error }
            // Entries are gone that should be there: all queues are made from all of the log.
            let end = mayRefuse ? try lookAhead(from: first).end : .max
            try loadAnew(trustedTo: first)
            try scan(from: first, durable: durable, fills: true, end: end)
        }
    }

    /// Sets the ends of queues that a scan from elsewhere came to: the log may end before what it
    /// found for them.
    private func loadAnew(trustedTo start: Int64) throws(StoreError) {
        loader.trust(upTo: start)
        for queue in table.known { try loader.load(queue) }
    }

    /// Refuses a log that is to be refused, while nothing is changed yet. Answers where the scan
    /// has to begin, so that all queues have their entries, and where the log ends.
    private func lookAhead(from start: Int64) throws(StoreError) -> (start: Int64, end: Int64) {
        let first = log.start.load(ordering: .relaxed)
        let scan = LogEndScan(
            segments: log.segments.all, checks: log.scanChecks, tailChecks: log.scanChecks,
            durable: nil,
            onUnmarkedDamage: .refuse)
        guard start > first else { return (start, try scan.run(from: start) { _ in }.end) }
        loader.trust(upTo: start)
        loader.mayChange(false)
        defer { loader.mayChange(true) }
        var queues = QueueRecovery(log: log, table: table, fills: false)
        do throws(StoreError) {
            let found = try scan.run(from: start) { (record) throws(StoreError) in
                try log.withMappings { () throws(StoreError) in try queues.tryDispatch(record) }
            }
            return (start, found.end)
        } catch {
            guard case .damagedQueue = error else { throw error }
            return (first, try scan.run(from: first) { _ in }.end)
        }
    }

    /// `end` is where an earlier scan, with all checks, found the end of the log.
    private mutating func scan(
        from start: Int64, durable: Int64?, fills: Bool, end: Int64
    ) throws(StoreError) {
        queuesDurable = start
        loader.trust(upTo: start)
        log.observer?.storeDid(.recovering(from: start, to: log.segments.last?.end ?? start))
        var queues = QueueRecovery(log: log, table: table, fills: fills)
        let scan = LogEndScan(
            segments: log.segments.all, checks: end < .max ? .position : log.scanChecks,
            tailChecks: end < .max ? .position : tailChecks,
            durable: Mutant.servesTornTail.isPlanted ? .max : durable,
            onUnmarkedDamage: .cut, limit: end)
        scanned = try scan.run(from: start) { (record) throws(StoreError) in
            try queues.dispatch(record)
        }
        try queues.finish()
        keyedEnd = queues.keyedEnd
        for name in try table.names() {
            try log.withMappings { () throws(StoreError) in
                try settle(table.queue(topic: name.topic, id: name.id), start, durable: durable)
            }
        }
        loader.trust(upTo: .max)
        for name in queues.rebuilt.sorted() {
            log.observer?.storeDid(.queueRebuilt(topic: name.topic, queueID: name.id))
        }
    }

    /// Settles where a queue ends, after a scan from `start`.
    private func settle(
        _ queue: ConsumeQueue, _ start: Int64, durable: Int64?
    ) throws(StoreError) {
        try log.keepUnreadable(of: queue, before: .max) { unit in
            // Nobody looked at what lies below the scan; the mark vouches for its entries.
            if durable != nil, unit.physicalOffset < start { return log.isUnreadable(unit) }
            return scanned.damaged.contains {
                unit.physicalOffset >= $0.start && unit.physicalOffset < $0.end
            }
        }
        try queue.clearBehindEnd()
        queue.dropReadFiles()
    }
}

extension Recovery {
    /// What a record above the mark must pass: it was written by the store's last opening, which
    /// said in the mark how, and perhaps not to its end.
    private var tailChecks: RecordChecks {
        guard case .killed(let mark) = origin, !Mutant.ignoresMissingSectors.isPlanted else {
            return log.scanChecks
        }
        let checks = log.scanChecks.union(.writtenSectors)
        return mark.hasRecordChecksums
            ? checks.union([.recordChecksum, .recordChecksumRequired]) : checks
    }
}

// MARK: - Index

extension Recovery {
    /// Refuses files of another length than the settings say.
    private func checkIndex() throws(StoreError) {
        guard log.isIndexed else { return }
        try IndexRecovery(
            log: log, disk: disk, directory: directory, end: log.segments.last?.end ?? 0
        ).checkLengths(origin)
    }

    private mutating func recoverIndex() throws(StoreError) {
        guard log.isIndexed else { return }
        let recovery = IndexRecovery(
            log: log, disk: disk, directory: directory, end: scanned.end)
        (indexFiles, indexDurable) = try recovery.run(origin)
    }
}

// MARK: - Changing

extension Recovery {
    /// Makes the log end where it was found to end, durably, before anything is appended.
    private func cut() throws(StoreError) {
        // What could not be reached looks like an end.
        try log.checkMappings()
        try removeUnfinished()
        if case .fresh = origin { return }
        let quarantine = Quarantine(disk: disk, directory: directory, epoch: epoch)
        for range in scanned.damaged {
            if let segment = log.segments.segment(containing: range.start) {
                let from = segment.position(of: range.start)
                try quarantine.keep(segment, from..<segment.position(of: range.end))
            }
            log.noteDamage(range)
            log.observer?.storeDid(.damaged(range))
        }
        if case .closed = origin { return }
        let end = scanned.end
        let all = log.segments.all
        try makeDurable(all, upTo: end)
        // From the last one back, each for good before the next: a power cut may keep any of two
        // names that go together, and must not leave a hole.
        for segment in all.reversed() where segment.end > end {
            let position = max(0, segment.position(of: end))
            let remains = try Quarantine.remains(segment, from: position)
            if let remains { try quarantine.keep(segment, remains) }
            do throws(DiskError) {
                if segment.base > end, Mutant.keepsSegmentsBehindCut.isPlanted { continue }
                if segment.base > end {
                    try disk.unlink(directory.segment(base: segment.base))
                    try disk.syncDirectory(directory.commitLog)
                } else if remains != nil, !Mutant.leavesTailBehindCut.isPlanted {
                    try segment.file.zero(from: position, count: segment.bytes.count - position)
                    try segment.file.sync()
                }
            } catch {
                throw StoreError(error)
            }
        }
        log.segments.replaceAll(all.filter { $0.base <= end })
    }

    private func removeUnfinished() throws(StoreError) {
        guard let unfinished else { return }
        do throws(DiskError) {
            try disk.unlink(unfinished)
            try disk.syncDirectory(directory.commitLog)
        } catch {
            throw StoreError(error)
        }
    }

    /// What a kill left in the page cache is not on the device yet, and what a failed sync left
    /// there would never be.
    private func makeDurable(_ segments: [Segment], upTo end: Int64) throws(StoreError) {
        if Mutant.trustsPageCache.isPlanted { return }
        var durable = queuesDurable
        if case .killed(let mark) = origin { durable = mark.logDurable }
        do throws(DiskError) {
            for segment in segments where segment.end > durable && segment.base < end {
                let from = max(0, segment.position(of: durable))
                let to = min(segment.bytes.count, segment.position(of: end))
                guard from < to else { continue }
                segment.file.dirty(segment.bytes, from..<to)
                // Not the zeros ahead, of which the last run left as many as it had brought in.
                try segment.file.sync(segment.bytes, from..<to)
            }
        } catch {
            throw StoreError(error)
        }
    }

    /// Gives the appender a segment with room, and sets the marks.
    private mutating func startWriting() throws(StoreError) {
        let end = scanned.end
        do throws(DiskError) {
            try disk.createDirectories(directory.commitLog)
            try disk.createDirectories(directory.consumeQueue)
        } catch {
            throw StoreError(error)
        }
        if log.segments.last.map({ $0.end <= end }) ?? true { try addSegment(at: end) }
        try stageLastSegment()
        guard let segment = log.segments.last else { return }
        log.publication.publish(upTo: end, timestamp: scanned.lastTimestamp)
        log.flushed.store(end, ordering: .releasing)
        log.writer?.start(at: end, in: segment)
        log.reservation.start(at: end, in: segment, lastTimestamp: scanned.lastTimestamp)
        // Behind the scan there are no keys but those that it saw.
        let keysEnd = max(queuesDurable, keyedEnd)
        if indexDurable.end < keysEnd, log.isIndexed { log.keyed.note(indexDurable.end..<keysEnd) }
    }

    /// Opens the segment that is appended to anew, as the page-aligned writer needs it.
    private func stageLastSegment() throws(StoreError) {
        guard log.writer != nil, let last = log.segments.last, !last.isStaged else { return }
        let staged = try Segment.open(
            disk, path: last.file.path, base: last.base, length: last.bytes.count, writable: true,
            isStaged: true)
        log.segments.replaceAll(log.segments.all.dropLast() + [staged])
    }

    /// The next segment. Without room for it the log ends with the last one: the append that needs
    /// more makes it.
    private func addSegment(at end: Int64) throws(StoreError) {
        do throws(StoreError) {
            log.segments.append(try log.preallocator.maker.takeNext(base: end))
        } catch {
            guard case .diskFull(let path) = error, log.segments.last != nil else { throw error }
            log.tellDiskFull(path)
        }
    }

    /// What is left to do before messages are taken.
    private func prepareStart() throws(StoreError) -> AppendStart {
        do throws(DiskError) {
            var fields = try Checkpoint.read(disk, directory.checkpoint).fields
            switch origin {
            case .killed(let mark): fields = mark.javaFields
            case .unmarked(_, let believed): fields = believed
            case .fresh, .closed: break
            }
            let mark = DurableMark(
                generation: try lastGeneration(), logDurable: scanned.end,
                queuesDurable: queuesDurable, indexDurable: indexDurable.end,
                indexFileName: indexDurable.fileName, indexEntryCount: indexDurable.entryCount,
                isClean: false, hasRecordChecksums: log.appendsChecksum,
                logMinimum: log.start.load(ordering: .relaxed),
                queueCount: Int32(clamping: table.directoryCount.value),
                javaFields: fields, epoch: epoch)
            return AppendStart(
                log: log, epoch: epoch,
                checkpoint: Checkpoint(disk, directory.checkpoint, fields: fields, mark: mark))
        } catch {
            throw StoreError(error)
        }
    }

    private func lastGeneration() throws(DiskError) -> Int64 {
        try Checkpoint.read(disk, directory.checkpoint).newestMark?.generation ?? 0
    }
}

extension CommitLog {
    /// What a scan of recovery checks of each record.
    var scanChecks: RecordChecks {
        configuration.integrity.checksBodyOnRecovery && !Mutant.ignoresBodyChecksum.isPlanted
            ? .all : .position
    }
}
