// The stretch of the log that holds records with keys which the indexer has not read.
//
// Appenders widen it in their turn to publish, so it grows in order; the indexer takes it whole. It
// may span records without keys, which the indexer passes over.

import ApusSystem

/// What the indexer has to read.
final class KeyedRange: Sendable {
    private let noted = SpinLocked<(start: Int64, end: Int64)>((-1, 0))
    /// Rung when the range was empty before.
    let signal = Signal()

    /// Adds a published record.
    @inline(__always)
    func note(_ record: Range<Int64>) {
        let wasEmpty = noted.withLock { noted in
            let wasEmpty = noted.start < 0
            if wasEmpty { noted.start = record.lowerBound }
            noted.end = record.upperBound
            return wasEmpty
        }
        if wasEmpty { signal.ring() }
    }

    /// The range, which is empty afterwards; nil when it was.
    func take() -> Range<Int64>? {
        noted.withLock { noted in
            guard noted.start >= 0 else { return nil }
            defer { noted.start = -1 }
            return noted.start..<noted.end
        }
    }

    /// Puts back what could not be read now.
    func putBack(_ range: Range<Int64>) {
        noted.withLock { noted in
            if noted.start < 0 { noted.end = range.upperBound }
            noted.start = range.lowerBound
        }
    }

    /// What was not taken.
    var range: Range<Int64>? { noted.withLock { $0.start < 0 ? nil : $0.start..<$0.end } }

    /// Where the oldest record begins that was not taken; nil when there is none.
    var first: Int64? { noted.withLock { $0.start < 0 ? nil : $0.start } }
}
