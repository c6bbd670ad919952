// Step 6 in the life of a message: the 20-byte entry, written before it can be looked up, looked up
// by a pull.
//
// A queue is a list of 20-byte entries over files of equal length. An appender reserves an entry
// under the log's reservation lock and writes it itself, or puts it off (`CommitLog+Deferred`);
// publication, in order, makes it visible by moving `published`, or `deferredEnd`. Entries below
// `published` never change, except that a rebuild writes the same.
//
// Who may touch what: `nextOffset`, `preparedEnd` and the windows under the log's reservation lock;
// the write files by whoever makes room, one at a time.

package import ApusFormat
import ApusSystem
package import Synchronization

/// The index of one queue of a topic into the CommitLog.
package final class ConsumeQueue: @unchecked Sendable {
    // Sendable: every mutable property is guarded as the head comment says.
    // In the order of use, since a queue among many is in no cache when its turn comes: what an
    // append reads and moves under the reservation lock, then what publication moves, which is on
    // another cache line wherever the object begins. Where it was not, each reservation took its
    // line away from whoever published.

    package let topic: Topic
    package let queueID: Int32
    /// The entry that the next reservation gets.
    var nextOffset: Int64 = 0
    /// Entries below this have room on disk and are mapped for writing.
    var preparedEnd: Int64 = 0
    /// The file being written, and the one behind it when a batch reaches over.
    var current = QueueWindow.empty
    var following = QueueWindow.empty
    /// What all queues of the store have in common.
    let common: QueueCommon

    /// Entries below this are whole. Written in the log's turn to publish.
    package let published = Atomic<Int64>(0)
    /// Entries from `published` up to this are to be written (`CommitLog+Deferred`); none where it
    /// is lower. Moved in turn.
    let deferredEnd = Atomic<Int64>(0)
    /// The entry at whose publication more room is to be made; `.max` while that is under way.
    let extendAt = Atomic<Int64>(.max)
    /// The epoch of `DirtyQueues` in which the queue was put on the list of those to sync.
    let dirtyEpoch = Atomic<Int>(0)
    /// How many wait for a message of this queue.
    let waiterCount = Atomic<Int>(0)
    /// The ticket of one of the newest appends.
    private let lastTicket = Atomic<UInt32>(0)

    /// Bytes from the object's beginning to the end of what every append needs, `lastTicket`
    /// with it. Nothing but time is lost where it is not right.
    static var hotByteCount: Int { 164 }

    var currentFile: QueueFile?
    var followingFile: QueueFile?
    var previousFile: QueueFile?
    /// Where the entries end that may have been reserved in `previousFile`.
    var previousEnd: Int64 = 0
    /// Entries that get room at the next step. Of whoever makes room.
    var nextExtent: Int64 = 0
    /// When room was last made ahead of appenders, in milliseconds that wrap around.
    var extendedAt: UInt32 = 0
    /// The step that is made without the room lock; of whoever has that.
    var step: RoomStep?

    /// Entries below this were synced.
    let flushed = Atomic<Int64>(0)
    /// Counts the names of files that were made since the store was opened, and those of them that
    /// the flusher has synced. One for names found then: whoever made them may have been killed.
    let namesMade = Atomic<Int>(1)
    var namesSynced = 0
    /// Those of them that are on the device, though the directories above may not be.
    let namesBrought = Atomic<Int>(0)
    /// Whether the directory was made since the store was opened, and its name not synced yet.
    let hasNewDirectory = Atomic<Bool>(false)
    /// Whether its entries were held against the whole log since the store was opened.
    let wasRebuilt = Mutex<Bool>(false)
    /// Set by a read, taken away by a sweep for mappings to give back, which also notes where the
    /// queue ended then.
    let wasUsed = Atomic<Bool>(true)
    let endAtSweep = Atomic<Int64>(0)
    /// Those who wait for a message of this queue.
    let waiters = Mutex<[Waiter]>([])

    /// The files on disk, and those that reads keep mapped.
    let files = SpinLocked(QueueFiles(), isAlone: false)

    init(topic: Topic, queueID: Int32, common: QueueCommon) {
        self.topic = topic
        self.queueID = queueID
        self.common = common
    }

    /// Notes an append. Whether nobody appended to the queue in more than `nearCount` appends to
    /// the log before it, so that nothing of it is in a cache: a guess, which threads may spoil.
    @inline(__always)
    func isFar(_ ticket: UInt32, nearCount: UInt32) -> Bool {
        let last = lastTicket.load(ordering: .relaxed)
        lastTicket.store(ticket, ordering: .relaxed)
        return ticket &- last > nearCount
    }

    /// Where the queue's files are. Made when it is asked for: there may be 100,000 queues.
    var directory: String {
        StoreDirectory.queue(topic: topic.name, queueID: queueID, in: common.directory)
    }

    package var name: QueueName { QueueName(topic: topic.name, id: queueID) }

    var disk: any Disk { common.disk }
    var fileByteCount: Int { common.settings.fileByteCount }

    /// Entries of one file.
    var entriesPerFile: Int64 { Int64(fileByteCount / ConsumeQueueUnit.byteCount) }

    /// The first entry of the file that holds entry `offset`.
    func fileFirst(of offset: Int64) -> Int64 { offset / entriesPerFile * entriesPerFile }

    func path(ofFileFrom first: Int64) -> String {
        let name = StoreDirectory.fileName(first * Int64(ConsumeQueueUnit.byteCount))
        return "\(directory)/\(name)"
    }
}

