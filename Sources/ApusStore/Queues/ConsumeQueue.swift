// Step 6 in the life of a message: the 20-byte entry, written before publication, looked up by a pull.
//
// A queue is a list of 20-byte entries over files of equal length. An appender reserves an entry under
// the log's reservation lock and writes it itself; publication, in order, makes it visible by moving
// `published`. Entries below `published` never change, except that a rebuild writes the same again.
//
// Who may touch what: `nextOffset` and the windows under the log's reservation lock; `isDirty` and
// `nextDirty` under its publication lock; `files` and `readFile` under `fileLock`.

package import ApusFormat
package import ApusSystem
package import Synchronization

/// The index of one queue of a topic into the CommitLog.
package final class ConsumeQueue: @unchecked Sendable {
    // Sendable: every mutable property is guarded as the head comment says.
    package let topic: Topic
    package let queueID: Int32
    let directory: String
    let disk: any Disk
    let fileByteCount: Int
    let extentByteCount: Int

    /// The entry that the next reservation gets.
    package var nextOffset: Int64 = 0
    /// Entries below this have room on disk and are mapped for writing.
    package var preparedEnd: Int64 = 0
    /// The file being written, and the one behind it when a batch reaches over.
    package var current: QueueWindow?
    package var following: QueueWindow?
    var currentFile: QueueFile?
    var followingFile: QueueFile?
    var previousFile: QueueFile?

    /// Entries below this can be read.
    package let published = Atomic<Int64>(0)
    /// Entries below this were synced.
    package let flushed = Atomic<Int64>(0)
    /// Those who wait for a message of this queue.
    package let waiterCount = Atomic<Int>(0)
    package var isDirty = false
    package var nextDirty: ConsumeQueue?
    /// Set by a use, taken away by a sweep for mappings to give back.
    package let wasUsed = Atomic<Bool>(true)

    /// First entries of the files on disk, ascending.
    let fileLock = SpinLock()
    var files: [Int64] = []
    var readFile: QueueFile?
    /// The lowest readable offset, and the start of the log for which it was found.
    var minimum: (offset: Int64, logStart: Int64) = (0, -1)

    package init(
        topic: Topic, queueID: Int32, directory: String, disk: any Disk, settings: QueueSettings
    ) {
        self.topic = topic
        self.queueID = queueID
        self.directory = directory
        self.disk = disk
        fileByteCount = settings.fileByteCount
        extentByteCount = settings.extentByteCount
    }

    /// Entries of one file.
    package var entriesPerFile: Int64 { Int64(fileByteCount / ConsumeQueueUnit.byteCount) }

    /// The first entry of the file that holds entry `offset`.
    package func fileFirst(of offset: Int64) -> Int64 {
        offset / entriesPerFile * entriesPerFile
    }

    package func path(ofFileFrom first: Int64) -> String {
        let name = StoreDirectory.fileName(first * Int64(ConsumeQueueUnit.byteCount))
        return "\(directory)/\(name)"
    }
}

// MARK: - Reading

extension ConsumeQueue {
    /// The mapped file that holds entry `offset`; nil when no such file exists.
    package func file(containing offset: Int64) throws(StoreError) -> QueueFile? {
        wasUsed.store(true, ordering: .relaxed)
        return try fileLock.withLock { () throws(StoreError) -> QueueFile? in
            if let held = readFile, held.window.contains(offset) { return held }
            let first = fileFirst(of: offset)
            guard files.contains(first) else { return nil }
            let opened = try QueueFile(
                disk, path: path(ofFileFrom: first), first: first, length: fileByteCount,
                creates: false, writable: true)
            readFile = opened
            return opened
        }
    }

    /// The entry at `offset`, published or not; nil when no file holds it.
    package func unit(at offset: Int64) throws(StoreError) -> ConsumeQueueUnit? {
        guard offset >= 0, let file = try file(containing: offset) else { return nil }
        return file.window.unit(at: offset)
    }

