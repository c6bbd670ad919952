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

    /// Syncs every file with entries that were published since the last sync. A failed sync is
    /// `.poisoned`: what the files hold is not known any more.
    func flush() throws(StoreError) {
        let end = published.load(ordering: .acquiring)
        var offset = flushed.load(ordering: .relaxed)
        while offset < end {
            guard let file = try file(containing: offset) else { break }
            do throws(DiskError) { try file.file.sync() } catch { throw .poisoned(cause: error) }
            offset = min(end, file.window.end)
        }
        flushed.store(end, ordering: .releasing)
    }

    /// Removes the files whose messages the log no longer holds. The newest file always stays.
    /// Answers how many went.
    func removeFiles(logStart: Int64) throws(StoreError) -> Int {
        let lowest = fileFirst(of: try minimumOffset(logStart: logStart))
        let leaving = files.withLock { $0.remove(before: lowest) }
        guard !leaving.isEmpty else { return 0 }
        do throws(DiskError) {
            for first in leaving { try disk.unlink(path(ofFileFrom: first)) }
            try disk.syncDirectory(directory)
        } catch {
            throw StoreError(error)
        }
        return leaving.count
    }
}
