// Brings the ConsumeQueues into agreement with the log. They are derived data: the log decides.

import ApusFormat
import ApusSystem
import Synchronization

/// Sets a queue's end when it is first looked up.
final class QueueLoader: Sendable {
    private let log: CommitLog
    /// Entries of records at or behind this are made anew by the scan that follows.
    private let trustedEnd = Atomic<Int64>(.max)
    /// False while it is not certain that the directory will be opened.
    private let changes = Atomic<Bool>(true)

    init(log: CommitLog) { self.log = log }

    func trust(upTo end: Int64) { trustedEnd.store(end, ordering: .relaxed) }

    /// Whether what is found wrong is mended, or refused with `.damagedQueue`.
    func mayChange(_ allowed: Bool) { changes.store(allowed, ordering: .relaxed) }

    func load(_ queue: ConsumeQueue) throws(StoreError) {
        let hasDirectory = try listFiles(of: queue)
        let trusted = trustedEnd.load(ordering: .relaxed)
        let log = log
        let end = try queue.end(
            isKept: { $0.isFiller || $0.isWritten && $0.physicalOffset < trusted },
            isConfirmed: { (unit, offset) throws(StoreError) in
                try log.confirms(unit, at: offset, of: queue)
            })
        queue.start(at: Mutant.losesQueueEnd.isPlanted ? max(0, end - 1) : end)
        // Recovery goes through the log itself. Else nothing stands behind the end, unless the last
        // entries are wrong or one in the middle misled the search: they are made again here.
        guard hasDirectory else { return }
        if trusted < .max {
            // A queue that has lost its files needs more of the log than the end.
            let hasMore = try holdsMore(queue, behind: end, before: trusted)
            let needsAll = !queue.hasFiles || hasMore
            guard !needsAll || trusted <= log.start.load(ordering: .relaxed) else {
                throw .damagedQueue(
                    topic: queue.topic.name, queueID: queue.queueID, queueOffset: 0)
            }
            return
        }
        let written = try queue.writtenEnd(from: end)
        if written > end || !queue.hasFiles { try log.restoreEnd(of: queue, writtenEnd: written) }
    }

    /// Whether an entry that should count stands behind the end that was found: one before it is
    /// gone, and misled the search.
    private func holdsMore(
        _ queue: ConsumeQueue, behind end: Int64, before trusted: Int64
    ) throws(StoreError) -> Bool {
        let start = log.start.load(ordering: .relaxed)
        let written = try queue.writtenEnd(from: end)
        // After a kill these may be all entries of the queue: file by file, not one by one.
        var offset = end
        while offset < written, let file = try queue.wholeFile(containing: offset) {
            let limit = min(written, file.window.end)
            while offset < limit {
                let unit = file.window.unit(at: offset)
                if unit.physicalOffset < trusted, unit.physicalOffset >= start, unit.isWritten,
                    !unit.isFiller, try log.confirms(unit, at: offset, of: queue)
                {
                    return true
                }
                offset += 1
            }
            try file.mappingGuard.check()
        }
        return false
    }

    /// Files that do not follow each other are set aside: the log has what they held.
    private func listFiles(of queue: ConsumeQueue) throws(StoreError) -> Bool {
        do throws(StoreError) {
            return try queue.listFiles()
        } catch {
            guard case .unknownDirectoryLayout = error else { throw error }
            guard changes.load(ordering: .relaxed) else {
                throw .damagedQueue(
                    topic: queue.topic.name, queueID: queue.queueID, queueOffset: 0)
            }
            try setAside(queue)
            return true
        }
    }

    private func setAside(_ queue: ConsumeQueue) throws(StoreError) {
        let quarantine = log.directory.quarantine
        do throws(DiskError) {
            try log.disk.createDirectories(quarantine)
            for entry in try log.disk.list(queue.directory) where !entry.isDirectory {
                var target = "\(quarantine)/\(queue.topic.name)-\(queue.queueID)-\(entry.name)"
                while try log.disk.status(target) != nil { target += "-" }
                try log.disk.rename("\(queue.directory)/\(entry.name)", to: target)
            }
            try log.disk.syncDirectory(quarantine)
            try log.disk.syncDirectory(queue.directory)
        } catch {
            throw StoreError(error)
        }
    }
}

