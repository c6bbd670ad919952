// When bytes reach the device, what an acknowledgement waits for, and what a failed sync means.

import ApusFormat
import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

private func open(
    _ directory: TemporaryDirectory, disk: FaultyDisk, clock: ManualClock? = nil,
    _ change: (inout StoreConfiguration) -> Void = { _ in }
) throws -> MessageStore {
    try MessageStore.open(
        directory.path, tinyConfiguration(change), observer: nil, disk: disk,
        time: clock.map { .manual($0) } ?? .system)
}

@Test("a SYNC_FLUSH append returns behind a sync that covers it")
func syncAppend() throws {
    let directory = try TemporaryDirectory()
    let disk = FaultyDisk()
    let store = try open(directory, disk: disk) { $0.flush.mode = .sync }
    for number in 0..<50 {
        let before = disk.synced.count { $0.contains("/commitlog/") }
        let result = try store.append(message(number))
        #expect(store.flushed >= result.physicalEnd)
        #expect(disk.synced.count { $0.contains("/commitlog/") } > before)
    }
    try store.close()
}

@Test("an append that makes a queue syncs no names; the flush does, each above queues once")
func namesOfQueues() throws {
    let directory = try TemporaryDirectory()
    let disk = FaultyDisk()
    let store = try open(directory, disk: disk) {
        $0.queues.fileByteCount = 5 * 20
        $0.queues.flushIntervalMilliseconds = 600_000
        $0.flush.intervalMilliseconds = 600_000
    }
    func syncs(of suffix: String) -> Int {
        disk.operations.count { $0.name.hasPrefix("sync") && $0.path.hasSuffix(suffix) }
    }
    let start = syncs(of: "")
    for queue in Int32(0)..<8 { try store.append(message(1, queue: queue)) }
    #expect(syncs(of: "") == start)
    #expect(store.table.directoryCount.value == 0, "a name that may go does not count")
    try store.flush()
    for queue in 0..<8 { #expect(syncs(of: "/Orders/\(queue)") == 1) }
    #expect(syncs(of: "/Orders") == 1 && syncs(of: "/consumequeue") == 1)
    #expect(store.table.directoryCount.value == 8)
    for number in 2..<6 { try store.append(message(number, queue: 3)) }
    #expect(syncs(of: "/Orders/3") == 1)
    // The second file: the first one's name is on the device, its own is synced by the flush.
    try store.append(message(6, queue: 3))
    #expect(syncs(of: "/Orders/3") == 1)
    try store.flush()
    try store.flush()
    #expect(syncs(of: "/Orders/3") == 2 && syncs(of: "/Orders/4") == 1)
    // Where it is not on the device, it is synced before the second file is made.
    for number in 0..<5 { try store.append(message(number, queue: 9)) }
    let made = disk.operations.count
    try store.append(message(5, queue: 9))
    let names = disk.operations.dropFirst(made).filter { $0.path.contains("/Orders/9") }
    let first = try #require(names.first)
    #expect(first.name.hasPrefix("sync") && first.path.hasSuffix("/Orders/9"))
    #expect(names.dropFirst().first?.path.hasSuffix("/00000000000000000100") == true)
    try store.close()
}

@Test("an entry that recovery finds to be right is synced again, also one before the queue's end")
func entriesMadeDirty() throws {
    let directory = try TemporaryDirectory()
    let disk = FaultyDisk()
    let store = try open(directory, disk: disk)
    for number in 0..<600 { try store.append(message(number)) }
    try store.flush()
    let queue = try store.queue(topic: "Orders").queue
    func syncs() -> Int { disk.synced.count { $0.contains("/consumequeue/Orders/0/") } }
    let before = syncs()
    try store.flush()
    #expect(syncs() == before && queue.flushed.load(ordering: .relaxed) == 600)
    let unit = try #require(try queue.unit(at: 3))
    #expect(try store.log.restore(unit, at: 3, of: queue) == false)
    #expect(queue.flushed.load(ordering: .relaxed) == 3)
    try store.flush()
    #expect(syncs() > before && queue.flushed.load(ordering: .relaxed) == 600)
    try store.close()
}

@Test("a sync that ends well while another file's fails acknowledges nothing")
func syncBesideFailure() throws {
    let directory = try TemporaryDirectory()
    let disk = FaultyDisk()
    let store = try open(directory, disk: disk) { $0.flush.mode = .sync }
    let durable = try store.append(message(1)).physicalEnd
    let log = store.log
    disk.onSync { path in
        guard path.contains("/commitlog/") else { return }
        log.poison(DiskError(operation: "sync", path: "consumequeue", code: 5))
    }
    #expect(
        throws: StoreError.poisoned(
            cause: DiskError(
                operation: "sync", path: "consumequeue", code: 5))
    ) { try store.append(message(2)) }
    #expect(store.flushed == durable)
    disk.onSync(nil)
}

