// Copies of what recovery takes out of the log. Nothing is removed without one.
//
// A copy gets its name when it is whole and on the device, and is never written again: a recovery
// that is interrupted while it zeroes what it copied comes by the same name with less in hand.

import ApusFormat
import ApusSystem

/// Copies stretches of segments into `quarantine/` before they are zeroed or removed.
struct Quarantine {
    let disk: any Disk
    let directory: StoreDirectory
    /// Distinguishes copies of the same stretch from different openings.
    let epoch: Int64

    /// Copies `range`, positions in the segment, and makes the copy durable.
    func keep(_ segment: Segment, _ range: Range<Int>) throws(StoreError) {
        guard !range.isEmpty else { return }
        let start = StoreDirectory.fileName(segment.base + Int64(range.lowerBound))
        var path = "\(directory.quarantine)/\(start)-\(range.count)-\(epoch)"
        do throws(DiskError) {
            try disk.createDirectories(directory.quarantine)
            while try disk.status(path) != nil {
                if try holds(path, segment, range) { return }
                path += "-"
            }
            let temporary = "\(path).new"
            try write(segment, range, to: temporary)
            try disk.rename(temporary, to: path)
            try disk.syncDirectory(directory.quarantine)
        } catch {
            throw StoreError(error)
        }
    }

    private static let step = 1 << 20

    private func write(
        _ segment: Segment, _ range: Range<Int>, to path: String
    ) throws(DiskError) {
        let file = try disk.open(path, .createEmpty)
        defer { file.close() }
        var done = range.lowerBound
        while done < range.upperBound {
            let next = min(range.upperBound, done + Self.step)
            try file.write(segment.bytes.bytes(in: done..<next), at: done - range.lowerBound)
            done = next
        }
        try file.sync()
    }

    /// Whether a copy that is there holds the same bytes.
    private func holds(
        _ path: String, _ segment: Segment, _ range: Range<Int>
    ) throws(DiskError) -> Bool {
        let file = try disk.open(path, .readOnly)
        defer { file.close() }
        guard try file.byteCount() == range.count else { return false }
        var buffer = [UInt8](repeating: 0, count: min(Self.step, range.count))
        var done = range.lowerBound
        while done < range.upperBound {
            let next = min(range.upperBound, done + Self.step)
            var bytes = buffer.mutableRawSpan
            guard try file.read(into: &bytes, at: done - range.lowerBound) >= next - done,
                buffer.rawSpan.extracting(0..<next - done).isEqual(
                    to: segment.bytes.bytes(in: done..<next))
            else { return false }
            done = next
        }
        return true
    }

    /// The stretch of a segment from `position` on that holds anything but zeros; nil for none.
    static func remains(_ segment: Segment, from position: Int) throws(StoreError) -> Range<Int>? {
        var first: Int?
        var last = position
        do throws(DiskError) {
            var offset = position
            while let data = try segment.file.nextData(from: offset) {
                offset = data.upperBound
                let range =
                    max(data.lowerBound, position)..<min(data.upperBound, segment.bytes.count)
                var block = range.lowerBound
                while block < range.upperBound {
                    let next = min(range.upperBound, (block | 4095) + 1)
                    if !segment.bytes.bytes(in: block..<next).isZero {
                        first = first ?? block
                        last = next
                    }
                    block = next
                }
            }
        } catch {
            throw StoreError(error)
        }
        return first.map { $0..<last }
    }
}
