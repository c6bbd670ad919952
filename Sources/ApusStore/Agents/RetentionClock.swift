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
        /// Set when a leap ahead is seen first.
        var leap: Int64?
    }

    /// The wall clock less what has passed, as far as it is believed; nil before the first look.
    private var believed: Int64?
    /// When the leap was seen that is not believed yet, by the clock that counts.
    private var leaptAt: Int64?

    /// `wall` and `passed` are milliseconds by the two clocks.
    mutating func look(wall: Int64, passed: Int64) -> Look {
        let offset = wall &- passed
        guard let old = believed, offset &- old > Self.leapMilliseconds else {
            believed = offset
            leaptAt = nil
            return Look(now: wall)
        }
        guard let since = leaptAt else {
            leaptAt = passed
            return Look(now: passed &+ old, leap: offset &- old)
        }
        guard passed &- since >= Self.patienceMilliseconds else { return Look(now: passed &+ old) }
        believed = offset
        leaptAt = nil
        return Look(now: wall)
    }
}