    /// The lowest offset whose message the log still holds, for a log that starts at `logStart`.
    package func minimumOffset(logStart: Int64) throws(StoreError) -> Int64 {
        let end = published.load(ordering: .acquiring)
        let (known, firstFile) = fileLock.withLock { (minimum, files.first) }
        if known.logStart == logStart { return min(known.offset, end) }
        var low = max(known.logStart < 0 ? 0 : known.offset, firstFile ?? end)
        var high = end
        while low < high {
            let middle = low + (high - low) / 2
            let unit = try unit(at: middle)
            if let unit, !unit.isFiller, unit.physicalOffset >= logStart {
                high = middle
            } else {
                low = middle + 1
            }
        }
        let found = low
        fileLock.withLock { minimum = (found, logStart) }
        return found
    }
}

// MARK: - Making room

extension ConsumeQueue {
    /// Opens or makes the files that hold the next `count` entries and gives them room.
    ///
    /// Called without locks of the log, by one thread at a time for a queue; `install` is run with
    /// the windows under the reservation lock.
    package func prepare(
        count: Int64, nextOffset: Int64,
        install: (QueueFile, QueueFile?, Int64) -> Void
    ) throws(StoreError) {
        let first = try writableFile(from: fileFirst(of: nextOffset), nextOffset: nextOffset)
        let extent = Int64(extentByteCount / ConsumeQueueUnit.byteCount)
        let wanted = nextOffset + max(count, 1)
        var end = min(first.window.end, max(wanted, nextOffset + extent))
        try allocate(first, from: nextOffset, to: end)
        var second: QueueFile?
        if wanted > first.window.end {
            let file = try writableFile(from: first.window.end, nextOffset: first.window.end)
            end = min(file.window.end, max(wanted, first.window.end + extent))
            try allocate(file, from: first.window.end, to: end)
            second = file
        }
        install(first, second, end)
    }

    private func allocate(_ file: QueueFile, from: Int64, to: Int64) throws(StoreError) {
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
        let exists = fileLock.withLock { files.contains(first) }
        if !exists {
            do throws(DiskError) {
                try disk.createDirectories(directory)
            } catch {
                throw StoreError(error)
            }
        }
        let file = try QueueFile(
            disk, path: path(ofFileFrom: first), first: first, length: fileByteCount,
            creates: !exists, writable: true)
        if !exists {
            try fill(file, upTo: nextOffset)
            fileLock.withLock {
                files.append(first)
                files.sort()
                readFile = file
            }
        }
        return file
    }

    /// Marks the entries before a queue's first message, as RocketMQ does when it starts in mid-file.
    private func fill(_ file: QueueFile, upTo nextOffset: Int64) throws(StoreError) {
        guard nextOffset > file.window.first else { return }
        try allocate(file, from: file.window.first, to: nextOffset)
        for offset in file.window.first..<nextOffset {
            file.window.store(.filler, at: offset)
        }
    }

    /// Drops the write mappings of a queue with nothing in flight. The caller holds the reservation
    /// lock; the next append prepares them again.
    package func releaseMappings() {
        current = nil
        following = nil
        currentFile = nil
        followingFile = nil
        previousFile = nil
        preparedEnd = nextOffset
        fileLock.withLock { readFile = nil }
    }
}

// MARK: - Flushing

extension ConsumeQueue {
    /// Bytes that were published but not synced.
    package var dirtyByteCount: Int {
        Int(published.load(ordering: .acquiring) - flushed.load(ordering: .relaxed))
            * ConsumeQueueUnit.byteCount
    }

    /// Syncs every file with entries that were published since the last sync.
    package func flush() throws(DiskError) {
        let end = published.load(ordering: .acquiring)
        var offset = flushed.load(ordering: .relaxed)
        while offset < end {
            let file: QueueFile?
            do throws(StoreError) { file = try self.file(containing: offset) } catch {
                if case .file(let cause) = error { throw cause }
                throw DiskError(operation: "sync", path: directory, code: 5)
            }
            guard let file else { break }
            try file.file.sync()
            offset = min(end, file.window.end)
        }
        flushed.store(end, ordering: .releasing)
    }
}
