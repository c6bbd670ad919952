// Making room for entries before they are written.
//
// Called without locks of the log, by one thread at a time (the log's room lock).

import ApusFormat
import ApusSystem
import Synchronization

extension ConsumeQueue {
    /// Entries that get room at a time, at the most: 1 MiB, or a file where that is used up soon.
    private static let largestExtent = Int64(1 << 20 / ConsumeQueueUnit.byteCount)

    /// Entries for which an appender that waits makes room at the most; more are made ahead of it.
    private static let awaitedExtent = Int64(16 << 10) / Int64(ConsumeQueueUnit.byteCount)

    /// An extension that comes so soon after the last one says that larger ones are wanted.
    private static let soonMilliseconds: UInt32 = 250

    /// Opens or makes the files that hold the next `count` entries and gives them room.
    ///
    /// Entries before `preparedEnd` have room already. `install` is run with the windows to be set
    /// under the reservation lock: the file of the next entry, the one behind it when the entries
    /// reach over, and the end of what has room.
    func prepare(
        count: Int64, nextOffset: Int64, preparedEnd: Int64, for maker: RoomMaker, at now: Int64,
        install: (QueueFile, QueueFile?, Int64) -> Void
    ) throws(StoreError) {
        var extent = currentExtent
        if maker == .appender {
            extent = min(extent, max(leastExtent, Self.awaitedExtent))
        } else {
            nextExtent = extentBehind(extent, at: UInt32(truncatingIfNeeded: now / 1_000_000))
        }
        let isEmpty = maker != .recovery
        let wanted = nextOffset + max(count, 1)
        let stepped = wanted + extent
        let first = try writableFile(
            from: fileFirst(of: nextOffset), nextOffset: nextOffset, upTo: stepped)
        var end = min(first.window.end, stepped)
        let made = takeStep()
        let start = made.end(in: first, from: max(nextOffset, preparedEnd))
        do throws(StoreError) {
            try allocate(first, from: start, to: end, isEmpty: isEmpty)
        } catch {
            // A disk that is full may hold as much as is needed now, or hold it already.
            guard case .diskFull = error, end > wanted else { throw error }
            end = min(first.window.end, wanted)
            try allocate(first, from: start, to: end, isEmpty: isEmpty)
        }
        var second: QueueFile?
        if wanted > first.window.end {
            let last = max(maker == .extender ? stepped : wanted, first.end + extent)
            let file = try writableFile(from: first.end, nextOffset: first.end, upTo: last)
            let until = min(file.window.end, last)
            let start = made.end(in: file, from: max(first.window.end, preparedEnd))
            try allocate(file, from: start, to: until, isEmpty: isEmpty)
            (second, end) = (file, until)
        }
        install(first, second, end)
    }

    /// What the next extension makes. Who appends through 1 MiB in less than that is through with
    /// what is ready while a sync of another queue's names keeps whoever makes room.
    private func extentBehind(_ extent: Int64, at milliseconds: UInt32) -> Int64 {
        defer { extendedAt = milliseconds }
        let isSoon = milliseconds &- extendedAt < Self.soonMilliseconds
        let limit = isSoon ? max(entriesPerFile, Self.largestExtent) : Self.largestExtent
        return max(min(2 * extent, limit), leastExtent)
    }

    private var leastExtent: Int64 {
        max(Int64(common.settings.extentByteCount / ConsumeQueueUnit.byteCount), 1)
    }

    /// A busy queue gets room in steps that grow, so that its appenders come here rarely; one that
    /// is opened again begins with a small one, since many may be.
    private var currentExtent: Int64 { max(nextExtent, leastExtent) }

    /// Begins a step in the file of the next entries that are to have room: the long part of making
    /// it, for which no lock is needed. The caller holds the room lock.
    func beginStep(_ marks: Marks) -> RoomStep? {
        dropStep()
        let preparedEnd = marks.preparedEnd
        guard let file = fileWithoutRoom(marks) else { return nil }
        let end = min(file.window.end, preparedEnd + 1 + currentExtent)
        step = RoomStep(file: file, range: preparedEnd..<end)
        return step
    }

    private func fileWithoutRoom(_ marks: Marks) -> QueueFile? {
        let written = [currentFile, followingFile].compactMap(\.self)
        if let file = written.first(where: { $0.window.contains(marks.preparedEnd) }) {
            return file
        }
        guard isNextWanted(marks) else { return nil }
        return files.withLock { $0.kept(containing: marks.preparedEnd) }
    }

