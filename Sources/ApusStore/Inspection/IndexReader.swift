// One IndexFile, read: its layout from its length, its header, slots and entries, and a lookup as a
// query makes it.

package import ApusFormat
package import ApusSystem

/// How many slots and entries an IndexFile has room for. The file does not say so itself.
package struct IndexShape: Hashable, Sendable {
    package let slotCount: Int32
    /// Entries that fit, the never used entry 0 included.
    package let capacity: Int32

    /// The shape of a file of so many bytes: with the given number of slots, else with four entries
    /// a slot, as RocketMQ's defaults have it. Nil when that does not come out even.
    package init?(byteCount: Int, slots: Int32? = nil) {
        let room = byteCount - IndexLayout.headerByteCount
        let slotCount: Int
        if let slots {
            slotCount = Int(slots)
        } else {
            let group = IndexLayout.slotByteCount + 4 * IndexLayout.entryByteCount
            guard room % group == 0 else { return nil }
            slotCount = room / group
        }
        let rest = room - slotCount * IndexLayout.slotByteCount
        guard slotCount > 0, rest > 0, rest % IndexLayout.entryByteCount == 0,
            let count = Int32(exactly: slotCount),
            let capacity = Int32(exactly: rest / IndexLayout.entryByteCount)
        else { return nil }
        self.slotCount = count
        self.capacity = capacity
    }
}

/// An open IndexFile.
package final class IndexReader {
    package let file: FoundFile
    package let shape: IndexShape
    package let header: IndexHeader
    private let entries: FileWindow
    private let slots: FileWindow

    /// Opens the file; nil when it is too short for its shape.
    package init?(
        _ disk: any Disk, _ file: FoundFile, _ shape: IndexShape, windowByteCount: Int = 1 << 20
    ) throws(DiskError) {
        self.file = file
        self.shape = shape
        entries = try FileWindow(disk, path: file.path, windowByteCount: windowByteCount)
        slots = try FileWindow(disk, path: file.path, windowByteCount: 64 << 10)
        let header = try slots.withBytes(at: 0, count: IndexLayout.headerByteCount) { bytes in
            bytes.byteCount == IndexLayout.headerByteCount ? IndexHeader(loadingFrom: bytes) : nil
        }
        guard let header else { return nil }
        self.header = header
    }

    /// The number behind the last entry that the header counts, within the file.
    package var countedEnd: Int32 { min(max(1, header.nextEntry), shape.capacity) }

    /// Entry `number`; nil when the file does not hold it.
    package func entry(_ number: Int32) throws(DiskError) -> IndexEntry? {
        guard number >= 0, number < shape.capacity else { return nil }
        return try entries.withBytes(
            at: IndexLayout.entryOffset(number, slotCount: shape.slotCount),
            count: IndexLayout.entryByteCount
        ) { bytes in
            bytes.byteCount == IndexLayout.entryByteCount
                ? IndexEntry(loadingFrom: bytes, at: 0) : nil
        }
    }

    /// What slot `number` holds.
    package func slot(_ number: Int32) throws(DiskError) -> Int32? {
        guard number >= 0, number < shape.slotCount else { return nil }
        return try slots.withBytes(
            at: IndexLayout.slotOffset(number), count: IndexLayout.slotByteCount
        ) { bytes in
            bytes.byteCount == IndexLayout.slotByteCount
                ? bytes.loadBigEndian(Int32.self, at: 0) : nil
        }
    }

    /// The physical offsets of the entries with this hash, newest first, as a query finds them by
    /// following the chain. `body` answers false to stop. A chain always leads to lower numbers;
    /// one that does not is followed no further.
    package func follow(
        _ hash: Int32, _ body: (Int64) -> Bool
    ) throws(DiskError) {
        guard hash >= 0, var number = try slot(hash % shape.slotCount) else { return }
        while number > 0, let entry = try entry(number) {
            if entry.hash == hash, !body(entry.physicalOffset) { return }
            guard entry.previous < number else { return }
            number = entry.previous
        }
    }
}
