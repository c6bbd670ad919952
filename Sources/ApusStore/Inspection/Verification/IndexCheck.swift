// Holds the index and the log against each other while the log is scanned.
//
// Entries were written in the order of the log, so one cursor over all IndexFiles moves along with
// the scan: the entries of a record are compared with its keys as it comes by. Entries out of order
// (a recovery may index records twice) and keys without an entry are then looked up one by one, in
// the log and through the chains. Memory: the cursor, and the slots of one file while its chains
// are checked; nothing grows with the messages.

import ApusFormat
import ApusSystem

/// The check of all IndexFiles.
final class IndexCheck {
    let context: VerificationContext
    /// The files with their shapes, and what a pass over each found.
    var sound: [(file: FoundFile, reader: IndexReader, check: IndexFileCheck)] = []
    var cursor: IndexCursor
    private var matched: [Int32] = []

    /// Physical offsets of the first and the last entry of all.
    var firstIndexed: Int64?
    var lastIndexed: Int64?

    // Records with keys, by what the index has of them.
    var keyedRecords: Int64 = 0
    var before: Tally = Tally()
    var behind: Tally = Tally()
    var between: Tally = Tally()
    var within: Tally = Tally()

    // Entries, by what is wrong with them.
    var wrongHash = Tally()
    var wrongTime = Tally()
    var noRecord = Tally()
    var beyondLog = Tally()
    /// Wrong entries of a store that was killed, which the next open puts again.
    var rebuilt = Tally()

    /// How many, and where first.
    struct Tally {
        private(set) var count: Int64 = 0
        private(set) var first: Int64 = 0
        private(set) var file = ""
        private(set) var number: Int32 = 0

        mutating func add(_ physicalOffset: Int64, file: String = "", number: Int32 = 0) {
            if count == 0 {
                first = physicalOffset
                self.file = file
                self.number = number
            }
            count += 1
        }
    }

    init(_ context: VerificationContext) {
        self.context = context
        cursor = IndexCursor(context.disk, [])
    }

    /// Checks each file against itself, before the scan.
    func begin(progress: (Int64) -> Void) {
        var done: Int64 = 0
        for file in context.files.index {
            if let found = IndexFileReport(context, file).check(progress: { progress(done + $0) }) {
                sound.append((file, found.reader, found.check))
                context.totals.indexEntries += found.check.entryCount
                firstIndexed = firstIndexed ?? found.check.firstOffset
                lastIndexed = found.check.lastOffset ?? lastIndexed
            }
            done += Int64(file.byteCount)
        }
        context.totals.indexFiles = context.files.index.count
        cursor = IndexCursor(
            context.disk, sound.map { ($0.file, $0.reader.shape, $0.check.end) })
    }

    /// Compares a record with its entries. `hashes` are those of its keys.
    func visit(_ record: borrowing LogRecord, hashes: [Int32]) {
        let place = record.physicalOffset
        matched.removeAll(keepingCapacity: true)
        while let next = cursor.peek() {
            if next.entry.physicalOffset == place {
                _ = cursor.next()
                compare(next, hashes, storeTimestamp: record.storeTimestamp)
                matched.append(next.entry.hash)
            } else if next.entry.physicalOffset < place || isOutlier(next, at: place) {
                _ = cursor.next()
                examine(next)
            } else {
                break
            }
        }
        if hashes.isEmpty { return }
        keyedRecords += 1
        for hash in hashes where !matched.contains(hash) {
            missing(hash, of: place)
            break
        }
    }

    /// Whether an entry ahead of the scan is out of order: the one behind it is not so far ahead.
    private func isOutlier(_ place: IndexPlace, at physicalOffset: Int64) -> Bool {
        guard let following = cursor.peek(1) else { return false }
        return following.entry.physicalOffset < place.entry.physicalOffset
            && following.entry.physicalOffset >= physicalOffset
    }

    private func compare(_ place: IndexPlace, _ hashes: [Int32], storeTimestamp: Int64) {
        guard hashes.contains(place.entry.hash) else {
            return note(place, in: &wrongHash)
        }
        // The first entry of a file counts from the file before.
        guard place.number > 1 else { return }
        let begin = sound[place.fileIndex].reader.header.beginTimestamp
        let seconds = begin > 0 ? (storeTimestamp &- begin) / 1000 : 0
        if Int64(place.entry.seconds) != max(0, min(seconds, Int64(Int32.max))) {
            note(place, in: &wrongTime)
        }
    }

    /// Counts a wrong entry, by where it stands: what it says may be anything.
    private func note(_ place: IndexPlace, in tally: inout Tally) {
        let file = sound[place.fileIndex].file
        let isRebuilt: Bool
        if context.isClean {
            isRebuilt = false
        } else if let mark = context.files.mark {
            isRebuilt =
                file.first > mark.indexFileName
                || file.first == mark.indexFileName && place.number >= mark.indexEntryCount
        } else {
            isRebuilt = context.isIndexRebuilt(file)
        }
        let offset = place.entry.physicalOffset
        if isRebuilt {
            rebuilt.add(offset, file: context.relative(file.path), number: place.number)
        } else {
            tally.add(offset, file: context.relative(file.path), number: place.number)
        }
    }

    /// Finds out what an entry points to that is not in step with the scan.
    private func examine(_ place: IndexPlace) {
        let offset = place.entry.physicalOffset
        if offset >= 0, offset < context.logStart { return }
        if let stretch = context.stretch(holding: offset), context.isKept(stretch) { return }
        if offset >= context.logEnd || offset >= context.files.segments.last?.end ?? 0 {
            return note(place, in: &beyondLog)
        }
        var hashes: [Int32] = []
        var storeTimestamp: Int64 = 0
        let outcome = context.lookup.lookUp(offset) { record in
            RecordTraits(record).keyHashes(of: record, into: &hashes)
            storeTimestamp = record.storeTimestamp
        }
        if outcome == .record {
            compare(place, hashes, storeTimestamp: storeTimestamp)
        } else if outcome != .beforeLog || offset < 0 {
            note(place, in: &noRecord)
        }
    }

    /// A key that the cursor did not find: is it in reach of a query?
    private func missing(_ hash: Int32, of physicalOffset: Int64) {
        guard let first = firstIndexed, let last = lastIndexed else {
            return before.add(physicalOffset)
        }
        var isCovered = false
        for (_, reader, check) in sound {
            guard let low = check.firstOffset, let high = check.lastOffset,
                physicalOffset >= low, physicalOffset <= high
            else { continue }
            isCovered = true
            var isFound = false
            do throws(DiskError) {
                try reader.follow(hash) { offset in
                    isFound = offset == physicalOffset
                    return !isFound
                }
            } catch {
                continue
            }
            if isFound { return }
        }
        if isCovered {
            within.add(physicalOffset)
        } else if physicalOffset > last {
            behind.add(physicalOffset)
        } else if physicalOffset < first {
            before.add(physicalOffset)
        } else {
            between.add(physicalOffset)
        }
    }

    /// The entries that the scan did not reach. The end of the log is known.
    func finish() {
        while let place = cursor.next() { examine(place) }
        if let failure = cursor.failure {
            context.noteUnreadable(failure, consumers: "Queries by key miss messages.")
        }
    }
}
