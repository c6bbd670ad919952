// Completions that wait: none is lost, called twice or kept.

import Synchronization
import Testing

@testable import ApusStore

/// Counts how many of it are alive.
private final class Witness: Sendable {
    static let alive = Atomic<Int>(0)
    let number: Int64

    init(_ number: Int64) {
        self.number = number
        Self.alive.wrappingAdd(1, ordering: .relaxed)
    }

    deinit { Self.alive.wrappingSubtract(1, ordering: .relaxed) }
}

private func pending(_ number: Int64) -> Pending {
    let witness = Witness(number)
    let result = AppendResult(
        physicalOffset: number, queueOffset: number, storeTimestamp: 0, byteCount: 1,
        storeHost: StoreHostNumber(StoreConfiguration().storeHost), status: .stored)
    return Pending(
        end: number, deadline: 0, completion: .one(result) { _ in _ = witness.number })
}

@Test("completions come back in order, however many wait, and go when they are let go")
func pendingInOrder() {
    let before = Witness.alive.load(ordering: .relaxed)
    var next: Int64 = 0
    var taken: Int64 = 0
    do {
        var list = PendingCompletions()
        #expect(list.isEmpty && list.popFirst() == nil)
        // Grows in the middle of being emptied too.
        for round in 1...40 {
            for _ in 0..<round * 7 {
                list.append(pending(next))
                next += 1
            }
            for _ in 0..<round * 5 {
                #expect(list.popFirst()?.end == taken)
                taken += 1
            }
            #expect(list.count == Int(next - taken))
        }
        #expect(Witness.alive.load(ordering: .relaxed) - before == Int(next - taken))
    }
    #expect(Witness.alive.load(ordering: .relaxed) == before, "the rest went with the list")
}
