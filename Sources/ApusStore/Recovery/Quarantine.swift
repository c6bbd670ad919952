// Copies of what recovery takes out of the log. Nothing is removed without one.

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
        let path = "\(directory.quarantine)/\(start)-\(range.count)-\(epoch)"
        do throws(DiskError) {
            try disk.createDirectories(directory.quarantine)
            let file = try disk.open(path, .createEmpty)
            defer { file.close() }
            var done = range.lowerBound
            while done < range.upperBound {
                let next = min(range.upperBound, done + 1 << 20)
                try file.write(segment.bytes.bytes(in: done..<next), at: done - range.lowerBound)
                done = next
            }
            try file.sync()
            try disk.syncDirectory(directory.quarantine)
        } catch {
            throw StoreError(error)
        }
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
