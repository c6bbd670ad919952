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
        /// Where zeros are being written: no record goes there meanwhile.
        var zeroing: Range<Int64>?
    }

    static let pageByteCount = 4096
    /// Bytes that are asked for before a write: some of the second level of any processor's cache.
    private static let prefetchedByteCount = 256 << 10
    /// Bytes of zeros that are written at a time. A commit that comes meanwhile waits for them.
    static let zeroStep = 256 << 10
    /// Bytes of zeros that come into the page cache as one piece, and stay there: a commit that had
    /// to find memory for its pages would wait for the host of a virtual machine. A small sync in a
    /// piece of a megabyte costs half as much again, in one of this size no more than in a page.
    private static let zeroPiece = 64 << 10
    /// What is written ahead, for all stores of the process.
    private static let zeros = MappedBytes.allocate(count: zeroPiece)

    private let segments: SegmentList
    /// Not handed to who waits for it: a thread that stands back, and has no processor yet, would
    /// have it meanwhile, and the next commit would wait for that.
    private let state = SpinLocked(State())
    /// Held while zeros are written.
    private let zeroLock = Mutex(())
    /// Records that end at or before this are in their file. Written under the lock.
    let written = Atomic<Int64>(0)

    init(_ segments: SegmentList) { self.segments = segments }

    deinit { state.withLock { $0.page.deallocate() } }

    /// Starts behind what recovery found, in a segment that has memory of its own.
    func start(at end: Int64, in segment: Segment) {
        let position = segment.position(of: end)
        let first = Self.pageStart(position)
        if first < position, !Mutant.forgetsFirstPage.isPlanted {
            segment.target.withMutable(in: first..<position) { target in
                target.copy(segment.bytes.bytes(in: first..<position), at: 0)
            }
        }
        segment.release(upTo: first)
        written.store(end, ordering: .releasing)
        state.withLock { $0.isStarted = true }
    }

    private static func pageStart(_ position: Int) -> Int { position & ~(pageByteCount - 1) }
}

// MARK: - Records

extension PageAlignedWriter {
    /// Writes everything up to `end`, all of which must be published, unless someone else did.
    /// After one failure it fails always.
    ///
    /// With `durableFrom`, everything before which is on the device, what is written is on the
    /// device too when the answer is true. It is false when someone wrote a part of it before.
    @discardableResult
    func write(upTo end: Int64, durableFrom: Int64? = nil) throws(DiskError) -> Bool {
        if written.load(ordering: .acquiring) >= end { return false }
        while true {
            let isDurable = try state.withLock { state throws(DiskError) -> Bool? in
                if let failure = state.failure { throw failure }
                guard state.isStarted else { return false }
                if let zeroing = state.zeroing, end > zeroing.lowerBound,
                    zeroing.upperBound > written.load(ordering: .relaxed)
                {
                    return nil
                }
                do throws(DiskError) {
                    return try write(upTo: end, durableFrom: durableFrom, state.page)
                } catch {
                    state.failure = error
                    throw error
                }
            }
            if let isDurable { return isDurable }
            zeroLock.withLock { _ in }
        }
    }

    private func write(
        upTo end: Int64, durableFrom: Int64?, _ page: MappedBytes
    ) throws(DiskError) -> Bool {
        var position = written.load(ordering: .relaxed)
        let isDurable =
            position == durableFrom
            || durableFrom != nil && Mutant.forgetsEarlierPages.isPlanted
        while position < end, let segment = segments.segment(containing: position) {
            let next = min(end, segment.end)
            try write(segment, position..<next, isDurable: isDurable, page)
            written.store(next, ordering: .releasing)
            position = next
        }
        return isDurable
    }

