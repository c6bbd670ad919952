// Which transactions are open, as their halves and the notes on those that ended say. A value: it
// reads and writes nothing.
//
// A half is named by its number in the queue of halves. Each end of a transaction is noted in a
// queue of its own, as with RocketMQ, so that the ledger can be made again from the two.

import ApusServer

/// The open transactions of a broker.
struct TransactionLedger: Sendable {
    /// A transaction whose producer has not said how it ended.
    struct Open: Hashable, Sendable {
        /// Milliseconds since 1970.
        var bornTimestamp: Int64
        /// Milliseconds from then before which nobody is asked; nil: as the broker is set.
        var immunity: Int64?
        /// Halves that this one was written anew for, in their order. Their producer may still
        /// name them.
        var earlier: [Int64] = []
    }

    /// Halves from here on have not been looked at.
    private(set) var next: Int64
    private var open: [Int64: Open] = [:]
    /// Those from `next` on that have ended already.
    private var endedAhead: Set<Int64> = []
    /// Halves that were written anew → the newest of each.
    private var newest: [Int64: Int64] = [:]
    /// Earlier names of halves that had ended when they were found: one that was written anew for
    /// such a half may come behind it.
    private var namesOfEnded: [Int64: [Int64]] = [:]
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

    /// Whether the half at `next` has ended: then nothing but its earlier name is of use.
    var isNextEnded: Bool { endedAhead.contains(next) }

    /// A half was found at `next`. `earlier` is the one that it was written anew for.
    mutating func found(_ half: Open, earlier: Int64?) {
        let offset = next
        next += 1
        if open[offset] != nil { return }
        let names = earlier.map { takeNames($0, before: offset) } ?? []
        if endedAhead.remove(offset) == nil {
            put(half, at: offset, names)
        } else {
            for name in names { newest[name] = nil }
            if !names.isEmpty { namesOfEnded[offset] = names }
        }
    }

    /// All halves that there are have been looked at.
    mutating func foundAll() { namesOfEnded = [:] }

    /// There is no half to be read before `offset`.
    mutating func skip(to offset: Int64) { next = max(next, offset) }

    /// A half was written anew at `offset`: the old one is not asked about any more.
    mutating func renewed(_ half: Int64, as offset: Int64) {
        guard let old = open[half] else { return }
        put(old, at: offset, takeNames(half, before: offset))
    }

    /// The names of a half that was written anew at `offset`. It is not open any more, and need not
    /// have been: a note may have come first that it has ended.
    private mutating func takeNames(_ half: Int64, before offset: Int64) -> [Int64] {
        guard half >= 0, half < offset else { return [] }
        let earlier = open.removeValue(forKey: half)?.earlier ?? namesOfEnded[half] ?? []
        return earlier + [half]
    }

    private mutating func put(_ half: Open, at offset: Int64, _ names: [Int64]) {
        open[offset] = half
        open[offset]?.earlier = names
        for name in names { newest[name] = offset }
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

    /// From where halves have to be read to make this ledger again, with all names of those that
    /// are open, and from where notes.
    mutating func needed() -> (halves: Int64, notes: Int64) {
        let halves = open.lazy.map { $0.value.earlier.first ?? $0.key }.min() ?? next
        let kept = notes.firstIndex { $0.half >= halves } ?? notes.count
        notes.removeFirst(kept)
        return (halves, notes.first?.offset ?? nextNote)
    }
}

extension TransactionLedger.Open {
    /// A half from the future, by a clock that was set back, is due too: as with RocketMQ.
    fileprivate func isDue(at now: Int64, timeout: Int64) -> Bool {
        let age = now.saturatingSubtract(bornTimestamp)
        return age < 0 || age >= immunity ?? timeout
    }
}