    /// Gives a step's entries room, as far as nobody ends it. `between` is run behind each piece.
    func take(_ step: RoomStep, between: () -> Void = {}) throws(StoreError) {
        let bytes = try reserve(step.file, step.range)
        let count = Int64(Self.zeroPiece / ConsumeQueueUnit.byteCount)
        while try step.advance(
            by: count,
            { entries throws(StoreError) in
                try Self.zero(step.file, step.file.bytes(of: entries))
            })
        { between() }
        step.file.window.bytes.populateForWriting(bytes, between: between)
    }

    /// Ends the step, if there is one. The caller holds the room lock.
    func dropStep() {
        _ = step?.end()
        step = nil
    }

    /// Ends the step, if there is one. Nobody writes zeros from then on but the caller, who holds
    /// the room lock.
    private func takeStep() -> EndedStep {
        defer { step = nil }
        return EndedStep(step: step, done: step?.end() ?? 0)
    }

    /// A step that goes on no more.
    private struct EndedStep {
        let step: RoomStep?
        let done: Int64

        /// Where to go on from `start` in `file`: behind the step, when it was there.
        func end(in file: QueueFile, from start: Int64) -> Int64 {
            guard let step, step.file === file, step.range.lowerBound <= start else {
                return start
            }
            return max(start, done)
        }
    }

    /// Sets the windows. The caller holds the reservation lock, and lets go behind it what is
    /// needed no longer: a thousand appends are done while a mapping is taken away.
    func install(
        _ first: QueueFile, _ second: QueueFile?, preparedEnd end: Int64
    ) -> LeavingFiles {
        var leaving = LeavingFiles(following: followingFile)
        if currentFile !== first {
            leaving.previous = previousFile
            previousFile = currentFile
            previousEnd = min(current.end, nextOffset)
            currentFile = first
            current = first.window
        }
        followingFile = second
        following = second?.window ?? .empty
        preparedEnd = end
        extendAt.store(end - (end - nextOffset) / 2, ordering: .relaxed)
        return leaving
    }

    /// What was mapped until other files took its place.
    struct LeavingFiles {
        var current: QueueFile?
        var previous: QueueFile?
        var following: QueueFile?
        var forReading: [QueueFile] = []
    }

    /// Gives entries room that nobody writes to meanwhile. They are zeroed where they are
    /// empty: behind the end of an open queue nothing counts that was there.
    func allocate(
        _ file: QueueFile, from: Int64, to: Int64, isEmpty: Bool
    ) throws(StoreError) {
        guard to > from else { return }
        let bytes = try reserve(file, from..<to)
        guard isEmpty else { return file.window.bytes.populatePagesForWriting(bytes) }
        try Self.zero(file, bytes)
        file.window.bytes.populateForWriting(bytes)
    }

    /// Blocks of the device for entries; answers where these are in the file.
    func reserve(
        _ file: QueueFile, _ entries: Range<Int64>
    ) throws(StoreError) -> Range<Int> {
        let bytes = file.bytes(of: entries)
        do throws(DiskError) {
            try file.file.allocate(from: bytes.lowerBound, count: bytes.count)
        } catch {
            throw StoreError(error)
        }
        return bytes
    }

    /// What is written at once comes into the page cache in one piece of up to this length: a fifth
    /// of what pages cost that are brought in one by one. Larger ones cost less still, but who
    /// stores to one that is being flushed waits for all of it.
    static let zeroPiece = 64 << 10

    private static let zeros = MappedBytes.allocate(count: zeroPiece)

    private static func zero(_ file: QueueFile, _ bytes: Range<Int>) throws(StoreError) {
        do throws(DiskError) {
            for start in stride(from: bytes.lowerBound, to: bytes.upperBound, by: zeroPiece) {
                let count = min(zeroPiece, bytes.upperBound - start)
                try file.file.write(zeros.bytes(in: 0..<count), at: start)
            }
        } catch {
            throw StoreError(error)
        }
    }

    /// Whether any file of the queue is open. The caller holds the room lock.
    var isMapped: Bool { currentFile != nil || files.withLock { !$0.forReading.isEmpty } }

    /// Takes the mappings of a queue with nothing in flight. The caller holds the reservation lock
    /// and the room lock, and lets them go behind the former; the next append prepares them again.
    func takeMappings() -> LeavingFiles {
        let leaving = LeavingFiles(
            current: currentFile, previous: previousFile, following: followingFile,
            forReading: files.withLock { $0.takeKept() })
        current = .empty
        following = .empty
        currentFile = nil
        followingFile = nil
        previousFile = nil
        nextExtent = 0
        preparedEnd = nextOffset
        return leaving
    }
}
