// Commits that wait a moment for those whom the last one acknowledged, and who is woken by which.

import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

/// A commit of 200 µs that ended at 1,000,000 ns and covered so many; so many came meanwhile.
private func gathering(covered: Int, waiting: Int = 0) -> Gathering {
    var gathering = Gathering()
    gathering.note(began: (covered, 800_000), ended: (covered + waiting, 1_000_000))
    return gathering
}

@Test("a commit waits until those whom the last one covered are back, for half a short sync")
func wishesForTheCovered() {
    var four = gathering(covered: 4, waiting: 2)
    let wish = four.wish(arrivals: 7, now: 1_020_000)
    #expect(wish?.arrivals == 10 && wish?.nanoseconds == 80_000)
    let whenAllAreThere = four.wish(arrivals: 10, now: 1_020_000)
    #expect(whenAllAreThere == nil && four.isHopeful)
    var lone = gathering(covered: 1)
    let ofLone = lone.wish(arrivals: 1, now: 1_000_001)
    #expect(ofLone == nil && !lone.isHopeful)
    var many = gathering(covered: 40, waiting: 24)
    let ofMany = many.wish(arrivals: 64, now: 1_020_000)
    #expect(ofMany?.arrivals == 104)
    var tooMany = gathering(covered: 40, waiting: 25)
    let ofTooMany = tooMany.wish(arrivals: 65, now: 1_020_000)
    #expect(ofTooMany == nil && !tooMany.isHopeful)
    // All of them are there, but it took too long.
    var late = gathering(covered: 4)
    let whenLate = late.wish(arrivals: 9, now: 1_100_000)
    #expect(whenLate == nil && !late.isHopeful)
}

@Test("a short sync is the shortest of late: a long one changes little, many do")
func shortSyncs() throws {
    var gathering = Gathering()
    var arrivals = 0
    /// What the next commit would wait after one that took so long, which covered two.
    func limit(took: Int64) throws -> Int64 {
        arrivals += 2
        gathering.note(began: (arrivals, 0), ended: (arrivals, took))
        let wish = gathering.wish(arrivals: arrivals, now: took)
        return try #require(wish).nanoseconds
    }
    #expect(try limit(took: 400_000) == 200_000)
    #expect(try limit(took: 200_000) == 100_000)
    #expect(try limit(took: 3_000_000) < 110_000)
    for _ in 0..<300 { _ = try limit(took: 3_000_000) }
    #expect(try limit(took: 3_000_000) == 1_500_000)
    #expect(try limit(took: 200_000) == 100_000)
}

@Test("where those who are expected do not come, ever fewer commits wait, and more when they do")
func disappointments() {
    var gathering = gathering(covered: 2)
    /// How many commits begin at once before one waits again.
    func skipped() -> Int {
        var count = 0
        while gathering.wish(arrivals: 2, now: 1_000_000) == nil { count += 1 }
        return count
    }
    #expect(skipped() == 0)
    var expected = 4
    for _ in 0..<12 {
        gathering.note(came: false)
        #expect(!gathering.isHopeful)
        #expect(skipped() == expected)
        expected = min(2 * expected, 1024)
    }
    gathering.note(came: true)
    #expect(gathering.isHopeful)
    gathering.note(came: false)
    #expect(skipped() == 1020, "one time out of two is not enough")
    for _ in 0..<255 { gathering.note(came: true) }
    gathering.note(came: false)
    #expect(skipped() == 4)
}

