// Writes a CommitLog of records that were somewhere else before: one behind the other, in files of
// full length, each but the last closed by RocketMQ's blank marker.

import ApusFormat
import ApusSystem

/// The log of a salvaged store.
final class SalvageLog {
    private static let bufferByteCount = 1 << 20

    private let disk: any Disk
    private let folder: String
    private let segmentByteCount: Int
    /// Physical offset of the file being written.
    private var base: Int64
    /// Bytes of that file that were given to it, those in the buffer included.
    private var position = 0
    private var file: (any DiskFile)?
    private var buffer: [UInt8] = []
    private(set) var failure: DiskError?

    init(_ disk: any Disk, folder: String, segmentByteCount: Int, start: Int64) {
        self.disk = disk
        self.folder = folder
        self.segmentByteCount = segmentByteCount
        base = start
    }

    deinit { file?.close() }

    /// Physical offset of the next record, when it fits into the file.
    var end: Int64 { base + Int64(position) }

    /// Where a record of so many bytes goes; nil when no file can hold it.
    func place(for byteCount: Int) -> Int64? {
        guard byteCount + BlankMarker.byteCount <= segmentByteCount, failure == nil else {
            return nil
        }
        if position + byteCount + BlankMarker.byteCount > segmentByteCount { roll() }
        return failure == nil ? end : nil
    }

    /// Writes a record to the place that was asked for.
    func append(_ record: [UInt8]) {
        guard failure == nil else { return }
        buffer += record
        position += record.count
        if buffer.count >= Self.bufferByteCount { flush() }
    }

    /// Brings all to the device. A log without records gets a file too.
    func finish() throws(DiskError) {
        flush()
        close()
        if let failure { throw failure }
        try disk.syncDirectory(folder)
    }

    private func roll() {
        let left = segmentByteCount - position
        var marker = [UInt8](repeating: 0, count: BlankMarker.byteCount)
        var span = marker.mutableRawSpan
        span.storeBigEndian(Int32(left), at: 0)
        span.storeBigEndian(BlankMarker.magicValue, at: 4)
        buffer += marker
        position += marker.count
        flush()
        close()
        base += Int64(segmentByteCount)
        position = 0
    }

    private func flush() {
        guard failure == nil else { return }
        do throws(DiskError) {
            if file == nil {
                let made = try disk.open(
                    "\(folder)/\(StoreDirectory.fileName(base))", .createEmpty)
                file = made
                try made.truncate(to: segmentByteCount)
            }
            try file?.write(buffer.rawSpan, at: position - buffer.count)
            buffer.removeAll(keepingCapacity: true)
        } catch {
            failure = error
        }
    }

    private func close() {
        guard failure == nil else { return }
        do throws(DiskError) { try file?.sync() } catch { failure = error }
        file?.close()
        file = nil
    }
}
