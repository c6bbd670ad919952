// Writes zeros ahead of the page-aligned writer, so that its syncs find blocks that were written.
//
// A block that is only allocated has to be marked as written by the sync that first writes it: one
// more write to the device, which costs a small sync as much again. The zeros go out through a file
// descriptor of their own: a failed sync is told of once to each, and a commit must hear of its
// own.
//
// Best is a segment that is not written to yet: the kernel lets one at a time write to a file. So
// the next one is zeroed, step by step as this one fills; where there was no time for that, a few
// megabytes ahead of the writer. And many more while nothing is appended: zeros that are written
// then cost nobody anything, and a burst of appends does not share the device with them.
//
// They stay in the page cache, where records go next: a commit finds its pages there.

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
    /// The same while nothing is appended.
    private static let quietAhead = 256 << 20
    private static let quietNanoseconds: Int64 = 20_000_000

    private let log: CommitLog
    private let writer: PageAlignedWriter
    /// Of the segment that is written to, and of the next one.
    private let open = Mutex<[Open]>([])
    /// How far the log was at the last look.
    private let lastPublished = Atomic<Int64>(-1)

    init(_ log: CommitLog, _ writer: PageAlignedWriter) {
        self.log = log
        self.writer = writer
    }

    var roleName: String { "zero" }
    var signal: Signal { log.zeroWanted }
    var idleNanoseconds: Int64? {
        log.hasZeroesToWrite.load(ordering: .relaxed) ? Self.quietNanoseconds : nil
    }

    func doWork() -> Int {
        let (more, hasMore) = step()
        log.hasZeroesToWrite.store(hasMore, ordering: .relaxed)
        return more ? 1 : 0
    }

    /// Whether something was done, and whether more is to be as soon as nothing is appended.
    private func step() -> (done: Bool, hasMore: Bool) {
        guard !log.isEnding.isSet, log.poisonCause == nil, let segment = log.segments.last,
            segment.isStaged
        else {
            open.withLock { $0 = [] }
            return (false, false)
        }
        let published = log.published
        let position = segment.position(of: published)
        if zero(segment, upTo: position + Self.ahead) { return (true, true) }
        if let next = log.preallocator.maker.prepared, next.base == segment.end,
            zero(next, upTo: Self.share(of: next.bytes.count, at: position))
        {
            return (true, true)
        }
        let isQuiet = lastPublished.exchange(published, ordering: .relaxed) == published
        let limit = min(position + Self.quietAhead, segment.bytes.count)
        guard segment.zeroed.load(ordering: .relaxed) + PageAlignedWriter.zeroStep <= limit else {
            return (false, false)
        }
        let isDone = isQuiet && zero(segment, upTo: limit)
        return (isDone, isDone || !isQuiet)
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
            let file = try log.disk.open(segment.file.path, .readWrite)
            held = held.suffix(1) + [Open(segment: segment, file: file)]
            return file
        }
    }
}
