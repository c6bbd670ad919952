// The stretch of the log that holds records with keys which the indexer has not read.
//
// Appenders widen it in their turn to publish, so it grows in order; the indexer takes it whole. It
// may span records without keys, which the indexer passes over.

import ApusSystem

/// What the indexer has to read.
final class KeyedRange: @unchecked Sendable {
    // Sendable: `start` and `end` are touched under `lock` only.
    private let lock = SpinLock()
    private var start: Int64 = -1
    private var end: Int64 = 0
    /// Rung when the range was empty before.
    let signal = Signal()

    /// Adds a published record.
    @inline(__always)
    func note(_ record: Range<Int64>) {
        lock.lock()
        let wasEmpty = start < 0
        if wasEmpty { start = record.lowerBound }
        end = record.upperBound
        lock.unlock()
        if wasEmpty { signal.ring() }
    }

    /// The range, which is empty afterwards; nil when it was.
    func take() -> Range<Int64>? {
        lock.withLock {
            guard start >= 0 else { return nil }
            defer { start = -1 }
            return start..<end
        }
    }

    /// Puts back what could not be read now.
    func putBack(_ range: Range<Int64>) {
        lock.withLock {
            end = start < 0 ? range.upperBound : end
            start = range.lowerBound
        }
    }

    /// What was not taken.
    var range: Range<Int64>? { lock.withLock { start < 0 ? nil : start..<end } }

    /// Where the oldest record begins that was not taken; nil when there is none.
    var first: Int64? { lock.withLock { start < 0 ? nil : start } }
}
