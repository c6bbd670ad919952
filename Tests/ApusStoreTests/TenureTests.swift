// Who takes places as long as several threads want them.

import ApusSystem
import Synchronization
import Testing

@testable import ApusStore

@Suite("a tenure") struct TenureTests {
    private static let start: Int64 = 1_000_000

    private func tenure(from ticket: UInt32 = 7) -> Tenure {
        var tenure = Tenure()
        tenure.begin(42, at: Self.start, nextTicket: ticket)
        return tenure
    }

    @Test("a tenure that was never begun is nobody's and keeps nobody waiting")
    func unbegun() {
        #expect(Tenure().owner == 0)
        #expect(threadMark() != 0)
        #expect(!Tenure().isBusy(at: Tenure.length, nextTicket: .max))
    }

    @Test("a tenure is that of who began it, for so long")
    func begun() {
        #expect(tenure().owner == 42)
        #expect(tenure().end == Self.start + Tenure.length)
    }

    @Test(
        "an owner is busy as long as it takes places at the pace",
        arguments: [UInt32(7), .max, .max - 1])
    func pace(first: UInt32) {
        let tenure = tenure(from: first)
        for places in 1...UInt32(Tenure.length / Tenure.pace) - 1 {
            let due = Self.start + Int64(places) * Tenure.pace
            #expect(tenure.isBusy(at: due, nextTicket: first &+ places))
            #expect(!tenure.isBusy(at: due + 1, nextTicket: first &+ places))
        }
    }

    @Test("nobody is waited for beyond the end of a tenure")
    func end() {
        #expect(tenure().isBusy(at: tenure().end - 1, nextTicket: 1000))
        #expect(!tenure().isBusy(at: tenure().end, nextTicket: 1000))
    }

    @Test("threads have different marks, and each the same every time")
    func marks() throws {
        let marks = Mutex<[UInt]>([])
        let here = threadMark()
        let thread = try SystemThread(name: "other") {
            marks.withLock { $0 = [threadMark(), threadMark()] }
        }
        thread.join()
        let there = marks.withLock { $0 }
        #expect(there.count == 2 && there[0] == there[1] && there[0] != here)
        #expect(threadMark() == here)
    }
}
