// Files of a queue that are made, and their names on the device.
//
// A file whose name outlives that of the one before would hide its entries, so a file is made when
// the names of those before are on the device. That takes as long as the device does: for a queue
// that has filled a file it is done as soon as the next one is made, and without a lock, and so is
// the making. An appender that needs a file before that does both itself.

import ApusFormat
import ApusSystem
import Synchronization

extension ConsumeQueue {
    /// The file that begins with entry `first`, mapped up to an entry or its end.
    func writableFile(
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
            if try disk.status(directory) == nil {
                try disk.createUnsyncedDirectories(directory)
                hasNewDirectory.store(true, ordering: .relaxed)
                return
            }
        } catch {
            throw StoreError(error)
        }
        if hasFiles { try bringNames() }
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
}

// MARK: - Ahead of appenders, without a lock

extension ConsumeQueue {
    /// The first entry of the next file, when it is not there and is to be next; nil otherwise. The
    /// caller holds the room lock.
    func fileToMake(_ marks: Marks) -> Int64? {
        guard isNextWanted(marks) else { return nil }
        return files.withLock { $0.firsts.contains(marks.preparedEnd) } ? nil : marks.preparedEnd
    }

    /// Whether room ends with the file that is appended to. The caller holds the room lock.
    func isNextWanted(_ marks: Marks) -> Bool {
        guard let last = followingFile ?? currentFile else { return false }
        return last.end == marks.preparedEnd && last.window.first <= marks.nextOffset
    }

    /// Marks that are moved under the reservation lock.
    struct Marks {
        let nextOffset: Int64
        let preparedEnd: Int64
    }

    /// Makes the file that begins with entry `first`, for `list`. All of it is mapped: who has
    /// filled a file will need it.
    func makeFile(from first: Int64) throws(StoreError) -> QueueFile {
        try bringNames()
        return try QueueFile(
            disk, path: path(ofFileFrom: first), first: first, length: fileByteCount,
            creates: true, writable: true)
    }

    /// Lists a file that was made without the lock, unless an appender has made it meanwhile. The
    /// caller holds the room lock, and lets go behind it what is mapped no longer.
    func list(_ file: QueueFile) -> [QueueFile] {
        let first = file.window.first
        let last = files.withLock { $0.firsts.last }
        if let last, last + entriesPerFile == first {
            namesMade.wrappingAdd(1, ordering: .releasing)
            return files.withLock { $0.add(file) }
        }
        // Made by an appender, and removed since: files have no gaps between them. Should it stay,
        // the next opening sets the queue's files aside and makes them again from the log.
        if files.withLock({ !$0.firsts.contains(first) }) { try? disk.unlink(file.file.path) }
        return [file]
    }

    /// Has the names of a queue that has filled a file on the device before the next one is made.
    /// Not those of one that has made none since the store was opened: there may be 10,000.
    func bringNamesAhead() throws(StoreError) {
        guard namesMade.load(ordering: .relaxed) > 1 else { return }
        if files.withLock({ $0.firsts.count > 1 }) { try bringNames() }
    }

    /// Brings the names of all files to the device, unless they are there.
    func bringNames() throws(StoreError) {
        let made = namesMade.load(ordering: .acquiring)
        guard namesBrought.load(ordering: .acquiring) != made, !Mutant.mixesNames.isPlanted else {
            return
        }
        do throws(DiskError) {
            try disk.syncDirectory(directory)
        } catch {
            throw error.isOfSync ? .poisoned(cause: error) : StoreError(error)
        }
        noteBrought(made)
    }

    /// Notes that so many names are on the device.
    func noteBrought(_ made: Int) { namesBrought.max(made, ordering: .releasing) }
}
