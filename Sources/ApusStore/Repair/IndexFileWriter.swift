// Writes IndexFiles for the keys of all records, into a folder where nobody reads yet.

import ApusFormat
import ApusSystem

/// The new files of an index.
final class IndexFileWriter {
    private let disk: any Disk
    private let folder: String
    private let settings: IndexSettings
    /// Names to use, ascending: those of the files that give way, then the numbers behind.
    private var names: [Int64]
    private var file: IndexFile?
    private(set) var written: [Int64] = []
    private(set) var failure: StoreError?

    init(_ disk: any Disk, folder: String, settings: IndexSettings, names: [Int64]) {
        self.disk = disk
        self.folder = folder
        self.settings = settings
        self.names = names.reversed()
    }

    /// The newest file's name and next entry; zeros without one.
    private(set) var last: (name: Int64, nextEntry: Int32) = (0, 0)

    func put(hashes: [Int32], physicalOffset: Int64, storeTimestamp: Int64) {
        guard failure == nil else { return }
        do throws(StoreError) {
            for hash in hashes {
                let file = try writable()
                try file.put(
                    hash: hash, physicalOffset: physicalOffset, timestamp: storeTimestamp)
            }
        } catch {
            failure = error
        }
    }

    /// Brings all to the device.
    func finish() throws(StoreError) {
        if let failure { throw failure }
        try close()
        do throws(DiskError) {
            try disk.createDirectories(folder)
            try disk.syncDirectory(folder)
        } catch {
            throw StoreError(error)
        }
    }

    private func writable() throws(StoreError) -> IndexFile {
        if let file, !file.isFull { return file }
        try close()
        do throws(DiskError) { try disk.createDirectories(folder) } catch {
            throw StoreError(error)
        }
        let name = names.popLast() ?? (written.last ?? 0) + 1
        let made = try IndexFile(
            disk, path: "\(folder)/\(IndexFileName.name(number: name) ?? "")", name: name,
            settings: settings, creates: true)
        file = made
        written.append(name)
        return made
    }

    private func close() throws(StoreError) {
        guard let file else { return }
        last = (file.name, file.header.nextEntry)
        do throws(StoreError) {
            try file.sync()
        } catch {
            if case .poisoned(let cause) = error { throw StoreError(cause) }
            throw error
        }
        self.file = nil
    }
}
