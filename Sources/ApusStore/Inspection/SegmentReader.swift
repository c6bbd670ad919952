// Reads one CommitLog file: what stands at a place, and where the next record stands behind damage.
//
// Memory: the window, and for a record that is larger than the window, the record.

package import ApusFormat
package import ApusSystem

/// An open CommitLog file.
package final class SegmentReader {
    package let file: FoundFile
    private let window: FileWindow

    package init(
        _ disk: any Disk, _ file: FoundFile, windowByteCount: Int
    ) throws(DiskError) {
        self.file = file
        window = try FileWindow(disk, path: file.path, windowByteCount: windowByteCount)
    }

    /// Reads a segment of an open store, which the caller holds meanwhile.
    package init(_ segment: Segment, path: String, windowByteCount: Int) {
        let byteCount = segment.bytes.count
        file = FoundFile(
            path: path, first: segment.base, byteCount: byteCount, allocatedByteCount: byteCount)
        window = FileWindow(
            borrowing: segment.file, byteCount: byteCount, windowByteCount: windowByteCount)
    }

    /// Bytes of the file.
    package var byteCount: Int { window.byteCount }
    /// Bytes that were read so far.
    package var readByteCount: Int { window.readByteCount }

    /// Whether the record at a place can be inspected without another read of the file.
    package func holdsRecord(at position: Int) throws(DiskError) -> Bool {
        let head = position..<position + 4
        guard window.holds(head) else { return false }
        let size = try window.withBytes(at: position, count: 4) {
            Int($0.loadBigEndian(Int32.self, at: 0))
        }
        return window.holds(position..<position + max(RecordLayout.minimumSize, size))
    }

    /// What stands at a place of the file. A record is lent to `body` as well.
    package func inspect(
        at position: Int, checks: RecordChecks, _ body: (LogRecord) -> Void = { _ in }
    ) throws(DiskError) -> RecordOutcome {
        let room = byteCount - position
        let physicalOffset = file.first &+ Int64(position)
        guard room >= BlankMarker.byteCount else { return .end }
        // First as much as decides how much to read: a size is believed only when it stands at its
        // place, or nobody asks for the place.
        let head = min(room, RecordLayout.minimumSize)
        let size: Int? = try window.withBytes(at: position, count: head) { bytes in
            let size = Int(RecordLayout.totalSize.load(from: bytes))
            let magic = RecordLayout.magic.load(from: bytes)
            guard magic == RecordVersion.v1.magic || magic == RecordVersion.v2.magic,
                bytes.byteCount >= RecordLayout.minimumSize, size >= RecordLayout.minimumSize,
                size <= room
            else { return nil }
            let stored = RecordLayout.physicalOffset.load(from: bytes)
            return checks.contains(.position) && stored != physicalOffset ? head : size
        }
        guard let size else { return try inspectHead(at: position, count: head) }
        return try window.withBytes(at: position, count: size) { bytes in
            if bytes.byteCount < size { return .damaged(.sizeOutOfBounds(Int32(size))) }
            if size == head {
                let stored = RecordLayout.physicalOffset.load(from: bytes)
                if checks.contains(.position), stored != physicalOffset {
                    return .damaged(.positionMismatch(stored: stored))
                }
            }
            let outcome = RecordInspection.inspect(
                bytes, at: 0, physicalOffset: physicalOffset, checks: checks)
            if case .record(let frame) = outcome {
                body(LogRecord(physicalOffset: physicalOffset, frame: frame, bytes: bytes))
            }
            return outcome
        }
    }

    /// What stands at a place where no record can start: the end, padding or damage.
    private func inspectHead(at position: Int, count: Int) throws(DiskError) -> RecordOutcome {
        let room = byteCount - position
        return try window.withBytes(at: position, count: count) { bytes in
            guard bytes.byteCount >= BlankMarker.byteCount else { return .end }
            let size = RecordLayout.totalSize.load(from: bytes)
            switch RecordLayout.magic.load(from: bytes) {
            case BlankMarker.magicValue:
                return Int(size) == room
                    ? .padding(byteCount: room) : .damaged(.paddingOutOfBounds(size))
            case RecordVersion.v1.magic, RecordVersion.v2.magic:
                return .damaged(.sizeOutOfBounds(size))
            case 0 where size == 0: return .end
            case let magic: return .damaged(.unknownMagic(magic))
            }
        }
    }

    /// Bytes looked at in one step of a search.
    private static let searchStep = 1 << 20

    /// The next place at or behind `position` with a whole record that says that this is its place,
    /// or with the mark that closes the file; and whether anything but zeros stands before it.
    ///
    /// `progress` is told the positions reached.
    package func nextValid(
        from position: Int, progress: (Int) -> Void
    ) throws(DiskError) -> (position: Int?, sawData: Bool) {
        var sawData = false
        var place = position
        while let data = try window.nextData(from: place) {
            // A record's size stands before its magic number and may begin in zeros.
            place = max(place, data - 4)
            progress(place)
            let step = try window.withBytes(at: place, count: Self.searchStep) { bytes in
                Self.candidate(in: bytes)
            }
            sawData = sawData || step.sawData
            guard let candidate = step.position else {
                if place + step.scanned >= byteCount || step.scanned == 0 { break }
                place += step.scanned
                continue
            }
            switch try inspect(at: place + candidate, checks: .all) {
            case .record, .padding: return (place + candidate, sawData)
            case .end, .damaged: place += candidate + 1
            }
        }
        return (nil, sawData)
    }

    /// The first place in `bytes` with the magic number of a record or of a blank marker; else how
    /// many bytes need no second look.
    private static func candidate(
        in bytes: RawSpan
    ) -> (position: Int?, scanned: Int, sawData: Bool) {
        var sawData = false
        var offset = 0
        let last = bytes.byteCount - 8
        while offset <= last {
            let word = bytes.loadBigEndian(UInt64.self, at: offset)
            if word == 0 {
                // None of the magic numbers begins with a zero, so none begins in here.
                offset += 4
                continue
            }
            sawData = true
            switch UInt32(truncatingIfNeeded: word) {
            case RecordVersion.v1.magic, RecordVersion.v2.magic, BlankMarker.magicValue:
                return (offset, offset, sawData)
            default: offset += 1
            }
        }
        while offset < bytes.byteCount, !sawData {
            sawData = bytes.loadBigEndian(UInt8.self, at: offset) != 0
            offset += 1
        }
        return (nil, max(0, last + 1), sawData)
    }
}
