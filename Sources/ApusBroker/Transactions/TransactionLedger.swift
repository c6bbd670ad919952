// Which transactions are open, as their halves and the notes on those that ended say. A value: it
// reads and writes nothing.
//
// A half is named by its number in the queue of halves. Each end of a transaction is noted in a
// queue of its own, as with RocketMQ, so that the ledger can be made again from the two.

/// The open transactions of a broker.
struct TransactionLedger: Sendable {
    /// A transaction whose producer has not said how it ended.
    struct Open: Hashable, Sendable {
        /// Milliseconds since 1970.
        var bornTimestamp: Int64
        /// Milliseconds from then before which nobody is asked; nil: as the broker is set.
        var immunity: Int64?
        /// Halves that this one was written anew for. Their producer may still name them.
        var earlier: [Int64] = []
    }

    /// Halves from here on have not been looked at.
    private(set) var next: Int64
    private var open: [Int64: Open] = [:]
    /// Those from `next` on that have ended already.
    private var endedAhead: Set<Int64> = []
    /// Halves that were written anew → the newest of each.
    private var newest: [Int64: Int64] = [:]
    /// Notes that are still needed, in their order: number, and the highest half that it names.
    private var notes: [(offset: Int64, half: Int64)] = []
    /// The number of the next note.
    private var nextNote: Int64

    init(halves: Int64, notes: Int64) {
        next = halves
        nextNote = notes
    }

    var openCount: Int { open.count }

    /// The half that stands for this one now; nil when its transaction has ended.
    func standing(for half: Int64) -> Int64? {
        let newest = newest[half] ?? half
        if open[newest] != nil { return newest }
        return newest >= next && !endedAhead.contains(newest) ? newest : nil
    }

    /// A half was found at `next`. `earlier` is the one that it was written anew for.
    mutating func found(_ half: Open, earlier: Int64?) {
        let offset = next
        next += 1
        if endedAhead.remove(offset) != nil || open[offset] != nil { return }
        open[offset] = half
        if let earlier { replace(earlier, by: offset) }
    }

    /// There is no half to be read before `offset`.
    mutating func skip(to offset: Int64) { next = max(next, offset) }

    /// A half was written anew at `offset`: the old one is not asked about any more.
    mutating func renewed(_ half: Int64, as offset: Int64) {
        guard let old = open[half] else { return }
        open[offset] = Open(bornTimestamp: old.bornTimestamp, immunity: old.immunity)
        replace(half, by: offset)
    }

    private mutating func replace(_ half: Int64, by offset: Int64) {
        guard half < offset, let old = open.removeValue(forKey: half) else { return }
        open[offset]?.earlier = old.earlier + [half]
        for earlier in old.earlier + [half] { newest[earlier] = offset }
    }

    /// A transaction has ended, or is given up.
    mutating func ended(_ half: Int64) {
        for earlier in open.removeValue(forKey: half)?.earlier ?? [] { newest[earlier] = nil }
        // It may be open though it was not found yet: who wrote it anew knew of it.
        if half >= next { endedAhead.insert(half) }
    }

    /// A note of ends is in its queue at `offset`.
    mutating func noted(_ halves: [Int64], at offset: Int64) {
        nextNote = max(nextNote, offset + 1)
        guard let highest = halves.max() else { return }
        notes.append((offset, highest))
        for half in halves where open[half] != nil || half >= next { ended(half) }
    }

    /// The halves to ask about at `now`, in their order.
    func due(at now: Int64, timeout: Int64) -> [Int64] {
        open.filter { $0.value.isDue(at: now, timeout: timeout) }.map(\.key).sorted()
    }

    /// From where halves have to be read to make this ledger again, and from where notes.
    mutating func needed() -> (halves: Int64, notes: Int64) {
        let halves = open.keys.min() ?? next
        let kept = notes.firstIndex { $0.half >= halves } ?? notes.count
        notes.removeFirst(kept)
        return (halves, notes.first?.offset ?? nextNote)
    }
}

extension TransactionLedger.Open {
    /// A half from the future, by a clock that was set back, is due too: as with RocketMQ.
    fileprivate func isDue(at now: Int64, timeout: Int64) -> Bool {
        let age = now - bornTimestamp
        return age < 0 || age >= immunity ?? timeout
    }
}
