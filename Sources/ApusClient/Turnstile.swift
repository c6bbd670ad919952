// One at a time, in turn.

/// Lets one task at a time do something that suspends.
struct Turnstile: Sendable {
    private let flights = SingleFlight<Bool>()

    /// Does `body` when nobody else does; nil when the task is cancelled before.
    func pass<Result>(_ body: () async -> Result) async -> Result? {
        while !(await flights.begin(true)) {
            if Task.isCancelled { return nil }
        }
        defer { flights.end(true) }
        return await body()
    }
}
