// The entries of all IndexFiles as one row, in the order in which they were written.

import ApusFormat
import ApusSystem

/// An entry and where it stands.
struct IndexPlace {
    let entry: IndexEntry
    let number: Int32
    let fileIndex: Int
}

/// Walks the entries of the files, one file open at a time.
final class IndexCursor {
    private let disk: any Disk
    private let files: [(file: FoundFile, shape: IndexShape, end: Int32)]
    private var fileIndex = 0
    private var number: Int32 = 1
    private var reader: IndexReader?
    private var ahead: [IndexPlace] = []
    private(set) var failure: DiskError?

    /// `end` is the number behind the last entry of each file.
    init(_ disk: any Disk, _ files: [(file: FoundFile, shape: IndexShape, end: Int32)]) {
        self.disk = disk
        self.files = files
    }

    /// The entry that `next` would answer, or the one behind it.
    func peek(_ distance: Int = 0) -> IndexPlace? {
        while ahead.count <= distance {
            guard let place = read() else { return nil }
            ahead.append(place)
        }
        return ahead[distance]
    }

    func next() -> IndexPlace? {
        guard let place = peek() else { return nil }
        ahead.removeFirst()
        return place
    }

    private func read() -> IndexPlace? {
        while fileIndex < files.count {
            let (file, shape, end) = files[fileIndex]
            do throws(DiskError) {
                if reader == nil { reader = try IndexReader(disk, file, shape) }
                if number < end, let entry = try reader?.entry(number) {
                    number += 1
                    return IndexPlace(entry: entry, number: number - 1, fileIndex: fileIndex)
                }
            } catch {
                failure = error
            }
            reader = nil
            number = 1
            fileIndex += 1
        }
        return nil
    }
}
