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
            return (files, durable(end: mark.indexDurable, last: files.last))
        case .killed(let mark):
            let files = try open(upTo: mark.indexFileName)
            guard let last = files.last else {
                // No file because there was no key, or because they are gone.
                let end = mark.indexFileName == 0 ? max(start, mark.indexDurable) : start
                return ([], durable(end: end, last: nil))
            }
            guard last.name == mark.indexFileName else {
                return (files, durable(end: last.header.endPhysicalOffset, last: last))
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
            let whole = files.last?.header.endPhysicalOffset ?? start
            return (files, durable(end: max(start, whole), last: files.last))
        }
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
        let names: [Int64]
        do throws(DiskError) {
            guard try disk.status(directory.index)?.isDirectory == true else { return [] }
            names = try disk.list(directory.index).filter { !$0.isDirectory }
                .compactMap { IndexFileName.number($0.name) }
        } catch {
            throw StoreError(error)
        }
        var files: [IndexFile] = []
        var isTrusted = true
        for name in names.sorted() {
            let path = "\(directory.index)/\(IndexFileName.name(number: name) ?? "")"
            if isTrusted, name <= lastName {
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
