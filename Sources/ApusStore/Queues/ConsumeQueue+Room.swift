// Making room for entries before they are written.
//
// Called without locks of the log, by one thread at a time (the log's room lock).

import ApusFormat
import ApusSystem
import Synchronization

extension ConsumeQueue {
    /// Entries that get room at a time, at the most: 1 MiB.
    private static let largestExtent = Int64(1 << 20 / ConsumeQueueUnit.byteCount)

    /// Opens or makes the files that hold the next `count` entries and gives them room.
    ///
    /// Entries before `preparedEnd` have room already. `install` is run with the windows to be set
    /// under the reservation lock: the file of the next entry, the one behind it when the entries
    /// reach over, and the end of what has room.
    func prepare(
        count: Int64, nextOffset: Int64, preparedEnd: Int64,
        install: (QueueFile, QueueFile?, Int64) -> Void
    ) throws(StoreError) {
        let first = try writableFile(from: fileFirst(of: nextOffset), nextOffset: nextOffset)
        // A busy queue gets room in steps that double, so that its appenders come here rarely.
        let used = nextOffset - first.window.first
        let extent = max(
            Int64(max(extentByteCount / ConsumeQueueUnit.byteCount, 1)),
            min(used, Self.largestExtent))
        let wanted = nextOffset + max(count, 1)
        let stepped = wanted + extent
        var end = min(first.window.end, stepped)
        do throws(StoreError) {
            try allocate(first, from: max(nextOffset, preparedEnd), to: end)
        } catch {
            // A disk that is full may hold as much as is needed now, or hold it already.
            guard case .diskFull = error, end > wanted else { throw error }
            end = min(first.window.end, wanted)
            try allocate(first, from: max(nextOffset, preparedEnd), to: end)
        }
        var second: QueueFile?
        if wanted > first.window.end {
            let file = try writableFile(from: first.window.end, nextOffset: first.window.end)
            end = min(file.window.end, max(wanted, first.window.end + extent))
            try allocate(file, from: max(first.window.end, preparedEnd), to: end)
            second = file
        }
        install(first, second, end)
    }

    /// Sets the windows. The caller holds the reservation lock.
    func install(_ first: QueueFile, _ second: QueueFile?, preparedEnd end: Int64) {
        if currentFile !== first {
            previousFile = currentFile
            currentFile = first
            current = first.window
        }
        followingFile = second
        following = second?.window ?? .empty
        preparedEnd = end
        extendAt.store(end - (end - nextOffset) / 2, ordering: .relaxed)
    }

    func allocate(_ file: QueueFile, from: Int64, to: Int64) throws(StoreError) {
        guard to > from else { return }
        let unit = ConsumeQueueUnit.byteCount
        let start = Int(from - file.window.first) * unit
        let end = Int(to - file.window.first) * unit
        do throws(DiskError) {
            try file.file.allocate(from: start, count: end - start)
        } catch {
            throw StoreError(error)
        }
        file.window.bytes.populateForWriting(start..<end)
    }

    private func writableFile(
        from first: Int64, nextOffset: Int64
    ) throws(StoreError) -> QueueFile {
        for held in [currentFile, followingFile] {
            if let held, held.window.first == first { return held }
        }
        let (exists, held) = files.withLock { files in
            (files.firsts.contains(first), files.forReading.first { $0.window.first == first })
        }
        do throws(DiskError) {
            var isNew = false
            if !exists {
                // One that was killed on its way to the first file left a directory, which counts.
                isNew = try disk.status(directory) == nil
                try disk.createDirectories(directory)
                if isNew { onNewDirectory() }
            }
            if !isNew, nextOffset <= first { try syncNames() }
        } catch {
            throw StoreError(error)
        }
        if let held { return held }
        let file = try QueueFile(
            disk, path: path(ofFileFrom: first), first: first, length: fileByteCount,
            creates: !exists, writable: true)
        if !exists {
            try fill(file, upTo: nextOffset)
            files.withLock { $0.add(file) }
        }
        return file
    }

    /// A process that was killed may have made a file without entries, or a directory, and not have
    /// come to sync its name. Entries that are written there must not go with it.
    private func syncNames() throws(DiskError) {
        if Mutant.trustsNames.isPlanted { return }
        var path = directory
        for _ in 0..<3 {
            try disk.syncDirectory(path)
            path = SystemDisk.parent(of: path)
        }
    }

    /// Marks the entries before a queue's first message, as RocketMQ does when it starts in
    /// mid-file.
    private func fill(_ file: QueueFile, upTo nextOffset: Int64) throws(StoreError) {
        guard nextOffset > file.window.first else { return }
        try allocate(file, from: file.window.first, to: nextOffset)
        for offset in file.window.first..<nextOffset {
            file.window.store(.filler, at: offset)
        }
    }

    /// Whether any file of the queue is open. The caller holds the room lock.
    var isMapped: Bool { currentFile != nil || files.withLock { !$0.forReading.isEmpty } }

    /// Drops the mappings of a queue with nothing in flight. The caller holds the reservation lock
    /// and the room lock; the next append prepares them again.
    func releaseMappings() {
        current = .empty
        following = .empty
        currentFile = nil
        followingFile = nil
        previousFile = nil
        preparedEnd = nextOffset
        dropReadFiles()
    }
}
