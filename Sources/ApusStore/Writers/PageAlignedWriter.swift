// The page-aligned writer: records are encoded into a segment's own memory and go to the file as
// whole pages.
//
// A sync of pages that were written costs less than one of pages that were stored through a
// mapping: nothing has to be taken from the page tables before it, and no store behind it faults.
// The last page goes out with zeros behind the last record, and once more when there are more. The
// only writer of `written`; readers of the mapping see nothing beyond it.

import ApusFormat
import ApusSystem
import Synchronization

/// Brings what was published to the files of the log.
final class PageAlignedWriter: Sendable {
    private struct State {
        /// A page of its own for the last one: behind its records another appender may be writing.
        let page = MappedBytes.allocate(count: PageAlignedWriter.pageByteCount, alignment: 4096)
        /// Recovery reads before; nothing is written then.
        var isStarted = false
        /// The first write that failed. What is in the files behind it is not known.
        var failure: DiskError?
    }

    static let pageByteCount = 4096

    private let segments: SegmentList
    private let state = Mutex(State())
    /// Records that end at or before this are in their file. Written under the lock.
    let written = Atomic<Int64>(0)

    /// What is written ahead, for all stores of the process.
    private static let zeros = MappedBytes.allocate(count: 1 << 20, alignment: pageByteCount)

    init(_ segments: SegmentList) { self.segments = segments }

    deinit { state.withLock { $0.page.deallocate() } }

    /// Starts behind what recovery found, in a segment that has memory of its own.
    func start(at end: Int64, in segment: Segment) {
        let position = segment.position(of: end)
        let first = position & ~(Self.pageByteCount - 1)
        if first < position, !Mutant.forgetsFirstPage.isPlanted {
            segment.target.withMutable(in: first..<position) { target in
                target.copy(segment.bytes.bytes(in: first..<position), at: 0)
            }
        }
        segment.release(upTo: first)
        written.store(end, ordering: .releasing)
        state.withLock { $0.isStarted = true }
    }

    /// Writes everything up to `end`, all of which must be published, unless someone else did.
    /// After one failure it fails always.
    func write(upTo end: Int64) throws(DiskError) {
        if written.load(ordering: .acquiring) >= end { return }
        try state.withLock { state throws(DiskError) in
            if let failure = state.failure { throw failure }
            guard state.isStarted else { return }
            do throws(DiskError) {
                var position = written.load(ordering: .relaxed)
                while position < end, let segment = segments.segment(containing: position) {
                    let next = min(end, segment.end)
                    try write(segment, position..<next, state.page)
                    written.store(next, ordering: .releasing)
                    position = next
                }
            } catch {
                state.failure = error
                throw error
            }
        }
    }

    /// Writes zeros behind everything that is in the file: a step of those that lie within `ahead`
    /// bytes. False when there is nothing to do. A writer that has come to the end of the zeros is
    /// as fast as the device, and is let go ahead.
    func zero(
        _ segment: Segment, by ahead: Int, step: Int, through file: any DiskFile
    ) throws(DiskError) -> Bool {
        try state.withLock { state throws(DiskError) in
            let end = written.load(ordering: .relaxed)
            guard state.isStarted, state.failure == nil, segment.contains(end) else { return false }
            let page = Self.pageByteCount
            let position = (segment.position(of: end) + page - 1) & ~(page - 1)
            let zeroed = segment.zeroed.load(ordering: .relaxed)
            let limit = min(segment.bytes.count, position + ahead)
            let from = zeroed > 0 && zeroed <= position ? limit : max(zeroed, position)
            let to = min(limit, from + min(step, Self.zeros.count))
            segment.zeroed.store(max(zeroed, to), ordering: .relaxed)
            guard from < to else { return false }
            let zeros = Self.zeros
            try file.write(
                zeros.bytes(in: 0..<to - from),
                at: Mutant.zeroesRecords.isPlanted ? max(0, from - page) : from)
            return true
        }
    }

    private func write(
        _ segment: Segment, _ range: Range<Int64>, _ page: MappedBytes
    ) throws(DiskError) {
        let first = segment.position(of: range.lowerBound) & ~(Self.pageByteCount - 1)
        let end = segment.position(of: range.upperBound)
        let last = end & ~(Self.pageByteCount - 1)
        // A write would make a file that someone cut short look whole again.
        let found = try segment.file.byteCount()
        if found < segment.bytes.count {
            throw DiskError(
                operation: "write behind byte \(found), where it ends now, of",
                path: segment.file.path, code: 61)
        }
        let target = segment.target
        if first < last { try segment.file.write(target.bytes(in: first..<last), at: first) }
        if last < end, !Mutant.leavesLastPageOut.isPlanted {
            let count = end - last
            page.withMutable { bytes in
                bytes.copy(target.bytes(in: last..<end), at: 0)
            }
            page.clear(count..<Self.pageByteCount)
            try segment.file.write(page.bytes, at: last)
        }
        segment.release(upTo: last)
    }
}
