// Whether a commit waits a moment for those whom the last one acknowledged.
//
// Who was acknowledged often appends again at once. A commit that begins before they are back takes
// few with it and makes the others wait for it and the next one: they fall into two groups that
// take turns. A sync costs much however little it brings, so one for all of them, a moment later,
// is sooner done than two. It waits no longer than half of what a short sync takes, not at all
// where nobody was acknowledged just now, and ever less often where they do not come back in time.
// Nor does it wait for many: appending half of them while the other half is synced is worth more.

/// What the next commit is to know of the last one.
struct Gathering {
    /// Appends that had come for a sync when the last commit began.
    private var begun = 0
    /// How many of those that had come it covered first.
    private var covered = 0
    /// How many waited for the next one when it ended.
    private var waiting = 0
    /// How many will have come when all that it covered are back.
    private var expected = 0
    /// When it ended, in nanoseconds of the log's clock.
    private var ended: Int64 = 0
    /// Nanoseconds of a short sync: the shortest one of late.
    private var short: Int64 = 0
    /// Commits that are not to wait, since those who were expected did not come.
    private var skipped = 0
    /// How many more they become when it happens again.
    private var penalty = Self.leastPenalty

    private static let leastPenalty = 4
    private static let mostPenalty = 1024
    /// As many as a commit may wait to have together.
    private static let mostTogether = 64
    /// After so many syncs that all take longer, the shortest one counts for twice as much.
    private static let memory: Int64 = 64

    /// Whether the next commit may wait for some. Completions are called before it begins then:
    /// their callers are whom it would wait for.
    var isHopeful: Bool { isWorthIt && skipped == 0 }

    private var isWorthIt: Bool { covered > 1 && covered + waiting <= Self.mostTogether }

    /// How many appends are to have come before a commit begins, and how many nanoseconds it waits
    /// for them at most; nil when it begins now.
    mutating func wish(arrivals: Int, now: Int64) -> (arrivals: Int, nanoseconds: Int64)? {
        guard isWorthIt else { return nil }
        if skipped > 0 {
            skipped -= 1
            return nil
        }
        let left = ended &+ short / 2 &- now
        if left > 0, arrivals < expected { return (expected, left) }
        // In time, or not: completions that take long to call keep the device waiting too.
        note(came: left > 0)
        return nil
    }

    /// Notes whether those who were waited for came in time. Half of the time is too seldom.
    mutating func note(came: Bool) {
        if came {
            penalty = max(Self.leastPenalty, penalty - Self.leastPenalty)
        } else {
            skipped = penalty
            penalty = min(2 * penalty, Self.mostPenalty)
        }
    }

    /// Notes a commit: appends that had come when it began and when it ended, and its times.
    mutating func note(began: (arrivals: Int, at: Int64), ended: (arrivals: Int, at: Int64)) {
        covered = began.arrivals - begun
        begun = began.arrivals
        waiting = ended.arrivals - began.arrivals
        expected = ended.arrivals + covered
        self.ended = ended.at
        let took = max(0, ended.at &- began.at)
        short = short == 0 ? took : min(took, short + max(1, short / Self.memory))
    }
}