    private func write(
        _ segment: Segment, _ range: Range<Int64>, isDurable: Bool, _ page: MappedBytes
    ) throws(DiskError) {
        let first = Self.pageStart(segment.position(of: range.lowerBound))
        let end = segment.position(of: range.upperBound)
        let last = Self.pageStart(end)
        // A write would make a file that someone cut short look whole again.
        let found = try segment.file.byteCount()
        if found < segment.bytes.count {
            throw DiskError(
                operation: "write behind byte \(found), where it ends now, of",
                path: segment.file.path, code: 61)
        }
        let target = segment.target
        let hasRest = last < end && !Mutant.leavesLastPageOut.isPlanted
        if hasRest {
            page.withMutable { $0.copy(target.bytes(in: last..<end), at: 0) }
            page.clear(end - last..<Self.pageByteCount)
        }
        // A constant: a variable that a span is taken of would be put into a box on the heap.
        let rest = page.prefix(hasRest ? Self.pageByteCount : 0)
        let whole = target.bytes(in: first..<last)
        // Another core wrote them. The kernel's copy would wait for one line after the other.
        // Of more than a cache holds the first would be gone again before they are copied.
        target.prefetchForReading(first..<min(last, first + Self.prefetchedByteCount))
        if isDurable {
            try segment.file.writeThrough(whole, rest.bytes, at: first)
        } else {
            if !whole.isEmpty { try segment.file.write(whole, at: first) }
            if rest.count > 0 { try segment.file.write(rest.bytes, at: last) }
        }
        segment.release(upTo: last)
    }
}

// MARK: - Zeros

extension PageAlignedWriter {
    /// Writes zeros into a segment behind everything that is in it, and makes them durable: a step
    /// of those that lie before `limit`. False when there is nothing to do. A writer that has come
    /// to the end of the zeros is as fast as the device, and is let go ahead.
    func zero(
        _ segment: Segment, upTo limit: Int, through file: any DiskFile
    ) throws(DiskError) -> Bool {
        try zeroLock.withLock { _ throws(DiskError) in
            guard let range = claim(segment, upTo: limit) else { return false }
            defer { state.withLock { $0.zeroing = nil } }
            let before = Mutant.zeroesRecords.isPlanted ? min(range.lowerBound, 4096) : 0
            for from in stride(
                from: range.lowerBound, to: range.upperBound, by: Self.zeroPiece)
            {
                let count = min(Self.zeroPiece, range.upperBound - from)
                try file.write(Self.zeros.bytes(in: 0..<count), at: from - before)
            }
            try file.sync()
            return true
        }
    }

    /// Leaves the blocks of a segment as they are.
    func giveUpZeroing(_ segment: Segment) {
        state.withLock { _ in segment.zeroed.store(segment.bytes.count, ordering: .relaxed) }
    }

    /// The next step in a segment, where nothing is written until it is done.
    private func claim(_ segment: Segment, upTo limit: Int) -> Range<Int>? {
        // Without the lock at first: a commit may have it, and would wake who waits for it.
        guard place(in: segment, upTo: limit) != nil else { return nil }
        return state.withLock { state in
            guard state.isStarted, state.failure == nil,
                let (zeroed, range) = place(in: segment, upTo: limit)
            else { return nil }
            segment.zeroed.store(zeroed, ordering: .relaxed)
            guard let range else { return nil }
            state.zeroing =
                segment.base + Int64(range.lowerBound)..<segment.base + Int64(range.upperBound)
            return range
        }
    }

    /// Where the next step in a segment is, if there is one, and how far it is zeroed then.
    private func place(in segment: Segment, upTo limit: Int) -> (zeroed: Int, Range<Int>?)? {
        let end = written.load(ordering: .relaxed)
        guard end < segment.end else { return nil }
        let position =
            end <= segment.base
            ? 0 : Self.pageStart(segment.position(of: end) + Self.pageByteCount - 1)
        let zeroed = segment.zeroed.load(ordering: .relaxed)
        // Whole pages: a commit writes whole ones.
        let limit = min(segment.bytes.count, Self.pageStart(limit))
        if zeroed > 0, zeroed <= position { return (limit, nil) }
        let from = max(zeroed, position)
        let to = min(limit, from + Self.zeroStep)
        // Whole steps: what the writer has left behind since the last one is much less.
        guard from < to, to - from == Self.zeroStep || to == segment.bytes.count else {
            return nil
        }
        return (to, from..<to)
    }
}
