// When a thread that works without a break lets others have its processor.
//
// Where more threads want processors than there are, the system takes one from a thread wherever
// that happens to be, and gives it back some milliseconds later. Who holds up others in the middle
// of its work does better to give its processor away itself, a little sooner, between two pieces of
// it.

import CApus

/// How long one thread has had its processor for without a break. Times are in nanoseconds.
package struct ProcessorShare {
    /// By `steadyNanoseconds`.
    private(set) var start: Int64 = 0
    /// How much processor time the thread had used then.
    private(set) var used: Int64 = 0
    /// How long it lasts; 0 before the first one.
    private(set) var length: Int64 = 0

    /// Long beside the microsecond that it costs to give a processor away, and short beside the
    /// milliseconds after which the system takes it away.
    static let usual: Int64 = 250_000
    /// Who was away for longer shares its processor with somebody who never gives it away.
    static let longestAway: Int64 = 1_500_000
    /// How long it keeps its processor then: a thread that is fit to run loses the rest of some
    /// 1.4 ms when it gives its processor away, and would come to a sixth of it.
    static let besideOthers: Int64 = 1_250_000

    func isOver(at now: Int64) -> Bool { now &- start >= length }

    /// Whether the thread worked for three quarters of the time. Who slept meanwhile, or was kept
    /// from its processor, need not give it away.
    private func wasBusy(at now: Int64, used usedNow: Int64) -> Bool {
        usedNow &- used >= (now &- start) / 4 &* 3
    }

    /// Ends it and begins the next. `give` gives the processor away, where the thread worked all
    /// the while, and answers when it was back.
    mutating func end(at now: Int64, used usedNow: Int64, give: () -> Int64) {
        let back = wasBusy(at: now, used: usedNow) ? give() : now
        start = back
        used = usedNow
        length = back &- now > Self.longestAway ? Self.besideOthers : Self.usual
    }
}

extension ProcessorShare {
    /// That of the calling thread, kept from call to call.
    private static var own: ProcessorShare {
        get {
            let kept = capus_own_share()
            var share = ProcessorShare()
            (share.start, share.used, share.length) = (kept.start, kept.used, kept.length)
            return share
        }
        set {
            capus_keep_share(
                capus_share(start: newValue.start, used: newValue.used, length: newValue.length))
        }
    }

    /// Whether the calling thread is to call `endOwn` before it goes on.
    package static func isOwnOver(at now: Int64) -> Bool { own.isOver(at: now) }

    /// Ends the calling thread's.
    package static func endOwn(at now: Int64) {
        own.end(at: now, used: threadNanoseconds()) {
            SystemThread.yield()
            return steadyNanoseconds()
        }
    }
}