// MARK: - Reading

extension ConsumeQueue {
    /// The mapped file that holds entry `offset`; nil when no such file exists.
    func file(containing offset: Int64) throws(StoreError) -> QueueFile? {
        if !wasUsed.load(ordering: .relaxed) { wasUsed.store(true, ordering: .relaxed) }
        if let kept = files.withLock({ $0.kept(containing: offset) }) { return kept }
        return try openForReading(containing: offset)
    }

    /// The same, and all of the file is mapped.
    func wholeFile(containing offset: Int64) throws(StoreError) -> QueueFile? {
        let kept = files.withLock { $0.kept(containing: offset) }
        if let kept, kept.isWhole { return kept }
        return try openForReading(containing: offset)
    }

    /// Maps a file without the lock, for which others spin.
    @inline(never)
    private func openForReading(containing offset: Int64) throws(StoreError) -> QueueFile? {
        let first = fileFirst(of: offset)
        guard files.withLock({ $0.firsts.contains(first) }) else { return nil }
        let opened: QueueFile
        do throws(StoreError) {
            opened = try QueueFile(
                disk, path: path(ofFileFrom: first), first: first, length: fileByteCount,
                creates: false, writable: true)
        } catch {
            // It may have been removed meanwhile, here or below.
            guard files.withLock({ $0.firsts.contains(first) }) else { return nil }
            throw error
        }
        let leaving: [QueueFile]? = files.withLock { files in
            files.firsts.contains(first) ? files.keep(opened) : nil
        }
        return withExtendedLifetime(leaving) { leaving == nil ? nil : opened }
    }

    /// Gives back the mappings that reads use; the next one maps again.
    func dropReadFiles() { change { $0.takeKept() } }

    /// Changes the lists of files, and lets go behind the lock what is kept no longer.
    func change(_ lists: (inout QueueFiles) -> [QueueFile]) {
        let leaving = files.withLock { lists(&$0) }
        withExtendedLifetime(leaving) {}
    }

    /// The entry at `offset`, published or not; nil when no file holds it.
    package func unit(at offset: Int64) throws(StoreError) -> ConsumeQueueUnit? {
        guard offset >= 0, let file = try file(containing: offset) else { return nil }
        try file.mappingGuard.check()
        let unit = file.window.unit(at: offset)
        try file.mappingGuard.check()
        return unit
    }

    /// The first of the entries in `range` for which `isBelow` does not hold, when those for which
    /// it does come first. Entries without a file count as below.
    func partition(
        _ range: Range<Int64>, isBelow: (ConsumeQueueUnit) throws(StoreError) -> Bool
    ) throws(StoreError) -> Int64 {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = low + (high - low) / 2
            if let unit = try unit(at: middle), try !isBelow(unit) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return low
    }

    /// The same for entries that have a message. One that stands for none (before the first
    /// message, where a message was lost, or where it is damaged) goes with the next that does.
    func partitionMessages(
        _ range: Range<Int64>, isBelow: (ConsumeQueueUnit) throws(StoreError) -> Bool
    ) throws(StoreError) -> Int64 {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high {
            let middle = low + (high - low) / 2
            let probe = try skipFillers(from: middle, to: high, skipsDamaged: true)
            if probe == high {
                high = middle
            } else if let unit = try unit(at: probe), try !isBelow(unit) {
                high = middle
            } else {
                low = probe + 1
            }
        }
        return try skipFillers(from: low, to: range.upperBound)
    }

    /// One of the entries just before `offset` whose message the log holds; nil for none.
    private func lastHeld(
        before offset: Int64, from first: Int64, logStart: Int64
    ) throws(StoreError) -> Int64? {
        var number = offset - 1
        while number >= max(first, offset - 16) {
            if let unit = try unit(at: number), unit.isWritten, !unit.isFiller,
                unit.physicalOffset >= logStart
            {
                return number
            }
            number -= 1
        }
        return nil
    }

    /// The first entry from `offset` on that stands for a message; `end` when none does.
    private func skipFillers(
        from offset: Int64, to end: Int64, skipsDamaged: Bool = false
    ) throws(StoreError) -> Int64 {
        var offset = offset
        while offset < end, let unit = try unit(at: offset),
            unit.isFiller || skipsDamaged && !unit.isWritten
        { offset += 1 }
        return offset
    }

    /// The lowest offset whose message the log still holds, for a log that starts at `logStart`.
    package func minimumOffset(logStart: Int64) throws(StoreError) -> Int64 {
        let end = published.load(ordering: .acquiring)
        let known = files.withLock { $0.minimum }
        if known.logStart == logStart { return min(known.offset, end) }
        let firstFile = files.withLock { $0.firsts.first }
        let low = min(end, max(known.logStart < 0 ? 0 : known.offset, firstFile ?? end))
        // There may be a file full of them before the first message.
        let first = try skipFillers(from: low, to: end)
        var found = try partitionMessages(first..<end) { $0.physicalOffset < logStart }
        // One damaged entry in the way of the search must not hide the messages before it.
        while let held = try lastHeld(before: found, from: first, logStart: logStart) {
            found = try partitionMessages(first..<held) { $0.physicalOffset < logStart }
        }
        // Offsets rise in a queue: one that falls is damaged, and its message may be there.
        if found - 2 >= first, let last = try unit(at: found - 1),
            let before = try unit(at: found - 2), last.physicalOffset < before.physicalOffset
        {
            found -= 1
        }
        files.withLock { $0.minimum = (found, logStart) }
        return found
    }
}