extension CommitLog {
    /// Whether a queue offset can be one: far from where arithmetic on it would overflow.
    static func isPlausible(queueOffset: Int64) -> Bool {
        queueOffset >= 0 && queueOffset < 1 << 56
    }

    /// Makes the entries at the end of a queue again from all records of it in the log.
    ///
    /// Entries before `writtenEnd` that point to what cannot be read stay: their messages are
    /// damaged, and their numbers must not be given out again.
    func restoreEnd(of queue: ConsumeQueue, writtenEnd: Int64) throws(StoreError) {
        let first = queue.nextOffset
        try scan(start.load(ordering: .acquiring)..<published, checks: .position) {
            (record) throws(StoreError) in
            guard record.queueOffset >= first, record.isEntered(in: queue),
                Self.isPlausible(queueOffset: record.queueOffset)
            else { return }
            _ = try restore(queue.unit(for: record), at: record.queueOffset, of: queue)
        }
        try keepUnreadable(of: queue, before: writtenEnd) { isUnreadable($0) }
        try queue.clearBehindEnd()
        observer?.storeDid(.queueRebuilt(topic: queue.topic.name, queueID: queue.queueID))
    }

    /// Counts entries at the end of a queue as its own as long as `isKept` holds.
    func keepUnreadable(
        of queue: ConsumeQueue, before end: Int64, isKept: (ConsumeQueueUnit) -> Bool
    ) throws(StoreError) {
        while queue.nextOffset < end, let unit = try queue.unit(at: queue.nextOffset),
            unit.isWritten, !unit.isFiller, isKept(unit)
        { advance(queue, past: queue.nextOffset) }
    }

    /// Whether an entry points into the log, to where nothing can be read.
    func isUnreadable(_ unit: ConsumeQueueUnit) -> Bool {
        guard unit.physicalOffset >= start.load(ordering: .relaxed),
            let segment = segments.segment(containing: unit.physicalOffset)
        else { return false }
        return (try? record(at: unit.physicalOffset, in: segment, checks: .position)) == nil
    }

    /// Whether an entry is that of its record. A record that was deleted confirms anything.
    /// Fails when nothing is known of the record, since its file cannot be reached.
    func confirms(
        _ unit: ConsumeQueueUnit, at offset: Int64, of queue: ConsumeQueue
    ) throws(StoreError) -> Bool {
        if unit.physicalOffset < start.load(ordering: .relaxed) { return unit.isWritten }
        guard let segment = segments.segment(containing: unit.physicalOffset) else { return false }
        let lease: RecordLease
        do throws(StoreError) {
            lease = try record(at: unit.physicalOffset, in: segment, checks: .position)
        } catch {
            if case .mappingFailed = error { throw error }
            return false
        }
        return lease.withRecord { record in
            record.frame.totalSize == Int(unit.size) && record.queueID == queue.queueID
                && record.queueOffset == offset
                && queue.topic.isNamed(record.topic)
        }
    }
}

/// Dispatches records to queues anew.
struct QueueRecovery {
    private let log: CommitLog
    private let table: ConsumeQueueTable
    /// Whether entries that are missing before a record's are filled: their records are not in the
    /// log. False while there is log before the scan, which may hold them.
    private let fills: Bool
    /// The queues that records came to lately, each in the place that its name says.
    private var cursors = [QueueCursor?](repeating: nil, count: QueueCursor.placeCount)
    /// The queue of the last record that no cursor took.
    private var last: ConsumeQueue?
    private var batchTopics: [String: Bool] = [:]
    /// What `dispatch` would have made of the ends of queues, while it is only tried.
    private var tried: [ObjectIdentifier: Int64] = [:]
    /// Queues whose entries were not what the log says.
    private(set) var rebuilt = Set<QueueName>()
    /// Where the last record ends that can be found by a key; 0 for none.
    private(set) var keyedEnd: Int64 = 0

