// One line of the ledger: what a writer was about to do, or what it was told.
//
// 64 bytes, eight little-endian words, written with one `write` so that a kill leaves all of it or
// nothing. The runner reads the words from a pipe and keeps them; the checker holds a store against
// them.
//
//     0  kind (low byte), checksum of the body (high half)
//     1  sequence          number of the message; of the run for events without one
//     2  queue offset
//     3  physical offset   -1: not known; for `settled` the end of the log
//     4  stamp             events that a block recorder had seen by then
//     5  extra             digest for `settled`, error number for `failed`
//     6  seed of the directory
//     7  exclusive or of the others

/// An entry of the ledger.
struct LedgerRecord {
    enum Kind: UInt64 {
        /// Written before the append is called.
        case submitted = 1
        /// Written after the append returned, or after a reader was given the message.
        case acknowledged = 2
        case flushBegan = 3
        case flushed = 4
        /// A sync failed: nothing that is submitted from here on may be acknowledged.
        case poisoned = 5
        /// An append or a flush was refused for another reason.
        case refused = 6
        /// What the store held when it had recovered: from here on that stays.
        case settled = 7
        case closed = 8
    }

    static let wordCount = 8
    static let byteCount = 64

    var kind: Kind
    var bodyChecksum: UInt32 = 0
    var sequence: UInt64 = 0
    var queueOffset: Int64 = -1
    var physicalOffset: Int64 = -1
    var stamp: UInt64 = 0
    var extra: UInt64 = 0
    var seed: UInt64 = 0

    init(_ kind: Kind, sequence: UInt64 = 0) {
        self.kind = kind
        self.sequence = sequence
    }

    /// Adds the words to `words`.
    func append(to words: inout [UInt64]) {
        let own = [
            kind.rawValue | UInt64(bodyChecksum) << 32, sequence,
            UInt64(bitPattern: queueOffset), UInt64(bitPattern: physicalOffset), stamp, extra, seed,
        ]
        words.append(contentsOf: own)
        words.append(own.reduce(0, ^))
    }

    /// Reads the record at word `start`; nil when it is not whole.
    init?(_ words: [UInt64], at start: Int) {
        guard start + Self.wordCount <= words.count,
            words[start..<start + Self.wordCount].reduce(0, ^) == 0,
            let kind = Kind(rawValue: words[start] & 0xFF)
        else { return nil }
        self.kind = kind
        bodyChecksum = UInt32(truncatingIfNeeded: words[start] >> 32)
        sequence = words[start + 1]
        queueOffset = Int64(bitPattern: words[start + 2])
        physicalOffset = Int64(bitPattern: words[start + 3])
        stamp = words[start + 4]
        extra = words[start + 5]
        seed = words[start + 6]
    }
}
