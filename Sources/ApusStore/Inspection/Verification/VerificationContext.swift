// What all checks of a verification share: the files, the findings, and what is known of the log.

import ApusFormat
import ApusSystem

/// What a caller may set.
package struct VerificationOptions: Sendable {
    /// Slots of each IndexFile; nil: read off the lengths, with four entries a slot.
    package var indexSlots: Int32?
    /// Whether a record without a `__CRC32#` property is damaged: in a store where all have one,
    /// it was damaged itself.
    package var requiresRecordChecksum = false
    /// Told the bytes looked at and those to look at, now and then.
    package var progress: (@Sendable (Int64, Int64) -> Void)?

    package init(
        indexSlots: Int32? = nil, progress: (@Sendable (Int64, Int64) -> Void)? = nil
    ) {
        self.indexSlots = indexSlots
        self.progress = progress
    }
}

/// The state that the checks share. Used by one thread.
final class VerificationContext {
    let disk: any Disk
    let files: StoreFiles
    let options: VerificationOptions
    let findings = FindingList()
    let lookup: LogLookup
    var totals = VerificationReport.Totals()
    var refused: [DiskError] = []
    var derived = DerivedFaults()
    /// Who wants to know what queues and index should hold.
    var sink: (any DerivedSink)?

    /// Physical offset of the first byte kept.
    let logStart: Int64
    /// Physical offset behind the last record; the largest number until the scan has ended.
    var logEnd = Int64.max
    /// From this physical offset on the next open makes queues and index again.
    var recoveryStart: Int64 = .max
    /// Whether messages at the end of the log are lost: what else points there follows from that.
    var hasLostEnd = false
    /// The largest store timestamp in the log; 0 without records.
    var newestTimestamp: Int64 = 0
    /// Stretches without records, ascending, with what points into them.
    var stretches: [StretchTally] = []
    /// Stretches that were counted only.
    var omittedStretches: Int64 = 0
    /// Entries of queues that no record accounts for.
    var leftovers: [LeftoverRun] = []
    var omittedLeftovers: Int64 = 0
    /// Messages that queues have behind the end of the log.
    var lostBeyondLog: [LostMessages] = []

    init(_ disk: any Disk, _ files: StoreFiles, _ options: VerificationOptions) {
        self.disk = disk
        self.files = files
        self.options = options
        lookup = LogLookup(disk, files)
        logStart = files.segments.first?.first ?? 0
    }

    /// Whether the store was shut down cleanly.
    var isClean: Bool { !files.hasAbort }

    func relative(_ path: String) -> String { files.relative(path) }

    /// Notes a file that cannot be read: as refused when the system forbids it, else as damage.
    func noteUnreadable(_ error: DiskError, consumers: String) {
        if error.isReadOnly {
            if !refused.contains(error) { refused.append(error) }
            return
        }
        findings.add(
            Finding(
                .damage, .unreadable, at: Finding.Place(path: relative(error.path)),
                "\(relative(error.path)) cannot be read: \(error).", consumers: consumers))
    }

    /// Stretches that are kept.
    private static let stretchLimit = 100_000

    func add(_ stretch: LogStretch, isTail: Bool) {
        if stretches.count < Self.stretchLimit {
            stretches.append(StretchTally(stretch, isTail: isTail))
        } else {
            omittedStretches += 1
        }
    }

    /// Whether the next open of a store that was killed makes this IndexFile again: it holds
    /// messages past what the checkpoint says.
    func isIndexRebuilt(_ file: FoundFile) -> Bool {
        if let mark = files.mark { return file.first >= mark.indexFileName }
        let checkpointed = files.checkpointFields?.indexTimestamp ?? 0
        let window = try? FileWindow(
            disk, path: file.path, windowByteCount: IndexLayout.headerByteCount)
        let end = try? window?.withBytes(at: 0, count: IndexLayout.headerByteCount) { bytes in
            bytes.byteCount == IndexLayout.headerByteCount
                ? IndexHeader(loadingFrom: bytes).endTimestamp : 0
        }
        return ((end ?? nil) ?? 0) > checkpointed
    }

    /// Whether entries that point into a stretch stay: their messages are damaged, and their
    /// numbers must not be given out again. Behind the end of the log they are those of others.
    func isKept(_ tally: StretchTally) -> Bool {
        !tally.isTail || files.mark.map { tally.stretch.start < $0.logDurable } ?? false
    }

    /// The stretch without records that holds a physical offset.
    func stretch(holding physicalOffset: Int64) -> StretchTally? {
        var low = 0
        var high = stretches.count
        while low < high {
            let middle = (low + high) / 2
            if stretches[middle].stretch.start <= physicalOffset {
                low = middle + 1
            } else {
                high = middle
            }
        }
        guard low > 0, physicalOffset < stretches[low - 1].stretch.end else { return nil }
        return stretches[low - 1]
    }
}

/// A stretch without records, and the queue entries that point into it: messages that were there.
final class StretchTally {
    let stretch: LogStretch
    let isTail: Bool
    private(set) var entryCount: Int64 = 0
    private(set) var examples: [String] = []
    private(set) var lost: [LostMessages] = []

    init(_ stretch: LogStretch, isTail: Bool) {
        self.stretch = stretch
        self.isTail = isTail
    }

    func addEntry(topic: String, queueID: Int32, queueOffset: Int64, count: Int64 = 1) {
        entryCount += count
        if examples.count < 3 { examples.append("\(topic)/\(queueID) offset \(queueOffset)") }
        LostMessages.note(
            LostMessages(
                topic: topic, queueID: queueID, offsets: queueOffset..<queueOffset &+ count),
            in: &lost)
    }

    /// `message A/0 offset 3` or `5 messages (A/0 offset 3, …)`.
    var entriesInWords: String {
        if entryCount == 1 { return "1 message (\(examples.joined()))" }
        let more = entryCount > Int64(examples.count) ? ", …" : ""
        return "\(entryCount) messages (\(examples.joined(separator: ", "))\(more))"
    }
}