    init(log: CommitLog, table: ConsumeQueueTable, fills: Bool) {
        self.log = log
        self.table = table
        self.fills = fills
    }

    /// Writes the entry of a record, unless it is there. Fails with `.damagedQueue` when entries
    /// before it are missing that may have to be made from log before the scan.
    mutating func dispatch(_ record: RecordView) throws(StoreError) {
        let summary = PropertySummary(record.properties)
        if summary.flags.contains(.keyed) { keyedEnd = record.physicalEnd }
        let place = QueueCursor.place(of: record)
        if cursors[place]?.take(record, tagsHash: summary.tagsHash) == true { return }
        try settle(place)
        do throws(StoreError) {
            cursors[place] = try enter(record)
        } catch {
            guard case .limitReached = error else { throw error }
            // Cursors hold files too.
            try finish()
            _ = log.mappings.makeRoom(log.reservation)
            cursors[place] = try enter(record)
        }
    }

    /// Writes the entry of a record, unless it is there, and stays at its queue.
    private mutating func enter(_ record: RecordView) throws(StoreError) -> QueueCursor? {
        guard let queue = try queue(of: record) else { return nil }
        let unit = queue.unit(for: record)
        guard try mayEnter(record, unit, queue, next: queue.nextOffset) else { return nil }
        if try log.restore(unit, at: record.queueOffset, of: queue) { rebuilt.insert(queue.name) }
        return try QueueCursor(queue)
    }

    /// Brings the queues to where their records were taken. Call it behind the last record.
    mutating func finish() throws(StoreError) {
        for place in cursors.indices { try settle(place) }
    }

    private mutating func settle(_ place: Int) throws(StoreError) {
        guard let cursor = cursors[place] else { return }
        cursors[place] = nil
        guard let end = cursor.settle() else { return }
        log.advance(cursor.queue, past: end - 1)
        if cursor.wasWrong { rebuilt.insert(cursor.queue.name) }
    }

    /// Fails where `dispatch` would, and writes nothing.
    mutating func tryDispatch(_ record: RecordView) throws(StoreError) {
        guard let queue = try queue(of: record) else { return }
        let next = max(queue.nextOffset, tried[ObjectIdentifier(queue)] ?? 0)
        let unit = queue.unit(for: record)
        guard try mayEnter(record, unit, queue, next: next) else { return }
        let isHeld = try log.holds(unit, at: next, queue)
        tried[ObjectIdentifier(queue)] = max(next, (isHeld ? next : record.queueOffset) + 1)
    }

    /// Whether there is a number for a record: its own, or `next`, under which its queue has it.
    /// Fails when its own is one behind entries that are missing. A number that can be none says
    /// nothing of them.
    private func mayEnter(
        _ record: RecordView, _ unit: ConsumeQueueUnit, _ queue: ConsumeQueue, next: Int64
    ) throws(StoreError) -> Bool {
        let isPlausible = CommitLog.isPlausible(queueOffset: record.queueOffset)
        if isPlausible, fills || record.queueOffset <= next { return true }
        if try log.holds(unit, at: next, queue) { return true }
        guard isPlausible else { return false }
        throw .damagedQueue(topic: queue.topic.name, queueID: queue.queueID, queueOffset: next)
    }

    /// The queue that is to have an entry of the record; nil for none.
    private mutating func queue(of record: RecordView) throws(StoreError) -> ConsumeQueue? {
        guard record.hasEntry, record.queueID >= 0 else { return nil }
        if let last, record.isEntered(in: last) { return last }
        let topic = String(decodingUTF8: record.topic)
        do throws(StoreError) { try StoreDirectory.validate(topic: topic) } catch { return nil }
        if batchTopics[topic] == nil { batchTopics[topic] = try table.isBatchTopic(topic) }
        if batchTopics[topic] == true { return nil }
        let queue = try table.queue(topic: topic, id: record.queueID)
        last = queue
        return queue
    }
}

