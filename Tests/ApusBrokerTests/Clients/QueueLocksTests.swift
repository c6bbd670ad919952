// Locks of orderly consumers, with a clock that the test moves.

import Testing

@testable import ApusBroker

@Suite("a queue that is consumed in order") struct QueueLocksTests {
    private let first = LockedQueue(topic: "Orders", brokerName: "a", queueID: 0)
    private let second = LockedQueue(topic: "Orders", brokerName: "a", queueID: 1)

    @Test("belongs to the client that asked first, until it gives it up")
    func exclusive() {
        var locks = QueueLocks()
        #expect(locks.lock([first, second], group: "g", client: "1", now: 0) == [first, second])
        #expect(locks.lock([first], group: "g", client: "2", now: 1) == [])
        locks.unlock([first], group: "g", client: "2")
        #expect(locks.lock([first], group: "g", client: "2", now: 2) == [], "not theirs to give")
        locks.unlock([first], group: "g", client: "1")
        #expect(locks.lock([first, second], group: "g", client: "2", now: 3) == [first])
    }

    @Test("is another one in each group")
    func groups() {
        var locks = QueueLocks()
        _ = locks.lock([first], group: "g", client: "1", now: 0)
        #expect(locks.lock([first], group: "h", client: "2", now: 0) == [first])
    }

    @Test("is free again 60 seconds after its lock was last renewed")
    func expiry() {
        var locks = QueueLocks()
        _ = locks.lock([first], group: "g", client: "1", now: 0)
        _ = locks.lock([first], group: "g", client: "1", now: 50_000)
        #expect(locks.lock([first], group: "g", client: "2", now: 110_000) == [])
        #expect(locks.isAnyHeld(group: "g", now: 110_000))
        #expect(!locks.isAnyHeld(group: "g", now: 110_001))
        #expect(locks.lock([first], group: "g", client: "2", now: 110_001) == [first])
        locks.expire(now: 300_000)
        #expect(locks.lock([first], group: "g", client: "3", now: 300_000) == [first])
    }

    @Test("is not locked for a group that holds too many")
    func bounded() {
        var locks = QueueLocks()
        let many = (0..<Int32(QueueLocks.limitOfGroup)).map {
            LockedQueue(topic: "Orders", brokerName: "a", queueID: $0)
        }
        #expect(locks.lock(many, group: "g", client: "1", now: 0) == many)
        let more = LockedQueue(topic: "Others", brokerName: "a", queueID: 0)
        #expect(locks.lock([more, first], group: "g", client: "1", now: 1) == [first])
    }
}
