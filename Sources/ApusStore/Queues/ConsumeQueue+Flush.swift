// Syncing and removing files of a queue. Only the flusher calls `flush`, only the cleaner removes.

import ApusFormat
import ApusSystem
import Synchronization

extension ConsumeQueue {
    /// Bytes that were published but not synced.
    var dirtyByteCount: Int {
        Int(published.load(ordering: .acquiring) - flushed.load(ordering: .relaxed))
            * ConsumeQueueUnit.byteCount
    }

    /// Syncs the entries that were published since the last sync, and the names of new files.
    /// A failed sync is `.poisoned`: what the files hold is not known any more.
    ///
    /// `parents` are the directories above those of queues that were synced since all that is to be
    /// flushed was published; those synced here are added.
    func flush(_ parents: inout Set<String>) throws(StoreError) {
        let end = published.load(ordering: .acquiring)
        try syncNames(&parents)
        var offset = flushed.load(ordering: .relaxed)
        let start = offset
        var last: QueueFile?
        while offset < end {
            guard let file = try file(containing: offset) else { break }
            let next = min(end, file.window.end)
            try sync(file, offset..<next)
            offset = next
            last = file
        }
        // Behind those: a mapping may have been outgrown a moment before.
        let outgrown = files.withLock { $0.outgrown }
        for old in outgrown where old.end > start {
            let first = max(start, old.file.window.first)
            try sync(old.file, first..<max(first, min(end, old.end)))
        }
        files.withLock { $0.dropOutgrown(before: end, of: outgrown) }
        withExtendedLifetime(outgrown) {}
        flushed.store(end, ordering: .releasing)
        if let last, Int(end - start) * ConsumeQueueUnit.byteCount >= Self.zeroPiece {
            bringBack(last, behind: end)
        }
    }

    /// Not the room ahead of them, which the next appends would have to fault in again.
    private func sync(_ file: QueueFile, _ entries: Range<Int64>) throws(StoreError) {
        do throws(DiskError) {
            try file.file.sync(file.window.bytes, file.bytes(of: entries))
        } catch {
            throw .poisoned(cause: error)
        }
    }

    /// The kernel writes all of a piece that zeros came into the page cache in, and each page of it
    /// faults once more. In a busy queue that is not left to the appender.
    private func bringBack(_ file: QueueFile, behind end: Int64) {
        guard file.window.contains(end) else { return }
        let from = file.bytes(of: end..<end).lowerBound
        let pieceEnd = (from + Self.zeroPiece - 1) / Self.zeroPiece * Self.zeroPiece
        file.window.bytes.populateForWriting(from..<pieceEnd)
    }

    /// Syncs the names of files that were made, here and not when they are made: an append that
    /// needs one would wait for the device, and all others with it. What is behind the durable mark
    /// is made again from the log, with its files.
    private func syncNames(_ parents: inout Set<String>) throws(StoreError) {
        let made = namesMade.load(ordering: .acquiring)
        guard made != namesSynced else { return }
        if !Mutant.trustsNames.isPlanted {
            do throws(DiskError) {
                var path = directory
                try disk.syncDirectory(path)
                noteBrought(made)
                for _ in 0..<2 {
                    path = SystemDisk.parent(of: path)
                    guard !parents.contains(path) else { continue }
                    try disk.syncDirectory(path)
                    parents.insert(path)
                }
            } catch {
                throw error.isOfSync ? .poisoned(cause: error) : StoreError(error)
            }
        }
        namesSynced = made
        if hasNewDirectory.exchange(false, ordering: .relaxed) { common.directoryCount.add(1) }
    }

    /// Removes the files whose messages the log no longer holds. The newest file always stays.
    /// Answers how many went.
    func removeFiles(logStart: Int64) throws(StoreError) -> Int {
        let lowest = fileFirst(of: try minimumOffset(logStart: logStart))
        let leaving = files.withLock { $0.remove(before: lowest) }
        withExtendedLifetime(leaving.mapped) {}
        guard !leaving.firsts.isEmpty else { return 0 }
        do throws(DiskError) {
            for first in leaving.firsts { try disk.unlink(path(ofFileFrom: first)) }
            try disk.syncDirectory(directory)
        } catch {
            throw StoreError(error)
        }
        return leaving.firsts.count
    }
}