@Suite("commits that many wait for", .timeLimit(.minutes(2))) struct GatheringTests {
    private let directory: TemporaryDirectory
    private let disk = FaultyDisk()

    init() throws { directory = try TemporaryDirectory() }

    private func open(
        _ change: (inout StoreConfiguration) -> Void = { _ in }
    ) throws -> MessageStore {
        try MessageStore.open(
            directory.path,
            tinyConfiguration {
                $0.flush.mode = .sync
                $0.flush.syncTimeoutMilliseconds = 20_000
                change(&$0)
            }, observer: nil, disk: disk, time: .system)
    }

    /// Threads that append one message behind the other; answers how many were not stored.
    private func append(_ store: MessageStore, threads: Int, times: Int) throws -> Int {
        let failures = Atomic<Int>(0)
        let crew = try (0..<threads).map { number in
            try SystemThread(name: "crew-\(number)") {
                for time in 0..<times {
                    let result = try? store.append(message(time, queue: Int32(number)))
                    if result?.status != .stored { failures.wrappingAdd(1, ordering: .relaxed) }
                }
            }
        }
        for thread in crew { thread.join() }
        return failures.load(ordering: .relaxed)
    }

    @Test("threads that append again once they are acknowledged share their syncs")
    func shareSyncs() throws {
        let store = try open()
        disk.onSync { path in
            if path.contains("/commitlog/") { SystemThread.sleep(nanoseconds: 150_000_000) }
        }
        let before = store.syncCount
        let failures = try append(store, threads: 6, times: 12)
        #expect(failures == 0)
        // In two groups that take turns they would need 24, and 12 in one. Other tests run beside
        // this one, and may once keep a thread from coming back in time.
        #expect(store.syncCount - before < 19)
        disk.onSync(nil)
        try store.close()
    }

    @Test("a commit begins as soon as those are back whom it waits for")
    func beginsAtOnce() throws {
        let store = try open()
        // Two were acknowledged just now, behind a sync of 40 seconds: half of that is waited.
        store.commit.arrivals.store(2, ordering: .relaxed)
        let now = store.log.time.nanoseconds
        store.commit.gathering.withLock {
            $0.note(began: (2, now - 40_000_000_000), ended: (2, now))
        }
        let before = store.syncCount
        try expectAwake {
            let failures = try append(store, threads: 2, times: 1)
            #expect(failures == 0)
        }
        #expect(store.syncCount - before == 1)
        try store.close()
    }

    @Test("those whom a flush covered are waited for as well")
    func behindFlush() throws {
        let store = try open()
        let commit = store.commit
        disk.onSync { _ in SystemThread.sleep(nanoseconds: 150_000_000) }
        commit.leading.lock()
        let three = Sleepers()
        try three.fallAsleep(3, in: store)
        let led = commit.lead(gathers: false)
        let now = store.log.time.nanoseconds
        let wish = commit.gathering.withLock { $0.wish(arrivals: 3, now: now) }
        #expect(wish?.arrivals == 6)
        commit.leading.unlock()
        commit.finish(led.number)
        #expect(three.join() == allStored)
        disk.onSync(nil)
        try store.close()
    }

    @Test("who waits for the next commit does not sleep with those whom this one covers")
    func sleepingPlaces() throws {
        let store = try open()
        let commit = store.commit
        let places = Mutex<[(covered: Signal, next: Signal)]>([])
        disk.onSync { path in
            guard path.contains("/commitlog/") else { return }
            let end = store.published
            places.withLock {
                $0.append((commit.sleepingPlace(end), commit.sleepingPlace(end + 1)))
            }
        }
        for number in 0..<3 { try store.append(message(number)) }
        let seen = places.withLock { $0 }
        try #require(seen.count == 3)
        for place in seen { #expect(place.covered !== place.next) }
        for (one, next) in zip(seen, seen.dropFirst()) { #expect(one.next === next.covered) }
        disk.onSync(nil)
        try store.close()
    }

    /// Runs `body` and expects it to end well before the time is up that a sync may take: who is
    /// not woken is up again then.
    private func expectAwake(_ body: () throws -> Void) rethrows {
        let start = ContinuousClock.now
        try body()
        #expect(ContinuousClock.now - start < .seconds(15))
    }

    @Test("nobody sleeps past a commit that covers its message, whoever leads")
    func nobodyOversleeps() throws {
        let store = try open() { $0.threads = .own }
        let isDone = Flag()
        let others = try (0..<2).map { number in
            try SystemThread(name: "leader-\(number)") {
                // A sync without need would wake whom the last one has left asleep.
                while !isDone.isSet { if store.commit.isBehind { try? store.flush() } }
            }
        }
        try expectAwake {
            let failures = try append(store, threads: 8, times: 400)
            #expect(failures == 0)
        }
        _ = isDone.set()
        for thread in others { thread.join() }
        try store.close()
    }

    private typealias Heard = [Result<AppendStatus, StoreError>]

    /// Threads that append one message each, and sleep until they hear of it.
    private final class Sleepers: Sendable {
        private let threads = Mutex<[SystemThread]>([])
        private let heard = Mutex<Heard>([])

        /// Returns when as many more are asleep.
        func fallAsleep(_ count: Int, in store: MessageStore) throws {
            let end = store.commit.arrivals.load(ordering: .acquiring) + count
            for number in 0..<count {
                let thread = try SystemThread(name: "sleeper-\(number)") {
                    let result = Result { () throws(StoreError) in
                        try store.append(message(number, queue: 7)).status
                    }
                    self.heard.withLock { $0.append(result) }
                }
                threads.withLock { $0.append(thread) }
            }
            while store.commit.arrivals.load(ordering: .acquiring) < end { SystemThread.yield() }
            // Asleep, or about to be: what they do before takes some microseconds.
            SystemThread.sleep(nanoseconds: 50_000_000)
        }

        func join() -> Heard {
            for thread in threads.withLock({ $0 }) { thread.join() }
            return heard.withLock { $0 }
        }
    }

    private let allStored = Heard(repeating: .success(.stored), count: 3)

    /// Three that come while the next commit is synced.
    private func sleepersDuringSync(of store: MessageStore) -> Sleepers {
        let three = Sleepers()
        disk.onSync { [disk] path in
            guard path.contains("/commitlog/") else { return }
            disk.onSync(nil)
            do { try three.fallAsleep(3, in: store) } catch { Issue.record(error) }
        }
        return three
    }

    @Test("who comes while a sync is made leads the next one, if nobody else does")
    func nextLeader() throws {
        let store = try open()
        let three = sleepersDuringSync(of: store)
        try store.append(message(0))
        expectAwake { #expect(three.join() == allStored) }
        try store.close()
    }

    @Test("all whom a commit covers wake, also when the next one ends before they are told")
    func toldLate() throws {
        let store = try open()
        let commit = store.commit
        commit.leading.lock()
        let three = Sleepers()
        try three.fallAsleep(3, in: store)
        let first = commit.lead(gathers: false)
        try store.append(to: store.queue(topic: "Orders"), body: [1].span.bytes) { _ in }
        _ = commit.lead(gathers: false)
        commit.leading.unlock()
        commit.finish(first.number)
        expectAwake { #expect(three.join() == allStored) }
        try store.close()
    }

    @Test("when a sync fails, those hear of it too that wait for the next one")
    func allHearOfFailure() throws {
        let store = try open()
        let three = sleepersDuringSync(of: store)
        disk.fail(Fault(operation: "sync", path: "/commitlog/", code: 5))
        #expect(throws: StoreError.self) { try store.append(message(0)) }
        expectAwake { #expect(three.join() == allPoisoned(by: store)) }
    }

    @Test("whoever leaves a store that was poisoned meanwhile wakes those that sleep beside it")
    func poisonedBesideSync() throws {
        let store = try open()
        let commit = store.commit
        commit.leading.lock()
        let three = Sleepers()
        try three.fallAsleep(3, in: store)
        // A sync of something else failed, behind a commit that wakes one to lead the next.
        store.log.poison(DiskError(operation: "sync", path: "consumequeue", code: 5))
        commit.sleepingPlace(store.published).ring(1)
        expectAwake { #expect(three.join() == allPoisoned(by: store)) }
        commit.leading.unlock()
    }

    private func allPoisoned(by store: MessageStore) -> Heard {
        guard let cause = store.log.poisonCause else { return [] }
        return Heard(repeating: .failure(.poisoned(cause: cause)), count: 3)
    }

    @Test(
        "completions whose callers a commit waits for are called before it, others beside it",
        arguments: [(54, "apus-commit"), (55, "apus-tell")])
    func whoTells(more: Int, caller: String) throws {
        let store = try open() { $0.threads = .own }
        let queue = try store.queue(topic: "Orders")
        let names = Mutex<[String]>([])
        @Sendable func send(_ count: Int) {
            for _ in 0..<count {
                store.append(to: queue, body: [1].span.bytes) { _ in
                    names.withLock { $0.append(threadName()) }
                }
            }
        }
        disk.onSync { [disk] _ in
            // Others sync too: zeros ahead, queues.
            guard threadName() == "apus-commit" else { return }
            // The next sync begins when all those are told whom this one covers.
            disk.onSync { _ in
                guard threadName() == "apus-commit" else { return }
                while names.withLock({ $0.count }) < 10 { SystemThread.yield() }
            }
            send(more)
        }
        // Whoever syncs waits until all of them are there.
        store.commit.leading.lock()
        send(10)
        store.commit.leading.unlock()
        while names.withLock({ $0.count }) < 10 + more { SystemThread.yield() }
        try store.close()
        // Of the ten that the first commit covered; the others came during its sync.
        #expect(names.withLock { Set($0.prefix(10)) } == [caller])
    }
}
