// Making room for entries before they are written.
//
// Called without locks of the log, by one thread at a time (the log's room lock).

import ApusFormat
import ApusSystem
import Synchronization

extension ConsumeQueue {
    /// Entries that get room at a time, at the most: 1 MiB.
    private static let largestExtent = Int64(1 << 20 / ConsumeQueueUnit.byteCount)

    /// Entries for which an appender that waits makes room at the most; more are made ahead of it.
    private static let awaitedExtent = Int64(16 << 10) / Int64(ConsumeQueueUnit.byteCount)

    /// Opens or makes the files that hold the next `count` entries and gives them room.
    ///
    /// Entries before `preparedEnd` have room already. `install` is run with the windows to be set
    /// under the reservation lock: the file of the next entry, the one behind it when the entries
    /// reach over, and the end of what has room.
    func prepare(
        count: Int64, nextOffset: Int64, preparedEnd: Int64, for maker: RoomMaker,
        install: (QueueFile, QueueFile?, Int64) -> Void
    ) throws(StoreError) {
        var extent = currentExtent
        if maker == .appender {
            extent = min(extent, max(leastExtent, Self.awaitedExtent))
        } else {
            nextExtent = max(extent, min(2 * extent, Self.largestExtent))
        }
        let isEmpty = maker != .recovery
        let wanted = nextOffset + max(count, 1)
        let stepped = wanted + extent
        let first = try writableFile(
            from: fileFirst(of: nextOffset), nextOffset: nextOffset, upTo: stepped)
        var end = min(first.window.end, stepped)
        let start = endStep(in: first, from: max(nextOffset, preparedEnd))
        do throws(StoreError) {
            try allocate(first, from: start, to: end, isEmpty: isEmpty)
        } catch {
            // A disk that is full may hold as much as is needed now, or hold it already.
            guard case .diskFull = error, end > wanted else { throw error }
            end = min(first.window.end, wanted)
            try allocate(first, from: start, to: end, isEmpty: isEmpty)
        }
        var second: QueueFile?
        // The next file is not left to an appender that comes to the end of this one: to make it
        // takes longer than the appender does for what is left.
        let goesOn = maker == .extender && stepped > first.window.end && end == first.window.end
        if wanted > first.window.end || goesOn {
            do throws(StoreError) {
                let last = max(goesOn ? stepped : wanted, first.end + extent)
                let file = try writableFile(from: first.end, nextOffset: first.end, upTo: last)
                let until = min(file.window.end, last)
                try allocate(
                    file, from: max(first.window.end, preparedEnd), to: until, isEmpty: isEmpty)
                (second, end) = (file, until)
            } catch {
                // Nobody needs it yet: whoever does tries again, and gets the error.
                guard wanted <= first.window.end else { throw error }
            }
        }
        install(first, second, end)
    }

    private var leastExtent: Int64 {
        max(Int64(common.settings.extentByteCount / ConsumeQueueUnit.byteCount), 1)
    }

    /// A busy queue gets room in steps that grow, so that its appenders come here rarely; one that
    /// is opened again begins with a small one, since many may be.
    private var currentExtent: Int64 { max(nextExtent, leastExtent) }

    /// Begins a step in the file that is written now: the long part of making room, for which no
    /// lock is needed. The caller holds the room lock.
    func beginStep(preparedEnd: Int64) -> RoomStep? {
        dropStep()
        guard let file = currentFile, preparedEnd < file.window.end else { return nil }
        let end = min(file.window.end, preparedEnd + 1 + currentExtent)
        step = RoomStep(file: file, range: preparedEnd..<end)
        return step
    }

    /// Gives a step's entries room, as far as nobody ends it.
    func take(_ step: RoomStep) throws(StoreError) {
        let bytes = try reserve(step.file, step.range)
        let count = Int64(Self.zeroPiece / ConsumeQueueUnit.byteCount)
        while try step.advance(
            by: count,
            { entries throws(StoreError) in
                try Self.zero(step.file, step.file.bytes(of: entries))
            })
        {}
        step.file.window.bytes.populateForWriting(bytes)
    }

    /// Ends the step, if there is one. The caller holds the room lock.
    func dropStep() {
        _ = step?.end()
        step = nil
    }

    /// Where to go on from `start`, when a step in `file` was there already. Nobody writes zeros
    /// from then on but the caller, who holds the room lock.
    private func endStep(in file: QueueFile, from start: Int64) -> Int64 {
        guard let step else { return start }
        let done = step.end()
        self.step = nil
        return step.file === file && step.range.lowerBound <= start ? max(start, done) : start
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
    private func allocate(
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

    /// The file that begins with entry `first`, mapped up to an entry or its end.
    private func writableFile(
        from first: Int64, nextOffset: Int64, upTo last: Int64
    ) throws(StoreError) -> QueueFile {
        let last = min(last, first + entriesPerFile)
        let inUse = [currentFile, followingFile].compactMap(\.self)
            .filter { $0.window.first == first }
        if let held = inUse.first(where: { $0.window.end >= last }) { return held }
        let (exists, held) = files.withLock { files in
            for file in inUse { files.outgrow(file) }
            return (
                files.firsts.contains(first),
                files.forReading.first { $0.window.first == first && $0.window.end >= last }
            )
        }
        if !exists { try makeDirectory() }
        if let held { return held }
        let file = try QueueFile(
            disk, path: path(ofFileFrom: first), first: first, length: fileByteCount,
            mapped: QueueFile.mappedByteCount(
                for: last - first, least: common.settings.leastMapping),
            creates: !exists, writable: true)
        if !inUse.isEmpty { change { $0.keep(file) } }
        if !exists {
            namesMade.wrappingAdd(1, ordering: .releasing)
            try fill(file, upTo: nextOffset)
            change { $0.add(file) }
        }
        return file
    }

    /// Makes the directory, unless it is there, for a new file.
    private func makeDirectory() throws(StoreError) {
        do throws(DiskError) {
            // One that was killed on its way to the first file left a directory, which counts.
            guard try disk.status(directory) == nil else {
                // A file whose name outlives that of the one before would hide its entries.
                if hasFiles, !Mutant.mixesNames.isPlanted { try disk.syncDirectory(directory) }
                return
            }
            try disk.createUnsyncedDirectories(directory)
            hasNewDirectory.store(true, ordering: .relaxed)
        } catch {
            throw StoreError(error)
        }
    }

    /// Marks the entries before a queue's first message, as RocketMQ does when it starts in
    /// mid-file.
    private func fill(_ file: QueueFile, upTo nextOffset: Int64) throws(StoreError) {
        guard nextOffset > file.window.first else { return }
        try allocate(file, from: file.window.first, to: nextOffset, isEmpty: true)
        for offset in file.window.first..<nextOffset {
            file.window.store(.filler, at: offset)
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
