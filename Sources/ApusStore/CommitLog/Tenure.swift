// Who takes the places that are given out, as long as several threads want them.
//
// What an append touches follows it from core to core: the lock of the reservation, the turn, the
// marks, the end of the log and that of the queue. Where cores are far apart that takes longer than
// the append. So a thread that appends without a break keeps on for a few microseconds before
// another one, which waits meanwhile, comes to it, and all of that moves once for many records.

/// A time during which all places were taken by one thread. Kept under the reservation lock.
struct Tenure {
    /// What `threadMark` gave that thread.
    private(set) var owner: UInt = 0
    /// By `steadyNanoseconds`.
    private var start: Int64 = 0
    private var firstTicket: UInt32 = 0

    /// Nanoseconds after which the owner has no advantage any more: some twenty short records.
    /// Twice as long makes nothing faster, and of a third the way from core to core takes most.
    static let length: Int64 = 3000
    /// An owner that appends less often than once in so many nanoseconds is not waited for.
    static let pace: Int64 = 500
    /// How long who comes to it looks on whether the owner still appends.
    static let look: Int64 = 300
    /// For longer records all this is left out: copying them takes longer than the lines do.
    static let longestRecord = 3072

    /// From when on nobody waits for the owner.
    var end: Int64 { start &+ Self.length }

    /// Begins with the next place.
    mutating func begin(_ owner: UInt, at now: Int64, nextTicket: UInt32) {
        self.owner = owner
        start = now
        firstTicket = nextTicket
    }

    /// Whether the owner took its places so closely that it is worth while to wait for it.
    func isBusy(at now: Int64, nextTicket: UInt32) -> Bool {
        now < end && now &- start <= Int64(nextTicket &- firstTicket) &* Self.pace
    }
}
