// Which brokers to leave alone for a while: those that failed or were slow, the longer the slower.

/// What is known of a broker from how long its answers took.
struct BrokerHealth: Sendable, Equatable {
    /// By a clock that does not step: until then others are preferred.
    private(set) var avoidedUntil: ContinuousClock.Instant?

    /// From this time on a broker is avoided so long: RocketMQ's table.
    static let table: [(slowness: Duration, rest: Duration)] = [
        (.milliseconds(15_000), .seconds(30)), (.milliseconds(5_000), .seconds(10)),
        (.milliseconds(3_000), .seconds(6)), (.milliseconds(1_800), .seconds(5)),
        (.milliseconds(550), .seconds(2)),
    ]

    /// What takes less is no reason to avoid a broker.
    static let quick = Duration.milliseconds(550)

    func isAvoided(at now: ContinuousClock.Instant) -> Bool {
        avoidedUntil.map { now < $0 } ?? false
    }

    /// An answer came after so long.
    mutating func answered(after time: Duration, at now: ContinuousClock.Instant) {
        avoidedUntil = Self.table.first { time >= $0.slowness }.map { now.advanced(by: $0.rest) }
    }

    /// No answer came, or a refusal that says that the broker cannot do its work.
    mutating func failed(at now: ContinuousClock.Instant) {
        avoidedUntil = now.advanced(by: .seconds(10))
    }
}