@Test("an ASYNC_FLUSH append makes no sync; the flusher does, by RocketMQ's keys")
func asyncFlushByKeys() throws {
    let directory = try TemporaryDirectory()
    let disk = FaultyDisk()
    let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
    let store = try open(directory, disk: disk, clock: clock)
    let flusher = store.flusher
    func logSyncs() -> Int { disk.synced.count { $0.contains("/commitlog/") } }
    let start = logSyncs()
    try store.append(message(1))
    clock.advance(milliseconds: 600)
    _ = flusher.doWork()
    #expect(logSyncs() == start, "one page is fewer than flushCommitLogLeastPages")
    for number in 0..<100 { try store.append(message(number)) }
    _ = flusher.doWork()
    #expect(logSyncs() > start && store.flushed == store.published)
    try store.append(message(2))
    clock.advance(milliseconds: 9_000)
    _ = flusher.doWork()
    #expect(store.flushed < store.published)
    clock.advance(milliseconds: 1_500)
    _ = flusher.doWork()
    #expect(store.flushed == store.published, "flushCommitLogThoroughInterval has passed")
    try store.close()
}

@Test("one sync serves many writers, and each returns behind a sync that covers its message")
func groupCommit() async throws {
    let directory = try TemporaryDirectory()
    let disk = FaultyDisk()
    let store = try open(directory, disk: disk) {
        $0.flush.mode = .sync
        $0.threads = .own
    }
    await withTaskGroup(of: Void.self) { group in
        for writer in 0..<8 {
            group.addTask {
                for number in 0..<50 {
                    let result = try? await store.append(message(number, queue: Int32(writer)))
                    #expect(result.map { store.flushed >= $0.physicalEnd } == true)
                }
            }
        }
    }
    for id in 0..<8 {
        #expect(try store.maximumOffset(store.queue(topic: "Orders", id: Int32(id))) == 50)
    }
    try store.close()
}

