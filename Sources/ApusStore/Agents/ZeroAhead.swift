// Writes zeros ahead of the page-aligned writer, so that its syncs find blocks that were written.
//
// A block that is only allocated has to be marked as written by the sync that first writes it: one
// more write to the device, which costs a small sync as much again. The zeros go out through a file
// descriptor of their own: a failed sync is told of once to each, and a commit must hear of its
// own.
//
// Best is a segment that is not written to yet: the kernel lets nobody else write to a file while
// zeros go into blocks of it that were never written. So the next one is zeroed, step by step as
// this one fills; where there was no time for that, a few megabytes ahead of the writer.

import ApusSystem
import Synchronization

/// Prepares the blocks of the segment that is appended to.
final class ZeroAhead: Agent {
    private struct Open {
        let segment: Segment
        let file: any DiskFile
    }

    /// Bytes ahead of the writer, in a segment that was not zeroed before.
    private static let ahead = 4 << 20

    private let log: CommitLog
    private let writer: PageAlignedWriter
    /// Of the segment that is written to, and of the next one.
    private let open = Mutex<[Open]>([])

    init(_ log: CommitLog, _ writer: PageAlignedWriter) {
        self.log = log
        self.writer = writer
    }

    var roleName: String { "zero" }
    var signal: Signal { log.zeroWanted }
    var idleNanoseconds: Int64? { nil }

    func doWork() -> Int {
        guard !log.isEnding.isSet, log.poisonCause == nil, let segment = log.segments.last,
            segment.isStaged
        else {
            open.withLock { $0 = [] }
            return 0
        }
        let position = segment.position(of: log.published)
        if zero(segment, upTo: position + Self.ahead) { return 1 }
        guard let next = log.preallocator.prepared, next.base == segment.end else { return 0 }
        return zero(next, upTo: Self.share(of: next.bytes.count, at: position)) ? 1 : 0
    }

    /// How far the next segment is to be zeroed: it is made when this one is half full, and is to
    /// be done somewhat before this one is full.
    private static func share(of count: Int, at position: Int) -> Int {
        max(0, position - count / 2) / 4 * 9 + ahead
    }

    /// A step in a segment; true when there was something to do.
    private func zero(_ segment: Segment, upTo limit: Int) -> Bool {
        do throws(DiskError) {
            return try writer.zero(segment, upTo: limit, through: file(of: segment))
        } catch {
            if !error.isOfSync, error.isLimit || error.isOutOfSpace || error.isUnsupported {
                // Syncs of this segment cost more then, which is all.
                writer.giveUpZeroing(segment)
                log.observer?.storeDid(
                    .delayed(task: "writing zeros ahead", error: StoreError(error)))
            } else {
                // A sync is of the whole file: what failed may have been records.
                log.poison(error)
            }
            return false
        }
    }

    private func file(of segment: Segment) throws(DiskError) -> any DiskFile {
        try open.withLock { held throws(DiskError) in
            if let found = held.first(where: { $0.segment === segment }) { return found.file }
            let file = try log.disk.open(segment.file.path, .direct)
            held = held.suffix(1) + [Open(segment: segment, file: file)]
            return file
        }
    }
}
