// Single records of the CommitLog by their place, out of order.

package import ApusFormat
package import ApusSystem

/// What stands at a place of the log.
package enum LookupOutcome: Hashable, Sendable {
    case record
    /// Before the first file: retention removed it.
    case beforeLog
    /// Behind the last file.
    case behindLog
    /// Between files.
    case missingFile
    /// In a file, but not a whole record that says that this is its place. Nil: zeros or padding.
    case noRecord(RecordDamage?)
    case unreadable(DiskError)
}

/// Reads records by physical offset. Keeps the file that was read last open.
package final class LogLookup {
    private static let windowByteCount = 256 << 10

    private let disk: any Disk
    private let segments: [FoundFile]
    private var reader: SegmentReader?

    package init(_ disk: any Disk, _ files: StoreFiles) {
        self.disk = disk
        segments = files.segments
    }

    /// Lends the record at `physicalOffset` to `body`, if one is there.
    package func lookUp(
        _ physicalOffset: Int64, checks: RecordChecks = .all, _ body: (LogRecord) -> Void = { _ in }
    ) -> LookupOutcome {
        guard let first = segments.first, physicalOffset >= first.first else { return .beforeLog }
        guard let last = segments.last, physicalOffset < last.end else { return .behindLog }
        guard let file = segments.last(where: { $0.first <= physicalOffset }),
            physicalOffset < file.end
        else { return .missingFile }
        do throws(DiskError) {
            let reader = try open(file)
            let position = Int(physicalOffset - file.first)
            switch try reader.inspect(at: position, checks: checks, body) {
            case .record: return .record
            case .padding, .end: return .noRecord(nil)
            case .damaged(let damage): return .noRecord(damage)
            }
        } catch {
            reader = nil
            return .unreadable(error)
        }
    }

    private func open(_ file: FoundFile) throws(DiskError) -> SegmentReader {
        if let reader, reader.file.first == file.first { return reader }
        let opened = try SegmentReader(disk, file, windowByteCount: Self.windowByteCount)
        reader = opened
        return opened
    }
}