@Test("the first failed sync is final: no acknowledgement after it, and no second try")
func failedSyncPoisons() throws {
    let directory = try TemporaryDirectory()
    let disk = FaultyDisk()
    let store = try open(directory, disk: disk) { $0.flush.mode = .sync }
    let kept = try store.append(message(1))
    disk.fail(Fault(operation: "sync", path: "/commitlog/", code: 5))
    #expect(throws: StoreError.self) { try store.append(message(2)) }
    // The device is well again, and the next sync would succeed: too late.
    disk.fail(nil)
    let syncs = disk.synced.count
    for _ in 0..<3 {
        do {
            try store.append(message(3))
            Issue.record("acknowledged after a failed sync")
        } catch StoreError.poisoned(let cause) { #expect(cause.code == 5) }
    }
    #expect(throws: StoreError.self) { try store.flush() }
    #expect(disk.synced.count == syncs, "nothing is synced again")
    #expect(store.flushed == kept.physicalEnd)
    let queue = try store.queue(topic: "Orders")
    #expect(try store.maximumOffset(queue) == 1, "what was not synced is not readable")
    #expect(throws: StoreError.self) { try store.close() }
    let again = try MessageStore.open(directory.path, tinyConfiguration())
    #expect(try again.message(at: kept.physicalOffset).body == message(1).body)
    try again.close()
}

@Test("much goes to the device a step at a time before the sync, and never the page in use")
func writesBackInSteps() throws {
    let directory = try TemporaryDirectory()
    let disk = FaultyDisk()
    let store = try open(directory, disk: disk) { $0.commitLog.segmentByteCount = 512 << 10 }
    func writeBacks() -> Int {
        disk.operations.count { $0.name == "write back" && $0.path.contains("/commitlog/") }
    }
    // All but the last page of the first step: with that page, which is appended to, it were whole.
    try store.append(message(0, size: 64_000))
    try #require(store.published > 60 << 10 && store.published < 64 << 10)
    try store.flush()
    #expect(writeBacks() == 0, "the page in use stays")
    for number in 1..<8 { try store.append(message(number, size: 30_000)) }
    try store.flush()
    // From the 60th KiB to the 268th, in steps of 64.
    #expect(writeBacks() == 3)
    #expect(disk.operations.last { $0.path.contains("/commitlog/") }?.name == "sync")
    // They are there still, whoever had them mapped.
    let queue = try store.queue(topic: "Orders")
    #expect(try store.read(queue, from: 0, count: 8, byteCount: 1 << 20).count == 8)
    for number in 8..<16 { try store.append(message(number, size: 30_000)) }
    let flushed = store.flushed
    disk.fail(Fault(operation: "write back", path: "/commitlog/", code: 5))
    #expect(throws: StoreError.self) { try store.flush() }
    disk.fail(nil)
    #expect(throws: StoreError.self) { try store.flush() }
    #expect(store.flushed == flushed, "what the kernel lost it tells of once")
    #expect(throws: StoreError.self) { try store.append(message(16)) }
}

@Test("a completion hears of the flush, or of its failure")
func completions() throws {
    let directory = try TemporaryDirectory()
    let disk = FaultyDisk()
    let store = try open(directory, disk: disk) { $0.flush.mode = .sync }
    let queue = try store.queue(topic: "Orders")
    let heard = Mutex<[Result<AppendResult, StoreError>]>([])
    let body = Array("x".utf8)
    func send() {
        store.append(to: queue, body: body.rawSpan, properties: [UInt8]().rawSpan) { result in
            heard.withLock { $0.append(result) }
        }
    }
    send()
    send()
    #expect(heard.withLock { $0.isEmpty })
    _ = store.committer.doWork()
    #expect(heard.withLock { $0.count } == 2)
    send()
    disk.fail(Fault(operation: "sync", path: "/commitlog/", code: 5))
    _ = store.committer.doWork()
    #expect(heard.withLock { $0.count } == 3)
    let last = heard.withLock { $0.last }
    if case .success? = last { Issue.record("acknowledged by a failed sync") }
}

/// A store whose appends wait for a sync, and for no more than 100 ms.
private func openImpatient(
    _ directory: TemporaryDirectory, _ clock: ManualClock
) throws -> MessageStore {
    try open(directory, disk: FaultyDisk(), clock: clock) {
        $0.flush.mode = .sync
        $0.flush.syncTimeoutMilliseconds = 100
    }
}

@Test("an append whose sync takes too long says so; the message stays")
func flushTimeout() throws {
    let directory = try TemporaryDirectory()
    let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
    let store = try openImpatient(directory, clock)
    let queue = try store.queue(topic: "Orders")
    let heard = Mutex<AppendStatus?>(nil)
    store.append(to: queue, body: [1].rawSpan, properties: [UInt8]().rawSpan) { result in
        heard.withLock { $0 = try? result.get().status }
    }
    clock.advance(milliseconds: 101)
    store.commit.settle()
    #expect(heard.withLock { $0 } == .flushTimedOut)
    try store.flush()
    #expect(try store.read(queue, from: 0).count == 1)
    try store.close()
}

@Test("appends in flight wake the watch over their time once, and again when all were answered")
func watchIsWokenOnce() throws {
    let directory = try TemporaryDirectory()
    let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
    let store = try openImpatient(directory, clock)
    let queue = try store.queue(topic: "Orders")
    let watch = Teller(store.commit)
    let timedOut = Atomic<Int>(0)
    func send(_ count: Int) {
        for _ in 0..<count {
            store.append(to: queue, body: [1].rawSpan, properties: [UInt8]().rawSpan) { result in
                let status = try? result.get().status
                if status == .flushTimedOut { timedOut.wrappingAdd(1, ordering: .relaxed) }
            }
        }
    }
    let before = store.commit.toTell.current
    send(100)
    #expect(store.commit.toTell.current == before &+ 1)
    _ = watch.doWork()
    // It looks again by itself for as long as one of them waits.
    #expect(watch.idleNanoseconds != nil)
    send(10)
    clock.advance(milliseconds: 101)
    _ = watch.doWork()
    #expect(timedOut.load(ordering: .relaxed) == 110)
    #expect(watch.idleNanoseconds == nil)
    send(1)
    #expect(store.commit.toTell.current == before &+ 2)
    try store.flush()
    try store.close()
}

@Test("who waits is told when a completion before it has the store flushed")
func flushInCompletion() throws {
    let directory = try TemporaryDirectory()
    let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
    let store = try open(directory, disk: FaultyDisk(), clock: clock) {
        $0.flush.mode = .sync
        $0.flush.syncTimeoutMilliseconds = 100
    }
    let queue = try store.queue(topic: "Orders")
    let done = Mutex<[Int64: AppendStatus]>([:])
    for number in 0..<2 {
        store.append(to: queue, body: [1].span.bytes) { result in
            guard case .success(let place) = result else { return }
            done.withLock { $0[place.queueOffset] = place.status }
            // The first one's time is over, the second one's is not.
            if number == 0 { try? store.flush() }
        }
        clock.advance(milliseconds: 60)
    }
    store.commit.settle()
    #expect(done.withLock { $0 } == [0: .flushTimedOut, 1: .stored])
    try store.close()
}

@Test("while a completion takes its time, the next syncs are made")
func slowCompletion() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(
        directory.path,
        tinyConfiguration {
            $0.flush.mode = .sync
            $0.threads = .own
        })
    let queue = try store.queue(topic: "Orders")
    let goOn = Flag()
    let told = Atomic<Int>(0)
    let slept = Signal()
    let seen = slept.current
    let body: [UInt8] = [1]
    // Whoever finds more to sync behind its own sync leaves the calls to the other thread.
    let isHeld = Atomic<Int64>(-1)
    while isHeld.load(ordering: .acquiring) < 0, told.load(ordering: .relaxed) < 100_000 {
        store.append(to: queue, body: body.span.bytes) { result in
            told.wrappingAdd(1, ordering: .relaxed)
            guard threadName() == "apus-tell", let place = try? result.get(),
                isHeld.compareExchange(
                    expected: -1, desired: place.physicalOffset, ordering: .acquiringAndReleasing
                ).exchanged
            else { return }
            while !goOn.isSet { slept.wait(after: seen, nanoseconds: 10_000_000) }
        }
    }
    #expect(isHeld.load(ordering: .acquiring) >= 0)
    let published = store.published
    store.append(to: queue, body: body.span.bytes) { _ in }
    let deadline = TimeSource.system.nanoseconds + 10_000_000_000
    while store.flushed <= published, TimeSource.system.nanoseconds < deadline {
        SystemThread.yield()
    }
    #expect(store.flushed > published)
    _ = goOn.set()
    slept.ring()
    try store.close()
}

/// What the system calls the thread that asks.
func threadName() -> String {
    let name = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
    return String(name?.prefix { $0 != "\n" } ?? "")
}