extension RecordView {
    /// Whether the record has an entry in a ConsumeQueue: a batch in one record has those of a
    /// BatchConsumeQueue.
    var hasEntry: Bool { systemFlag.isDispatched && !systemFlag.contains(.innerBatch) }

    /// Whether the record has an entry in this queue.
    func isEntered(in queue: ConsumeQueue) -> Bool {
        hasEntry && queueID == queue.queueID && queue.topic.isNamed(topic)
    }
}

extension CommitLog {
    /// Writes an entry that the log says is the right one, unless it is there; true when it was
    /// not.
    func restore(
        _ unit: ConsumeQueueUnit, at offset: Int64, of queue: ConsumeQueue
    ) throws(StoreError) -> Bool {
        if offset != queue.nextOffset, try holds(unit, at: queue.nextOffset, queue) {
            // The record's own number is damaged. Under the queue's it is refused when it is read;
            // under its own it would take the place of another.
            advance(queue, past: queue.nextOffset)
            return false
        }
        if offset <= queue.nextOffset, try queue.unit(at: offset) == unit {
            // What a failed sync left in the page cache counts as written there: it is not.
            try queue.makeDirty(offset)
            dirtyQueues.add(queue)
            advance(queue, past: offset)
            return false
        }
        if offset < queue.nextOffset {
            try queue.overwrite(unit, at: offset)
            dirtyQueues.add(queue)
            return true
        }
        let gap = offset - queue.nextOffset
        if gap > 0, queue.hasFiles {
            guard try follows(unit, at: offset, queue) else { return false }
            for missing in queue.nextOffset..<offset {
                // An entry that is there belongs to a message that cannot be read.
                let held = try queue.unit(at: missing)
                if held.map({ $0.isWritten && $0.physicalOffset < unit.physicalOffset }) != true {
                    try put(.filler, at: missing, of: queue)
                }
                advance(queue, past: missing)
            }
        } else if gap > 0 {
            queue.start(at: offset)
        }
        try put(unit, at: offset, of: queue)
        advance(queue, past: offset)
        return true
    }

    /// Whether a queue has an entry's record under a number, whatever number the record names.
    func holds(
        _ unit: ConsumeQueueUnit, at number: Int64, _ queue: ConsumeQueue
    ) throws(StoreError) -> Bool {
        guard let held = try queue.unit(at: number) else { return false }
        return held.physicalOffset == unit.physicalOffset && held.size == unit.size
    }

    /// Whether a message can have a number behind the end of its queue. So many messages cannot be
    /// missing, and no later one can have an earlier number: the record's own number is damaged
    /// then. Fillers do not count: they stand for numbers that somebody named.
    private func follows(
        _ unit: ConsumeQueueUnit, at offset: Int64, _ queue: ConsumeQueue
    ) throws(StoreError) -> Bool {
        let lowest = offset - 1 - queue.entriesPerFile * 4
        var last = queue.nextOffset - 1
        while last >= lowest, let held = try queue.unit(at: last) {
            if !held.isFiller { return held.physicalOffset < unit.physicalOffset }
            last -= 1
        }
        return last >= lowest
    }

    private func put(
        _ unit: ConsumeQueueUnit, at offset: Int64, of queue: ConsumeQueue
    ) throws(StoreError) {
        if !queue.current.contains(offset) || offset >= queue.preparedEnd {
            try prepare(queue, count: 1, nextOffset: offset, for: .recovery)
        }
        queue.current.store(unit, at: offset)
    }

    /// The entry at `offset` is right; the queue goes at least as far.
    func advance(_ queue: ConsumeQueue, past offset: Int64) {
        guard offset >= queue.nextOffset else { return }
        queue.nextOffset = offset + 1
        queue.published.store(offset + 1, ordering: .releasing)
        let epoch = dirtyQueues.epoch.load(ordering: .relaxed)
        if queue.dirtyEpoch.load(ordering: .relaxed) != epoch { dirtyQueues.add(queue) }
    }
}
