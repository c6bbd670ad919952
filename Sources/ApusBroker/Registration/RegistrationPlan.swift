// What one NameServer has to be told next. A value: no time passes in it, nothing is sent.

/// What a NameServer is known to know.
struct RegistrationPlan: Sendable {
    /// What to send.
    enum Step: Hashable, Sendable {
        /// All topics.
        case everything
        /// These topics only: the NameServer knows the others.
        case topics(Set<String>)
        /// The version, to hear whether the NameServer is behind.
        case version
    }

    /// Milliseconds between registrations when nothing changes.
    let period: Int64
    /// Whether each period registers everything, or asks first.
    let isForced: Bool
    private var needsEverything = true
    private var changed: Set<String> = []
    private var failures = 0
    private var due: Int64

    /// Registers everything at once, `now` in milliseconds by a clock that does not step.
    init(period: Int64, isForced: Bool, now: Int64) {
        self.period = period
        self.isForced = isForced
        due = now
    }

    /// Topics have changed.
    mutating func note(_ topics: Set<String>) { changed.formUnion(topics) }

    /// What to send at `now`, or nil when there is time. Its end is `succeeded` or `failed`.
    mutating func next(at now: Int64) -> Step? {
        if failures > 0, now < due { return nil }
        if needsEverything || now >= due && isForced {
            changed = []
            return .everything
        }
        if !changed.isEmpty {
            defer { changed = [] }
            return .topics(changed)
        }
        return now >= due ? .version : nil
    }

    /// Milliseconds from `now` after which to look again.
    func wait(at now: Int64) -> Int64 { max(1, due - now) }

    mutating func succeeded(_ step: Step, isBehind: Bool = false, at now: Int64) {
        failures = 0
        switch step {
        case .everything:
            needsEverything = false
            due = now + period
        case .topics: break
        case .version:
            if isBehind { needsEverything = true }
            due = now + period
        }
    }

    /// The next try comes after one second, then after two, four and so on, up to the period.
    mutating func failed(at now: Int64) {
        failures += 1
        // What was sent may have come or not.
        needsEverything = true
        due = now + min(period, 1_000 << min(failures - 1, 20))
    }

    /// Whether the last try failed.
    var isFailing: Bool { failures > 0 }
}
