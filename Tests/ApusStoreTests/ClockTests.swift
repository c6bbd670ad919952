// A wall clock that is set on or back: times never go back, and nothing young is deleted.

import ApusFormat
import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

private let hour: Int64 = 3_600_000

@Suite("clocks that step") struct ClockTests {
    let directory: TemporaryDirectory
    let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
    let disk = FaultyDisk()
    let listener = Listener()

    init() throws {
        directory = try TemporaryDirectory()
        disk.pretend(usedPercent: 10)
    }

    private func open() throws -> MessageStore {
        try MessageStore.open(
            directory.path,
            tinyConfiguration {
                $0.retention.deleteHours = Set(0..<24)
                $0.retention.reservedHours = 2
            }, observer: listener, disk: disk, time: .manual(clock))
    }

    private func clean(_ store: MessageStore, after milliseconds: Int64 = 10_000) {
        clock.advance(milliseconds: milliseconds)
        _ = store.cleaner.doWork()
    }

    @Test("a message stored after the clock was set back has the time of the one before")
    func back() throws {
        let store = try open()
        let first = try store.append(message(0))
        clock.step(milliseconds: -hour)
        #expect(try store.append(message(1)).storeTimestamp == first.storeTimestamp)
        clock.advance(milliseconds: hour + 5)
        let last = try store.append(message(2))
        #expect(last.storeTimestamp == first.storeTimestamp + 5)
        let queue = try store.queue(topic: "Orders")
        #expect(try store.offset(in: queue, at: first.storeTimestamp) == 0)
        #expect(try store.offset(in: queue, at: first.storeTimestamp + 1) == 2)
        try store.close()
    }

    @Test(
        "nor does time go back over an opening",
        arguments: ["closed", "killed", "killed behind a flush"])
    func backOverOpening(end: String) throws {
        let first = try leaveOneMessage(end)
        clock.step(milliseconds: -hour)
        let store = try open()
        let second = try store.append(message(1))
        #expect(second.storeTimestamp == first.storeTimestamp)
        try store.close()
    }

    private func leaveOneMessage(_ end: String) throws -> AppendResult {
        let store = try open()
        let first = try store.append(message(0))
        // Behind a flush the mark is at the end of the log: recovery has no record to read.
        if end == "killed behind a flush" { try store.flush() }
        if end == "closed" { try store.close() }
        return first
    }

    @Test("an append waits for its sync as long as time passes, whatever the wall clock does")
    func waiting() throws {
        let store = try MessageStore.open(
            directory.path,
            tinyConfiguration {
                $0.flush.mode = .sync
                $0.flush.syncTimeoutMilliseconds = 100
            }, observer: nil, disk: disk, time: .manual(clock))
        let status = Mutex<AppendStatus?>(nil)
        let queue = try store.queue(topic: "Orders")
        store.append(to: queue, body: [1].rawSpan) { result in
            status.withLock { $0 = try? result.get().status }
        }
        clock.step(milliseconds: 20 * 365 * 24 * hour)
        store.commit.settle()
        #expect(status.withLock { $0 } == nil)
        clock.step(milliseconds: -40 * 365 * 24 * hour)
        clock.advance(milliseconds: 101)
        store.commit.settle()
        #expect(status.withLock { $0 } == .flushTimedOut)
        try store.flush()
        try store.close()
    }

    /// A store of 1,000 messages of the same moment, in several segments.
    private func filled() throws -> MessageStore {
        let store = try open()
        for number in 0..<1_000 { try store.append(message(number)) }
        try store.flush()
        clean(store)
        return store
    }

    /// What was told of leaps.
    private var leaps: [Int64] {
        listener.events.compactMap { if case .clockLeapt(let size) = $0 { size } else { nil } }
    }

    @Test("a leap ahead deletes nothing for an hour, and then what has expired by it")
    func ahead() throws {
        let store = try filled()
        clock.step(milliseconds: 24 * hour)
        clean(store)
        #expect(store.physicalMinimum == 0)
        #expect(leaps == [24 * hour])
        clean(store, after: hour - 20_000)
        #expect(store.physicalMinimum == 0)
        clean(store, after: 20_000)
        #expect(store.physicalMinimum > 0)
        #expect(leaps == [24 * hour])
        try store.close()
    }

    @Test("a leap ahead that is put right within the hour deletes nothing at all")
    func putRight() throws {
        let store = try filled()
        clock.step(milliseconds: 24 * hour)
        clean(store)
        clock.step(milliseconds: -24 * hour)
        for _ in 0..<3 { clean(store, after: hour / 2) }
        #expect(store.physicalMinimum == 0)
        // Time that passes counts as ever.
        clean(store, after: hour)
        #expect(store.physicalMinimum > 0)
        try store.close()
    }

    @Test("a second leap has to last for an hour of its own")
    func leapFromLeap() throws {
        let store = try filled()
        clock.step(milliseconds: hour / 2)
        clean(store)
        clean(store, after: hour - 20_000)
        clock.step(milliseconds: 24 * hour)
        clean(store)
        // The first one would be believed by now.
        clean(store, after: 20_000)
        #expect(store.physicalMinimum == 0)
        #expect(leaps == [hour / 2, 24 * hour + hour / 2])
        clean(store, after: hour)
        #expect(store.physicalMinimum > 0)
        try store.close()
    }

    @Test("a wall clock behind the newest message is told of once, until it has caught up")
    func behind() throws {
        let store = try open()
        try store.append(message(0))
        clock.step(milliseconds: -hour)
        for _ in 0..<3 { clean(store) }
        let expected = StoreEvent.clockBehind(milliseconds: hour - 10_000)
        #expect(listener.events.filter { $0 == expected }.count == 1)
        clean(store, after: hour)
        clock.step(milliseconds: -hour)
        clean(store)
        let told = listener.events.filter { if case .clockBehind = $0 { true } else { false } }
        #expect(told.count == 2)
        try store.close()
    }

    @Test("queries by time and key find messages of clocks that are a century apart")
    func century() throws {
        let store = try open()
        let first = try store.append(message(0)).storeTimestamp
        clock.step(milliseconds: 100 * 365 * 24 * hour)
        let second = try store.append(message(1)).storeTimestamp
        try store.flush()
        for agent in store.agents { _ = agent.doWork() }
        try expectBoth(first, second, in: store)
        try store.close()
        try expectSound(directory.path, indexSlots: 100)
        let again = try open()
        try expectBoth(first, second, in: again)
        try again.close()
    }

    private func expectBoth(_ first: Int64, _ second: Int64, in store: MessageStore) throws {
        for (key, time, other) in [("key0", first, second), ("key1", second, first)] {
            func find(_ times: ClosedRange<Int64>) throws -> [Int64] {
                try store.messages(topic: "Orders", key: key, between: times).map(\.storeTimestamp)
            }
            #expect(try find(0...(.max)) == [time])
            // RocketMQ's index counts seconds in 32 bits, which are over after 68 years.
            #expect(try find(time...time) == [time])
            #expect(try find(other...other) == [])
        }
        let queue = try store.queue(topic: "Orders")
        #expect(try store.offset(in: queue, at: first + 1) == 1)
        #expect(try store.offset(in: queue, at: second) == 1)
    }
}
