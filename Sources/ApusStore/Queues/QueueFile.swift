// One mapped ConsumeQueue file.
//
// It has RocketMQ's length from the start but gets room only a step ahead of use, and as long as
// little of it is used, little of it is mapped: a mapping that is as long as a file has page tables
// of its own, 4 KiB for each queue. A file that outgrows its mapping is opened once more. The
// mapping lives as long as the object; an appender with a reservation in it is covered by the
// queue, which keeps it until everything reserved in it is published.

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

/// A ConsumeQueue file, mapped from its beginning on.
package final class QueueFile: Sendable {
    package let file: any DiskFile
    package let window: QueueWindow
    /// Queue offset behind the last entry of the file, which the window may not reach.
    let end: Int64
    let mappingGuard: MappingGuard?

    package init(
        _ disk: any Disk, path: String, first: Int64, length: Int, mapped: Int = .max,
        creates: Bool, writable: Bool
    ) throws(StoreError) {
        do throws(DiskError) {
            file = try disk.open(path, creates ? .create : writable ? .readWrite : .readOnly)
        } catch {
            throw StoreError(error)
        }
        let bytes = try Self.map(
            file, length: length, mapped: min(length, mapped), creates: creates,
            writable: writable)
        mappingGuard = file.mappingGuard
        window = QueueWindow(
            bytes: bytes, first: first,
            end: first + Int64(bytes.count / ConsumeQueueUnit.byteCount))
        end = first + Int64(length / ConsumeQueueUnit.byteCount)
    }

    /// Whether all of the file is mapped.
    var isWhole: Bool { window.end == end }

    /// Bytes to map of a file so that the first `entries` can be reached: `least`, sixteen times as
    /// many, or all.
    static func mappedByteCount(for entries: Int64, least: Int) -> Int {
        let needed = Int(entries) * ConsumeQueueUnit.byteCount
        if needed <= least { return least }
        return needed <= 16 * least ? 16 * least : .max
    }

    private static func map(
        _ file: any DiskFile, length: Int, mapped: Int, creates: Bool, writable: Bool
    ) throws(StoreError) -> MappedBytes {
        let found: Int
        do throws(DiskError) {
            found = try file.byteCount()
            // A file of no bytes was made by someone who was killed before giving it its length.
            if writable, creates || found == 0 { try file.truncate(to: length) }
            if found == length || writable && found == 0 {
                return try file.map(count: mapped, writable: writable)
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
