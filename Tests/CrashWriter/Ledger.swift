// The ledger as a whole: what must be in the store, what may be, and what must not come back.

import Glibc

/// What all records up to the present crash say together.
struct Ledger {
    /// What was promised about a message.
    struct Promise {
        let sequence: UInt64
        /// -1 where the acknowledgement did not say.
        var queueOffset: Int64
        var physicalOffset: Int64
        var bodyChecksum: UInt32
        /// Whether the crash must have spared it.
        var isDue: Bool
        /// Where the record stands in the ledger.
        var place: Int
    }

    /// What the store held after an earlier recovery.
    struct Settled {
        var end: Int64 = 0
        var count: UInt64 = 0
        var digest: UInt64 = 0
    }

    /// Submitted since the last recovery that was checked.
    private(set) var submitted: Set<UInt64> = []
    /// Acknowledged since then.
    private(set) var promises: [UInt64: Promise] = [:]
    private(set) var settled = Settled()
    /// Words about what the ledger itself shows, without the store.
    private(set) var violations: [String] = []
    private(set) var acknowledgedCount = 0
    private(set) var dueCount = 0

    private let plan: Plan
    /// Submitted after a sync had failed: never to be acknowledged.
    private var refused: Set<UInt64> = []
    private var poisonedAt: Int?
    private var flushBegan: Int?

    init(_ plan: Plan) throws(Unusable) {
        self.plan = plan
        let words = try Self.words(of: plan.ledger)
        var records: [LedgerRecord] = []
        for start in stride(from: 0, to: words.count, by: LedgerRecord.wordCount) {
            guard let record = LedgerRecord(words, at: start) else {
                throw Unusable("\(plan.ledger) is not a ledger from word \(start) on")
            }
            guard record.seed == plan.seed else {
                throw Unusable("the ledger belongs to the seed \(record.seed)")
            }
            records.append(record)
        }
        let first = records.lastIndex { $0.kind == .settled } ?? 0
        // What comes behind the cut has not happened. Earlier runs had counters of their own.
        for place in first..<max(first, records.count)
        where records[place].kind == .settled || records[place].stamp <= plan.cut {
            take(records[place], at: place)
        }
        acknowledgedCount = promises.count
        dueCount = promises.values.reduce(0) { $0 + ($1.isDue ? 1 : 0) }
    }

    private mutating func take(_ record: LedgerRecord, at place: Int) {
        switch record.kind {
        case .submitted:
            submitted.insert(record.sequence)
            // In ASYNC_FLUSH mode only the store itself can know of a device that is gone.
            let isGone = plan.isShutdown && plan.isSync && record.stamp >= 2
            if poisonedAt != nil || isGone { refused.insert(record.sequence) }
        case .acknowledged: acknowledge(record, at: place)
        case .flushBegan: flushBegan = place
        case .flushed:
            guard let began = flushBegan else { return }
            for (sequence, promise) in promises where promise.place < began && !promise.isDue {
                promises[sequence]?.isDue = true
            }
        case .poisoned: poisonedAt = poisonedAt ?? place
        case .refused: break
        case .settled:
            settled = Settled(
                end: record.physicalOffset, count: record.sequence, digest: record.extra)
            submitted = []
            promises = [:]
            refused = []
            poisonedAt = nil
            flushBegan = nil
        case .closed: break
        }
    }

    private mutating func acknowledge(_ record: LedgerRecord, at place: Int) {
        if refused.contains(record.sequence) {
            violations.append(
                "F1: message \(record.sequence) was acknowledged, though it was submitted when the "
                    + "device had failed")
        }
        // A reader sees messages of earlier runs too; the digest covers them.
        guard submitted.contains(record.sequence) else {
            if record.physicalOffset >= settled.end || record.physicalOffset < 0 {
                violations.append("I3: message \(record.sequence) was read but never submitted")
            }
            return
        }
        var promise = Promise(
            sequence: record.sequence, queueOffset: record.queueOffset,
            physicalOffset: record.physicalOffset, bodyChecksum: record.bodyChecksum,
            isDue: plan.isSync || plan.keepsPageCache, place: place)
        if let earlier = promises[record.sequence] {
            if !Self.agree(earlier.queueOffset, promise.queueOffset)
                || !Self.agree(earlier.physicalOffset, promise.physicalOffset)
            {
                violations.append(
                    "I4: message \(record.sequence) was acknowledged at two places")
            }
            promise.isDue = earlier.isDue
            promise.place = earlier.place
            promise.queueOffset = max(promise.queueOffset, earlier.queueOffset)
            promise.physicalOffset = max(promise.physicalOffset, earlier.physicalOffset)
        }
        promises[record.sequence] = promise
    }

    /// Whether two offsets say the same; -1 says nothing.
    static func agree(_ one: Int64, _ other: Int64) -> Bool {
        one == other || one < 0 || other < 0
    }

    private static func words(of path: String) throws(Unusable) -> [UInt64] {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw Unusable("cannot open \(path)") }
        defer { close(descriptor) }
        let byteCount = Int(lseek(descriptor, 0, SEEK_END))
        guard byteCount >= 0, byteCount % LedgerRecord.byteCount == 0 else {
            throw Unusable("\(path) ends within a record")
        }
        var words = [UInt64](repeating: 0, count: byteCount / 8)
        let isWhole = words.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return true }
            var done = 0
            while done < byteCount {
                let got = pread(descriptor, start + done, byteCount - done, off_t(done))
                if got <= 0 { return false }
                done += got
            }
            return true
        }
        guard isWhole else { throw Unusable("cannot read \(path)") }
        return words
    }
}
