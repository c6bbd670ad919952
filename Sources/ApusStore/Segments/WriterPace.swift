// How fast the log grows, for what has to be done before it is needed.

/// The writer's pace, seen whenever it can be.
struct WriterPace {
    /// The time that the pace is asked for, in nanoseconds.
    private let span: Int64
    /// Nanoseconds in which a pace can be seen.
    private let leastInterval: Int64
    private var last: (end: Int64, time: Int64)?

    init(span: Int64, leastInterval: Int64) {
        self.span = span
        self.leastInterval = leastInterval
    }

    /// The writer is at physical offset `end`. Answers what it writes in the span at its pace since
    /// the last time, in bytes; nil where that cannot be seen: too soon, or no further than it was,
    /// as one of several that comes late.
    mutating func follow(_ end: Int64, at time: Int64) -> Double? {
        guard let last else {
            last = (end, time)
            return nil
        }
        let (passed, written) = (time - last.time, end - last.end)
        guard passed >= leastInterval, written > 0 else { return nil }
        self.last = (end, time)
        return Double(written) * Double(span) / Double(passed)
    }
}
