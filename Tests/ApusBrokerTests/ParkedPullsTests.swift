// The table of pulls that wait, against a plain model of it.

import Testing

@testable import ApusBroker

@Suite("a parked pull") struct ParkedPullsTests {
    @Test("leaves once: taken, or when its time is over")
    func once() {
        var parked = ParkedPulls<String>()
        let first = parked.park("first", until: 10)
        let second = parked.park("second", until: 5)
        #expect(parked.takeExpired(now: 4) == [])
        #expect(parked.takeExpired(now: 5) == ["second"])
        #expect(parked.take(second) == nil)
        parked.change(first) { $0 += "!" }
        #expect(parked.take(first) == "first!")
        #expect(parked.take(first) == nil)
        #expect(parked.takeExpired(now: .max) == [])
        #expect(parked.count == 0)
    }

    @Test("leaves when those of its connection are taken")
    func meant() {
        var parked = ParkedPulls<Int>()
        for number in 0..<10 { _ = parked.park(number, until: Int64(number)) }
        let even = parked.take { $0 % 2 == 0 }
        #expect(even.sorted() == [0, 2, 4, 6, 8])
        #expect(parked.takeExpired(now: 9) == [1, 3, 5, 7, 9])
    }

    @Test("is found by a table that does what a list would do", arguments: 1...20)
    func model(seed: UInt64) {
        var random = SplitMix(seed)
        var parked = ParkedPulls<Int>()
        var model: [(ticket: ParkingTicket, pull: Int, deadline: Int64)] = []
        var now: Int64 = 0
        for step in 0..<2_000 {
            switch random.next(below: 4) {
            case 0, 1:
                let deadline = now + Int64(random.next(below: 50))
                model.append((parked.park(step, until: deadline), step, deadline))
            case 2 where !model.isEmpty:
                let taken = model.remove(at: random.next(below: model.count))
                #expect(parked.take(taken.ticket) == taken.pull)
            default:
                now += Int64(random.next(below: 10))
                let expired = Set(model.filter { $0.deadline <= now }.map(\.pull))
                model.removeAll { $0.deadline <= now }
                let taken = parked.takeExpired(now: now)
                #expect(Set(taken) == expired)
            }
            #expect(parked.count == model.count)
        }
    }
}

/// Numbers from a seed.
private struct SplitMix {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }

    mutating func next(below bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((value ^ (value >> 31)) % UInt64(bound))
    }
}
