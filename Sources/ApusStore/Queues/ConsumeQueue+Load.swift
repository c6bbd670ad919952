// Where a queue ends, found out from its files.
//
// A file has its whole length from the start, so the end is where entries stop having been written.
// The last entry is then held against its record: queues are derived data, the log decides.

import ApusFormat
import ApusSystem
import Synchronization

extension ConsumeQueue {
    /// Lists the files and checks their lengths. A file of no bytes is one that was about to be
    /// made. False when there is not even a directory.
    func listFiles() throws(StoreError) -> Bool {
        var found: [Int64] = []
        let directory = directory
        do throws(DiskError) {
            guard try disk.status(directory)?.isDirectory == true else { return false }
            for entry in try disk.list(directory) {
                guard !entry.isDirectory, let start = StoreDirectory.offset(ofFileName: entry.name)
                else { continue }
                found.append(start)
            }
        } catch {
            throw StoreError(error)
        }
        found.sort()
        let length = Int64(fileByteCount)
        for (index, start) in found.enumerated() {
            guard start % length == 0,
                start == found[0] + Int64(index) * length
            else {
                try checkLengths(found)
                throw .unknownDirectoryLayout(
                    path: directory,
                    reason: "files of \(length) bytes (mappedFileSizeConsumeQueue) do not begin at "
                        + found.map(String.init).joined(separator: ", "))
            }
        }
        let firsts = ShortList(found.map { $0 / Int64(ConsumeQueueUnit.byteCount) })
        files.withLock { $0.firsts = firsts }
        return true
    }

    /// Fails when files have another length than the configuration says.
    private func checkLengths(_ starts: [Int64]) throws(StoreError) {
        for start in starts {
            let path = "\(directory)/\(StoreDirectory.fileName(start))"
            let found: Int?
            do throws(DiskError) { found = try disk.status(path)?.byteCount } catch {
                throw StoreError(error)
            }
            guard let found, found != 0, found != fileByteCount else { continue }
            throw .fileSizeDiffers(
                path: path, found: found, configured: fileByteCount,
                key: "mappedFileSizeConsumeQueue")
        }
    }

    /// Starts with the entries before `end`: the next append gets number `end`.
    func start(at end: Int64) {
        nextOffset = end
        preparedEnd = end
        published.store(end, ordering: .releasing)
        flushed.store(end, ordering: .releasing)
    }

    /// The number behind the last entry for which `isKept` holds, where those come first, and which
    /// the log confirms.
    func end(
        isKept: (ConsumeQueueUnit) -> Bool,
        isConfirmed: (ConsumeQueueUnit, Int64) throws(StoreError) -> Bool
    ) throws(StoreError) -> Int64 {
        let firsts = files.withLock { $0.firsts }
        guard let lowest = firsts.first else { return 0 }
        var end = lowest
        for first in firsts.reversed() {
            end = try partition(first..<dataEnd(ofFileFrom: first), isBelow: isKept)
            if end > first { break }
        }
        while end > lowest, let unit = try unit(at: end - 1), !unit.isFiller {
            if try isConfirmed(unit, end - 1) { break }
            end -= 1
        }
        return end
    }

    /// The number behind the last entry of a file that does not reach into the hole behind all its
    /// data. Holes are not looked at through the mapping: a full tmpfs has no page for them.
    private func dataEnd(ofFileFrom first: Int64) throws(StoreError) -> Int64 {
        guard let file = try wholeFile(containing: first) else { return first }
        var position = 0
        do throws(DiskError) {
            while let data = try file.file.nextData(from: position) { position = data.upperBound }
        } catch {
            throw StoreError(error)
        }
        let count = entryCount(of: file, dataEnd: min(position, fileByteCount))
        try file.mappingGuard.check()
        return first + Int64(count)
    }

    /// Entries of a file whose data end at `position`. One that reaches into the hole behind counts
    /// when something of it was written: the rest of it may be zeros, as a tags code often is.
    private func entryCount(of file: QueueFile, dataEnd position: Int) -> Int {
        let unit = ConsumeQueueUnit.byteCount
        let whole = position / unit
        let rest = whole * unit..<position
        guard !rest.isEmpty, !file.window.bytes.bytes(in: rest).isZero else { return whole }
        return whole + 1
    }

    /// The number behind the last entry at or behind `end` that is not zeros; `end` when all are.
    func writtenEnd(from end: Int64) throws(StoreError) -> Int64 {
        let unit = ConsumeQueueUnit.byteCount
        var last = end
        for first in files.withLock({ $0.firsts }) where first + entriesPerFile > end {
            guard let file = try wholeFile(containing: first) else { continue }
            var position = Int(max(0, end - first)) * unit
            do throws(DiskError) {
                while let data = try file.file.nextData(from: position) {
                    let from = max(data.lowerBound, position) / unit
                    let to = entryCount(of: file, dataEnd: min(data.upperBound, fileByteCount))
                    position = data.upperBound
                    for entry in (from..<max(from, to)).reversed() {
                        let bytes = file.window.bytes.bytes(in: entry * unit..<(entry + 1) * unit)
                        guard !bytes.isZero else { continue }
                        last = max(last, first + Int64(entry) + 1)
                        break
                    }
                }
            } catch {
                throw StoreError(error)
            }
            try file.mappingGuard.check()
        }
        return last
    }

    var hasFiles: Bool { files.withLock { !$0.firsts.isEmpty } }

    /// Corrects an entry below the end. The caller is recovery or a rebuild.
    func overwrite(_ unit: ConsumeQueueUnit, at offset: Int64) throws(StoreError) {
        guard let file = try file(containing: offset) else { return }
        _ = try reserve(file, offset..<offset + 1)
        file.window.store(unit, at: offset)
        isDirty(from: offset)
    }

    /// The next sync is to begin there, or before.
    private func isDirty(from offset: Int64) {
        if flushed.load(ordering: .relaxed) > offset { flushed.store(offset, ordering: .relaxed) }
    }

    /// Has the entry at `offset` written by the next sync, though it is as it should be.
    func makeDirty(_ offset: Int64) throws(StoreError) {
        guard let file = try file(containing: offset) else { return }
        let start = Int(offset - file.window.first) * ConsumeQueueUnit.byteCount
        let range = start..<start + ConsumeQueueUnit.byteCount
        file.file.dirty(file.window.bytes, range)
        isDirty(from: offset)
    }

    /// Zeroes whatever stands behind the last entry. The caller is recovery.
    func clearBehindEnd() throws(StoreError) {
        if Mutant.leavesEntriesBehindEnd.isPlanted { return }
        let firsts = files.withLock { $0.firsts }
        let unit = Int64(ConsumeQueueUnit.byteCount)
        for first in firsts where first + entriesPerFile > nextOffset {
            guard let file = try wholeFile(containing: first) else { continue }
            let from = Int(max(0, nextOffset - first) * unit)
            do throws(DiskError) {
                var position = from
                while let data = try file.file.nextData(from: position) {
                    let range = max(data.lowerBound, from)..<min(data.upperBound, fileByteCount)
                    position = data.upperBound
                    guard !range.isEmpty, !file.window.bytes.bytes(in: range).isZero else {
                        continue
                    }
                    try file.file.zero(from: range.lowerBound, count: range.count)
                    try file.file.sync()
                }
            } catch {
                throw StoreError(error)
            }
        }
    }
}
