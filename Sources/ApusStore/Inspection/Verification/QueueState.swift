// What a verification knows of one queue while it walks the log.
//
// Memory: a few hundred bytes a queue, and some for each gap and each run of wrong entries, of
// which no more than a bound are kept. It does not grow with the messages.

import ApusFormat

/// One queue under verification.
final class QueueState {
    let topic: String
    let queueID: Int32
    let units: UnitFiles?
    let isBatch: Bool

    /// The queue offset that the next record should have; nil before the first.
    var next: Int64?
    var firstOffset: Int64?
    /// Queue offsets of the records met, ascending and apart but after a restart.
    private(set) var covered: [Range<Int64>] = []
    var records: Int64 = 0
    var lastPhysical: Int64 = -1
    var firstPhysical: Int64 = -1
    var faults: [EntryFault] = []
    var omittedFaults: Int64 = 0
    var gaps: [QueueGap] = []
    /// Unit of a BatchConsumeQueue that is compared next.
    var cursor: Int64?
    var hasFailed = false
    /// Whether a record of the queue is an inner batch.
    var sawInnerBatch = false
    /// Where what the queue should hold is wanted.
    var output: (any QueueOutput)?

    init(topic: String, queueID: Int32, units: UnitFiles?, isBatch: Bool) {
        self.topic = topic
        self.queueID = queueID
        self.units = units
        self.isBatch = isBatch
    }

    var name: String { "\(topic)/\(queueID)" }
    var queueName: QueueName { QueueName(topic: topic, id: queueID) }

    /// Where unit `number` stands.
    func place(of number: Int64, physicalOffset: Int64? = nil) -> Finding.Place {
        Finding.Place(
            physicalOffset: physicalOffset, topic: topic, queueID: queueID, queueOffset: number)
    }

    /// Most intervals that are kept; beyond, the last one is stretched.
    private static let coveredLimit = 10_000

    /// Notes that a record has these queue offsets.
    func cover(_ offset: Int64, count: Int64) {
        let end = offset &+ max(1, count)
        guard end > offset else { return }
        if let last = covered.last,
            last.upperBound == offset
                || (covered.count >= Self.coveredLimit && offset >= last.lowerBound)
        {
            covered[covered.count - 1] = last.lowerBound..<max(last.upperBound, end)
        } else {
            covered.append(offset..<end)
        }
    }

    /// Whether a record with this queue offset was met.
    func sortCovered() {
        covered.sort { $0.lowerBound < $1.lowerBound }
        var joined: [Range<Int64>] = []
        for range in covered {
            if let last = joined.last, range.lowerBound <= last.upperBound {
                joined[joined.count - 1] =
                    last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                joined.append(range)
            }
        }
        covered = joined
    }

    /// Notes a wrong entry. Neighbours with the same fault make one run.
    func add(_ fault: EntryFault) {
        if let last = faults.last, last.kind == fault.kind, last.end == fault.first {
            faults[faults.count - 1].end = fault.end
            faults[faults.count - 1].lastPhysical = fault.lastPhysical
            faults[faults.count - 1].leastFound = min(last.leastFound, fault.leastFound)
        } else if faults.count < 100 {
            faults.append(fault)
        } else {
            omittedFaults += fault.end - fault.first
        }
    }
}

/// A run of entries that are wrong in the same way.
struct EntryFault {
    enum Kind: Hashable {
        /// Nothing is written where the record's entry should be.
        case missing
        case offset
        case size
        case tags
        case batch
        case extensionAddress
    }

    let kind: Kind
    let first: Int64
    var end: Int64
    let firstPhysical: Int64
    var lastPhysical: Int64
    /// The smallest physical offset that the entries name.
    var leastFound: Int64
    let found: ConsumeQueueUnit
    let expected: ConsumeQueueUnit

    init(
        _ kind: Kind, at number: Int64, found: ConsumeQueueUnit, expected: ConsumeQueueUnit
    ) {
        self.kind = kind
        first = number
        end = number &+ 1
        firstPhysical = expected.physicalOffset
        lastPhysical = expected.physicalOffset
        leastFound = found.physicalOffset
        self.found = found
        self.expected = expected
    }
}

/// Queue offsets that no record has, between two that have.
struct QueueGap {
    let offsets: Range<Int64>
    /// The records before and behind it.
    let physical: Range<Int64>
    /// Entries in the gap that point to where a record was.
    var explained: Int64 = 0
    /// Entries in the gap that stand for no message.
    var filled: Int64 = 0
}
