// What time retention takes it to be: a wall clock that leaps ahead must not delete what is young.

/// Watches the wall clock against the one that counts what has passed. A leap ahead counts once it
/// has lasted for `patienceMilliseconds`; anything else at once.
struct RetentionClock {
    /// A wall clock that is put right by less than this between two looks has not leapt.
    static let leapMilliseconds: Int64 = 60_000
    static let patienceMilliseconds: Int64 = 3_600_000

    /// What a look at the clocks says.
    struct Look: Hashable {
        /// Milliseconds since 1970, for retention.
        var now: Int64
        /// How far the clock leapt ahead, set when that is seen first.
        var leap: Int64?
    }

    /// The wall clock less what has passed, as far as it is believed; nil before the first look.
    private var believed: Int64?
    /// A leap that is not believed yet: where it led, and when it was seen, by the clock that
    /// counts.
    private var leap: (offset: Int64, since: Int64)?

    /// `wall` and `passed` are milliseconds by the two clocks.
    mutating func look(wall: Int64, passed: Int64) -> Look {
        let offset = wall &- passed
        guard let old = believed, offset &- old > Self.leapMilliseconds else {
            return believe(offset, wall)
        }
        // A leap from a leap is one of its own, and has to last as long.
        guard let waiting = leap, offset &- waiting.offset <= Self.leapMilliseconds else {
            leap = (offset, passed)
            return Look(now: passed &+ old, leap: offset &- old)
        }
        if passed &- waiting.since >= Self.patienceMilliseconds { return believe(offset, wall) }
        leap = (min(offset, waiting.offset), waiting.since)
        return Look(now: passed &+ old)
    }

    private mutating func believe(_ offset: Int64, _ wall: Int64) -> Look {
        believed = offset
        leap = nil
        return Look(now: wall)
    }
}
