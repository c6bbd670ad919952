// Walks the CommitLog from front to back, and finds the way again behind damage.
//
// Behind bytes that are no record, the search goes on byte by byte for a whole record whose stored
// physical offset is its place: 64 bits that no other bytes have by chance. It never leaves a file
// for the next one by a record's length, so that damage in one file does not hide the next.

package import ApusFormat
package import ApusSystem

/// What a scan tells of the log, in the order of the log.
package protocol LogVisitor: AnyObject {
    /// A whole record. False stops the scan.
    func visit(_ record: borrowing LogRecord) -> Bool
    /// Bytes without a record, which have a valid one behind them.
    func skip(_ stretch: LogStretch)
    /// Bytes of the files that were looked at so far; now and then, for a display.
    func advance(to byteCount: Int64)
}

extension LogVisitor {
    package func advance(to byteCount: Int64) {}
}

/// A scan of the log. Memory: a window, and the largest record.
package struct LogScan {
    /// Bytes read at a time.
    private static let windowByteCount = 4 << 20

    private let disk: any Disk
    private let segments: [FoundFile]
    private let commitLog: String
    private let usualLength: Int
    private let checks: RecordChecks

    private var pending: [LogStretch] = []
    private var validEnd: Int64?
    private var scannedByteCount: Int64 = 0

    package init(_ disk: any Disk, _ files: StoreFiles, checks: RecordChecks = .all) {
        self.disk = disk
        self.checks = checks
        segments = files.segments
        commitLog = files.directory.commitLog
        usualLength = files.usualSegmentLength
    }

    /// How a file ended.
    private enum FileEnd {
        case closed
        case open
        case stopped
    }

    /// Scans from the first record at or behind `start` to the end of the log.
    package static func run(
        _ disk: any Disk, _ files: StoreFiles, from start: Int64 = .min,
        checks: RecordChecks = .all, visitor: some LogVisitor
    ) -> LogEnd {
        var scan = LogScan(disk, files, checks: checks)
        return scan.run(from: start, visitor)
    }

    private mutating func run(from start: Int64, _ visitor: some LogVisitor) -> LogEnd {
        var place: Int64?
        for (index, file) in segments.enumerated() {
            if index + 1 < segments.count, segments[index + 1].first <= start {
                scannedByteCount += Int64(file.byteCount)
                continue
            }
            if let place, file.first > place {
                pending.append(gap(from: place, to: file.first, behind: segments[index - 1]))
            }
            let end: FileEnd
            do throws(DiskError) {
                end = try scan(file, from: start, visitor)
            } catch {
                // What was read before the error stays: the stretch begins behind it.
                let from = max(file.first, min(validEnd ?? file.first, file.end))
                append(.unreadable(error), in: file, from: Int(from - file.first))
                end = .open
            }
            scannedByteCount += Int64(file.byteCount)
            visitor.advance(to: scannedByteCount)
            if end == .stopped {
                return LogEnd(offset: validEnd ?? file.first, tail: [], isStopped: true)
            }
            place = file.end
        }
        let end = validEnd ?? segments.first?.first ?? 0
        return LogEnd(offset: end, tail: pending, isStopped: false)
    }

    private mutating func scan(
        _ file: FoundFile, from start: Int64, _ visitor: some LogVisitor
    ) throws(DiskError) -> FileEnd {
        let reader = try SegmentReader(disk, file, windowByteCount: Self.windowByteCount)
        var position = try firstPosition(reader, from: start)
        var reported = 0
        while position < reader.byteCount {
            if position - reported >= Self.windowByteCount {
                reported = position
                visitor.advance(to: scannedByteCount + Int64(position))
            }
            var goesOn = true
            let outcome = try reader.inspect(at: position, checks: checks) { record in
                flush(visitor)
                if record.physicalOffset >= start { goesOn = visitor.visit(record) }
            }
            switch outcome {
            case .record(let frame):
                position += frame.totalSize
                extendEnd(to: file.first + Int64(position))
                if !goesOn { return .stopped }
            case .padding:
                flush(visitor)
                extendEnd(to: file.first + Int64(reader.byteCount))
                return .closed
            case .end:
                guard let next = try resume(reader, at: position, after: nil, visitor) else {
                    return .open
                }
                position = next
            case .damaged(let damage):
                guard let next = try resume(reader, at: position, after: damage, visitor) else {
                    return .open
                }
                position = next
            }
        }
        return .closed
    }

    /// `start` when a record is there; else the file's first byte, since only there one begins for
    /// sure.
    private func firstPosition(
        _ reader: SegmentReader, from start: Int64
    ) throws(DiskError) -> Int {
        guard start > reader.file.first, start < reader.file.end else { return 0 }
        let position = Int(start - reader.file.first)
        if case .record = try reader.inspect(at: position, checks: .all) { return position }
        return 0
    }

    /// Looks for the next record behind bytes that are none, and notes the stretch between.
    private mutating func resume(
        _ reader: SegmentReader, at position: Int, after damage: RecordDamage?,
        _ visitor: some LogVisitor
    ) throws(DiskError) -> Int? {
        let before = scannedByteCount
        let found = try reader.nextValid(from: position + 1) {
            visitor.advance(to: before + Int64($0))
        }
        let cause: LogStretch.Cause =
            if let damage { .damaged(damage) } else { found.sawData ? .remains : .zeros }
        append(cause, in: reader.file, from: position, to: found.position)
        return found.position
    }

    private mutating func append(
        _ cause: LogStretch.Cause, in file: FoundFile, from start: Int, to end: Int? = nil
    ) {
        pending.append(
            LogStretch(
                start: file.first + Int64(start),
                end: end.map { file.first + Int64($0) } ?? file.end,
                cause: cause, path: file.path, fileOffset: start))
    }

    /// Bytes between two files.
    private func gap(from start: Int64, to end: Int64, behind file: FoundFile) -> LogStretch {
        let isCut = file.byteCount < usualLength && file.first + Int64(usualLength) >= end
        return LogStretch(
            start: start, end: end, cause: isCut ? .cutShort : .missing,
            path: isCut ? file.path : "\(commitLog)/\(StoreDirectory.fileName(start))",
            fileOffset: isCut ? file.byteCount : 0)
    }

    private mutating func extendEnd(to end: Int64) { validEnd = max(validEnd ?? end, end) }

    /// Something valid stands behind the stretches that were met: they are not the end of the log.
    private mutating func flush(_ visitor: some LogVisitor) {
        guard !pending.isEmpty else { return }
        for stretch in pending { visitor.skip(stretch) }
        pending.removeAll()
    }
}
