// Writes zeros ahead of the page-aligned writer, so that its syncs find blocks that were written.
//
// A block that is only allocated has to be marked as written by the sync that first writes it: one
// more write to the device, which costs a small sync as much again. The zeros go out through a file
// descriptor of their own: a failed sync is told of once to each, and a commit must hear of its
// own.

import ApusSystem
import Synchronization

/// Prepares the blocks of the segment that is appended to.
final class ZeroAhead: Agent {
    private struct Open {
        let segment: Segment
        let file: any DiskFile
    }

    /// Bytes ahead of the writer.
    static let ahead = 4 << 20

    private let log: CommitLog
    private let writer: PageAlignedWriter
    private let open = Mutex<Open?>(nil)

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
            open.withLock { $0 = nil }
            return 0
        }
        do throws(DiskError) {
            return try writer.zero(segment, by: Self.ahead, through: file(of: segment)) ? 1 : 0
        } catch {
            if !error.isOfSync, error.isLimit || error.isOutOfSpace {
                // Syncs of this segment cost more then, which is all.
                writer.giveUpZeroing(segment)
                log.observer?.storeDid(
                    .delayed(task: "writing zeros ahead", error: StoreError(error)))
            } else {
                // A sync is of the whole file: what failed may have been records.
                log.poison(error)
            }
            return 0
        }
    }

    private func file(of segment: Segment) throws(DiskError) -> any DiskFile {
        try open.withLock { held throws(DiskError) in
            if let held, held.segment === segment { return held.file }
            let file = try log.disk.open(segment.file.path, .readWrite)
            held = Open(segment: segment, file: file)
            return file
        }
    }
}
