// When something must be done, by a clock that does not step.

/// A moment until which an operation may take.
struct Deadline: Sendable, Comparable {
    let moment: ContinuousClock.Instant

    init(after time: Duration) { moment = ContinuousClock.now.advanced(by: time) }
    init(_ moment: ContinuousClock.Instant) { self.moment = moment }

    var remaining: Duration { ContinuousClock.now.duration(to: moment) }
    var isOver: Bool { remaining <= .zero }

    /// The earlier of this and so long from now.
    func atMost(_ time: Duration) -> Deadline { min(self, Deadline(after: time)) }

    static func < (one: Deadline, other: Deadline) -> Bool { one.moment < other.moment }
}

extension Duration {
    /// Whole milliseconds, rounded down, not below zero.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, isTooLong) = seconds.multipliedReportingOverflow(by: 1000)
        if isTooLong { return seconds < 0 ? 0 : .max }
        return max(0, product.addingReportingOverflow(attoseconds / 1_000_000_000_000_000).0)
    }
}
