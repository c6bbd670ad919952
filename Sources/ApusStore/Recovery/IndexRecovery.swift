// Brings the IndexFiles back to where they are known to be whole. What was put since is put again.

import ApusFormat
import ApusSystem
import Synchronization

/// Opens the IndexFiles of a directory.
struct IndexRecovery {
    let log: CommitLog
    let disk: any Disk
    let directory: StoreDirectory
    /// Where the log ends.
    let end: Int64

    /// The files, oldest first, and up to where they hold every key.
    func run(_ origin: Origin) throws(StoreError) -> ([IndexFile], MessageIndex.Durable) {
        let start = log.start.load(ordering: .relaxed)
        switch origin {
        case .fresh:
            return ([], durable(end: end, last: nil))
        case .closed(let mark):
            let files = try open(upTo: .max)
            guard mark.indexFileName == (files.last?.name ?? 0) else {
                return (files, durable(end: whole(files), last: files.last))
            }
            return (files, durable(end: mark.indexDurable, last: files.last))
        case .killed(let mark):
            let files = try open(upTo: mark.indexFileName)
            guard let last = files.last else {
                // No file because there was no key, or because they are gone.
                let end = mark.indexFileName == 0 ? max(start, mark.indexDurable) : start
                return ([], durable(end: end, last: nil))
            }
            guard last.name == mark.indexFileName else {
                return (files, durable(end: whole(files), last: last))
            }
            try last.rechain(nextEntry: mark.indexEntryCount, header: last.header) { offset in
                guard let segment = log.segments.segment(containing: offset) else { return nil }
                let record = try? log.record(at: offset, in: segment, checks: .position)
                return record?.withRecord { $0.storeTimestamp }
            }
            return (files, durable(end: max(start, mark.indexDurable), last: last))
        case .unmarked(let isClean, let fields):
            let files = try open(upTo: .max) { isClean || $0.endTimestamp <= fields.indexTimestamp }
            if isClean { return (files, durable(end: end, last: files.last)) }
            // Nothing says that they are on the device, and the next mark will.
            for file in files { try file.sync() }
            return (files, durable(end: max(start, whole(files)), last: files.last))
        }
    }

    /// Fails when a file that `run` will open has another length than the settings say. Changes
    /// nothing.
    func checkLengths(_ origin: Origin) throws(StoreError) {
        var lastName = Int64.max
        var limit = Int64.max
        switch origin {
        case .fresh: return
        case .closed: break
        case .killed(let mark): lastName = mark.indexFileName
        case .unmarked(let isClean, let fields):
            if !isClean { limit = fields.indexTimestamp }
        }
        let settings = log.configuration.index
        let length = IndexLayout.byteCount(
            slotCount: settings.slotCount, entryCapacity: settings.entryCapacity)
        for name in try names() where name <= lastName {
            let path = path(name)
            let (found, header) = try head(path)
            // Made by someone who did not come to give it its length: removed like those behind it.
            if found == 0 { return }
            guard found == length else {
                throw .fileSizeDiffers(
                    path: path, found: found, configured: length, key: IndexFile.lengthKey)
            }
            // From the first that is not trusted on, they are removed and made again.
            if header.endTimestamp > limit { return }
        }
    }

    /// Length and header of a file.
    private func head(_ path: String) throws(StoreError) -> (Int, IndexHeader) {
        do throws(DiskError) {
            let file = try disk.open(path, .readOnly)
            defer { file.close() }
            var buffer = [UInt8](repeating: 0, count: IndexLayout.headerByteCount)
            var bytes = buffer.mutableRawSpan
            _ = try file.read(into: &bytes, at: 0)
            return (try file.byteCount(), IndexHeader(loadingFrom: buffer.rawSpan))
        } catch {
            throw StoreError(error)
        }
    }

    /// The names of the files there are, sorted.
    private func names() throws(StoreError) -> [Int64] {
        do throws(DiskError) {
            guard try disk.status(directory.index)?.isDirectory == true else { return [] }
            return try disk.list(directory.index).filter { !$0.isDirectory }
                .compactMap { IndexFileName.number($0.name) }.sorted()
        } catch {
            throw StoreError(error)
        }
    }

    private func path(_ name: Int64) -> String {
        "\(directory.index)/\(IndexFileName.name(number: name) ?? "")"
    }

    /// Where the last record begins that has all its keys in the files, at least.
    private func whole(_ files: [IndexFile]) -> Int64 {
        files.last?.header.endPhysicalOffset ?? log.start.load(ordering: .relaxed)
    }

    private func durable(end: Int64, last: IndexFile?) -> MessageIndex.Durable {
        MessageIndex.Durable(
            end: min(end, self.end), fileName: last?.name ?? 0,
            entryCount: last?.header.nextEntry ?? 0, timestamp: 0)
    }

    /// Opens the files with names up to `lastName` and headers that are `trusted`; removes the
    /// rest, which is derived from the log and is put again.
    private func open(
        upTo lastName: Int64, trusted: (IndexHeader) -> Bool = { _ in true }
    ) throws(StoreError) -> [IndexFile] {
        var files: [IndexFile] = []
        var isTrusted = true
        for name in try names() {
            let path = path(name)
            if isTrusted, name <= lastName, try head(path).0 > 0 {
                let file = try IndexFile(
                    disk, path: path, name: name, settings: log.configuration.index, creates: false)
                isTrusted = trusted(file.header)
                if isTrusted {
                    files.append(file)
                    continue
                }
            }
            isTrusted = false
            do throws(DiskError) {
                try disk.unlink(path)
                try disk.syncDirectory(directory.index)
            } catch {
                throw StoreError(error)
            }
        }
        return files
    }
}
