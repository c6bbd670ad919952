// Checks one IndexFile against itself: every chain, every slot and the counts of the header.
//
// One pass over the entries, in their order, builds the slots again: the entry before of each must
// be what its slot held until then. When all agree, no chain has a loop or leaves the file, and
// each entry is reached. Memory: four bytes a slot, 20 MB with RocketMQ's default of 5,000,000.

import ApusFormat
import ApusSystem

/// What a pass over an IndexFile found.
struct IndexFileCheck {
    /// More slots than this are not built up in memory.
    static let slotLimit: Int32 = 250_000_000

    /// How often something was wrong, and where first.
    struct Fault {
        private(set) var count: Int64 = 0
        private(set) var number: Int32 = 0
        private(set) var found: Int32 = 0
        private(set) var expected: Int32 = 0

        mutating func add(_ number: Int32, found: Int32, expected: Int32) {
            if count == 0 {
                self.number = number
                self.found = found
                self.expected = expected
            }
            count += 1
        }
    }

    /// The number behind the last entry that stands in the file, counted by the header or not.
    private(set) var end: Int32
    private(set) var chains = Fault()
    private(set) var slots = Fault()
    private(set) var hashes = Fault()
    private(set) var slotsInUse: Int32 = 0
    private(set) var firstOffset: Int64?
    private(set) var lastOffset: Int64?

    /// Goes through the file. `progress` is told the entries passed.
    init(_ reader: IndexReader, progress: (Int32) -> Void) throws(DiskError) {
        end = reader.countedEnd
        let shape = reader.shape
        guard shape.slotCount <= Self.slotLimit else { return }
        var heads = [Int32](repeating: 0, count: Int(shape.slotCount))
        var number: Int32 = 1
        while let entry = try reader.entry(number) {
            if number & 0xFFFF == 0 { progress(number) }
            let isCounted = number < reader.countedEnd
            let slot = entry.hash >= 0 ? Int(entry.hash % shape.slotCount) : -1
            let previous = slot >= 0 ? heads[slot] : 0
            if !isCounted {
                // The header lags behind after a kill. What stands there counts while it fits.
                let isEmpty = entry.hash == 0 && entry.physicalOffset == 0 && entry.seconds == 0
                if isEmpty || slot < 0 || entry.previous != previous { break }
            } else if slot < 0 {
                hashes.add(number, found: entry.hash, expected: 0)
            } else if entry.previous != previous {
                chains.add(number, found: entry.previous, expected: previous)
            }
            if slot >= 0 {
                if heads[slot] == 0 { slotsInUse += 1 }
                heads[slot] = number
            }
            if firstOffset == nil { firstOffset = entry.physicalOffset }
            lastOffset = entry.physicalOffset
            number += 1
        }
        end = max(end, number)
        for slot in 0..<shape.slotCount {
            let found = try reader.slot(slot) ?? 0
            let expected = heads[Int(slot)]
            if found != expected { slots.add(slot, found: found, expected: expected) }
        }
    }

    /// Entries in the file.
    var entryCount: Int64 { Int64(end) - 1 }
}
