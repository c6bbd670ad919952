// How fast the log grows, for what has to be done long before it is needed.
//
// Over a quarter of a second and more: a burst in memory says nothing of the next seconds.

/// The writer's pace, as it was the last time that it could be seen.
struct WriterPace {
    /// How far ahead to look, in nanoseconds. A device that has much to write may take most of a
    /// second to make a file.
    private static let span: Int64 = 2_000_000_000
    /// Nanoseconds in which a pace can be seen.
    private static let leastInterval: Int64 = 250_000_000

    /// Bytes that the writer is through with in the time to look ahead.
    private(set) var reach: Int64 = 0
    private var last: (end: Int64, time: Int64)?

    /// The writer is at physical offset `end`.
    mutating func follow(_ end: Int64, at time: Int64) {
        guard let last else {
            last = (end, time)
            return
        }
        let passed = time - last.time
        guard passed >= Self.leastInterval else { return }
        reach = Int64(Double(max(0, end - last.end)) * Double(Self.span) / Double(passed))
        self.last = (end, time)
    }
}
