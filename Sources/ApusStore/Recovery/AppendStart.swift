// The last step of opening: room for the appender, and the word on disk that the store is open.
//
// It needs room on the device. A disk that has none may still be read: the store is open then,
// refuses appends as on any full disk, and makes up for this step when there is room. Until then
// `abort` and `checkpoint` stay as they were found.

import ApusFormat
import ApusSystem
import Synchronization

/// What has to be done once before messages are taken.
struct AppendStart: Sendable {
    let log: CommitLog
    /// The epoch of this opening.
    let epoch: Int64
    let checkpoint: Checkpoint

    /// Fails with `.diskFull` when there is no room; it may be run again then.
    func run() throws(StoreError) {
        do throws(DiskError) {
            try allocate()
            try writeAbort()
            try checkpoint.begin()
        } catch {
            throw StoreError(error)
        }
        guard let segment = log.segments.last else { return }
        let position = segment.position(of: log.published)
        log.preallocator.prepareWindow(segment, position: position)
        log.preallocator.follow(segment, position: position)
        if log.zeroesAhead { log.zeroWanted.ring() }
    }

    /// A Java broker's files are sparse.
    private func allocate() throws(DiskError) {
        guard let last = log.segments.last, last.end > log.published else { return }
        let position = last.position(of: log.published)
        try last.file.allocate(from: position, count: last.bytes.count - position)
    }

    private func writeAbort() throws(DiskError) {
        let disk = log.disk
        let temporary = "\(log.directory.abort).new"
        do throws(DiskError) {
            let file = try disk.open(temporary, .createEmpty)
            defer { file.close() }
            let text = AbortMarker.text(processID: processID(), epoch: epoch)
            try file.write(text.rawSpan, at: 0)
            try file.sync()
        } catch {
            try? disk.unlink(temporary)
            throw error
        }
        if !Mutant.leavesAbortOut.isPlanted {
            try disk.rename(temporary, to: log.directory.abort)
        }
        try disk.syncDirectory(log.directory.root)
    }
}

extension CommitLog {
    /// Does what is left of opening. On a full disk that is put off, where there is something to
    /// read.
    func start(_ last: AppendStart, hasMessages: Bool) throws(StoreError) {
        do throws(StoreError) {
            try last.run()
        } catch {
            guard case .diskFull(let path) = error, hasMessages else { throw error }
            pendingStart.withLock { $0 = last }
            refuse(.diskFull(path: directory.abort))
            tellDiskFull(path)
        }
    }

    /// The store begins to close or is let go: nothing is made up for any more.
    func end() {
        _ = isEnding.set()
        pendingStart.withLock { $0 = nil }
    }

    /// Does it now, if it was put off; false when there is no room still. The caller holds the room
    /// lock.
    func makeUpStart() throws(StoreError) -> Bool {
        let isDone: Bool
        do throws(StoreError) {
            isDone = try pendingStart.withLock { pending throws(StoreError) in
                try pending?.run()
                defer { pending = nil }
                return pending != nil
            }
        } catch {
            if case .diskFull = error { return false }
            throw error
        }
        guard isDone else { return true }
        refusal.withLock { held in
            // Another reason to refuse may have come meanwhile.
            guard held == .diskFull(path: directory.abort) else { return }
            held = nil
            reservation.setAccepting(true)
        }
        return true
    }
}
