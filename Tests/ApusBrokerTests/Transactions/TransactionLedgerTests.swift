// The ledger of open transactions, fed with what the two queues hold.

import Testing

@testable import ApusBroker

@Suite("the ledger of transactions") struct TransactionLedgerTests {
    private func half(_ born: Int64 = 0, immunity: Int64? = nil) -> TransactionLedger.Open {
        TransactionLedger.Open(bornTimestamp: born, immunity: immunity)
    }

    @Test("knows a half as open until its end is noted, found before or after")
    func ends() {
        var ledger = TransactionLedger(halves: 0, notes: 0)
        for _ in 0..<3 { ledger.found(half(), earlier: nil) }
        ledger.noted([1], at: 0)
        #expect(ledger.standing(for: 0) == 0 && ledger.standing(for: 1) == nil)
        ledger.noted([4], at: 1)
        #expect(ledger.standing(for: 3) == 3 && ledger.standing(for: 4) == nil)
        for _ in 0..<2 { ledger.found(half(), earlier: nil) }
        #expect(ledger.standing(for: 4) == nil && ledger.openCount == 3)
        #expect(ledger.needed() == (halves: 0, notes: 0))
    }

    @Test("needs what is open, and the notes on what comes behind it")
    func needed() {
        var ledger = TransactionLedger(halves: 10, notes: 5)
        #expect(ledger.needed() == (halves: 10, notes: 5))
        for _ in 0..<4 { ledger.found(half(), earlier: nil) }
        ledger.noted([10], at: 5)
        ledger.noted([13], at: 6)
        ledger.noted([11], at: 7)
        #expect(ledger.needed() == (halves: 12, notes: 6))
        ledger.noted([12], at: 8)
        #expect(ledger.needed() == (halves: 14, notes: 9))
    }

    @Test("takes the name of a half for the one that was written anew for it")
    func renewed() {
        var ledger = TransactionLedger(halves: 0, notes: 0)
        ledger.found(half(7), earlier: nil)
        ledger.renewed(0, as: 1)
        ledger.noted([0], at: 0)
        ledger.found(half(7), earlier: 0)
        ledger.renewed(1, as: 2)
        ledger.noted([1], at: 1)
        #expect(ledger.standing(for: 0) == 2 && ledger.standing(for: 1) == 2)
        #expect(ledger.openCount == 1)
        ledger.noted([2], at: 2)
        #expect(ledger.standing(for: 0) == nil && ledger.standing(for: 1) == nil)
        ledger.found(half(7), earlier: 1)
        #expect(ledger.openCount == 0 && ledger.needed() == (halves: 3, notes: 3))
    }

    @Test("drops a half whose successor is found, though nobody noted its end")
    func successorFound() {
        var ledger = TransactionLedger(halves: 0, notes: 0)
        ledger.found(half(), earlier: nil)
        ledger.found(half(), earlier: 0)
        #expect(ledger.openCount == 1 && ledger.standing(for: 0) == 1)
    }

    @Test("asks about halves in their order when their time has come")
    func due() {
        var ledger = TransactionLedger(halves: 0, notes: 0)
        ledger.found(half(1_000), earlier: nil)
        ledger.found(half(1_000, immunity: 60_000), earlier: nil)
        ledger.found(half(500), earlier: nil)
        ledger.found(half(900_000), earlier: nil)
        #expect(ledger.due(at: 6_500, timeout: 6_000) == [2, 3])
        #expect(ledger.due(at: 7_000, timeout: 6_000) == [0, 2, 3])
        #expect(ledger.due(at: 61_000, timeout: 6_000) == [0, 1, 2, 3])
    }

    @Test("asks about halves from the beginning and the end of time")
    func farAway() {
        var ledger = TransactionLedger(halves: 0, notes: 0)
        for born in [.min, .max] as [Int64] { ledger.found(half(born), earlier: nil) }
        #expect(ledger.due(at: 1_700_000_000_000, timeout: 6_000) == [0, 1])
    }

    @Test("knows a half by its earlier names when it is made again")
    func madeAgain() {
        var ledger = TransactionLedger(halves: 0, notes: 0)
        ledger.noted([0], at: 0)
        ledger.found(half(), earlier: nil)
        ledger.found(half(), earlier: 0)
        #expect(ledger.standing(for: 0) == 1 && ledger.standing(for: 1) == 1)
        #expect(ledger.needed() == (halves: 0, notes: 0))
        ledger.noted([1], at: 1)
        #expect(ledger.standing(for: 0) == nil && ledger.standing(for: 1) == nil)
        #expect(ledger.openCount == 0 && ledger.needed() == (halves: 2, notes: 2))
    }

    @Test("knows all of its names when it was written anew more than once")
    func madeAgainTwice() {
        var ledger = TransactionLedger(halves: 0, notes: 0)
        ledger.noted([0], at: 0)
        ledger.noted([1], at: 1)
        ledger.found(half(), earlier: nil)
        ledger.found(half(), earlier: 0)
        ledger.found(half(), earlier: 1)
        for name in 0...2 as ClosedRange<Int64> { #expect(ledger.standing(for: name) == 2) }
        // So that the next one knows them, too.
        #expect(ledger.needed() == (halves: 0, notes: 0))
        ledger.noted([2], at: 2)
        for name in 0...2 as ClosedRange<Int64> { #expect(ledger.standing(for: name) == nil) }
        #expect(ledger.openCount == 0 && ledger.needed() == (halves: 3, notes: 3))
    }
}
