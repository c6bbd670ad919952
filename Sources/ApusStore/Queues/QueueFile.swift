// One mapped ConsumeQueue file.
//
// It has RocketMQ's length from the start but gets room only a step ahead of use. The mapping lives
// as long as the object; an appender with a reservation in the file is covered by the queue, which
// keeps the file until everything reserved in it is published.

package import ApusFormat
package import ApusSystem

/// Where entries of a queue are stored: a mapping and the number of its first entry.
package struct QueueWindow: Sendable, BitwiseCopyable {
    package let bytes: MappedBytes
    /// Queue offset of the first entry.
    package let first: Int64
    /// Queue offset behind the last entry that fits.
    package let end: Int64

    /// Holds no entry.
    package static let empty = QueueWindow(bytes: .empty, first: 0, end: 0)

    /// Writes one entry, which a reservation gave the caller alone.
    @inline(__always)
    package func store(_ unit: ConsumeQueueUnit, at queueOffset: Int64) {
        let position = Int(queueOffset &- first) &* ConsumeQueueUnit.byteCount
        bytes.withMutable(at: position, byteCount: ConsumeQueueUnit.byteCount) {
            unit.store(into: &$0, at: 0)
        }
    }

    @inline(__always)
    package func unit(at queueOffset: Int64) -> ConsumeQueueUnit {
        let position = Int(queueOffset &- first) &* ConsumeQueueUnit.byteCount
        return ConsumeQueueUnit(loadingFrom: bytes.bytes, at: position)
    }

    @inline(__always)
    package func contains(_ queueOffset: Int64) -> Bool {
        queueOffset >= first && queueOffset < end
    }
}

/// A ConsumeQueue file.
package final class QueueFile: Sendable {
    package let file: any DiskFile
    package let window: QueueWindow
    let mappingGuard: MappingGuard?

    package init(
        _ disk: any Disk, path: String, first: Int64, length: Int, creates: Bool, writable: Bool
    ) throws(StoreError) {
        do throws(DiskError) {
            file = try disk.open(path, creates ? .create : writable ? .readWrite : .readOnly)
        } catch {
            throw StoreError(error)
        }
        let bytes = try Self.map(
            file, length: length, creates: creates, writable: writable, disk: disk)
        mappingGuard = file.mappingGuard
        window = QueueWindow(
            bytes: bytes, first: first, end: first + Int64(length / ConsumeQueueUnit.byteCount))
    }

    private static func map(
        _ file: any DiskFile, length: Int, creates: Bool, writable: Bool, disk: any Disk
    ) throws(StoreError) -> MappedBytes {
        let found: Int
        do throws(DiskError) {
            found = try file.byteCount()
            // A file of no bytes was made by someone who was killed before giving it its length.
            if writable, creates || found == 0 { try file.truncate(to: length) }
            if found == length || writable && found == 0 {
                return try file.map(count: length, writable: writable)
            }
        } catch {
            throw StoreError(error)
        }
        throw .fileSizeDiffers(
            path: file.path, found: found, configured: length, key: "mappedFileSizeConsumeQueue")
    }

    /// Where entries are in the file.
    func bytes(of entries: Range<Int64>) -> Range<Int> {
        let unit = ConsumeQueueUnit.byteCount
        return Int(entries.lowerBound - window.first) * unit..<Int(
            entries.upperBound - window.first) * unit
    }

    deinit {
        file.unmap(window.bytes)
        file.close()
    }
}
