// Room for entries that is made ahead, while an appender makes room for itself.

import ApusFormat
import ApusSystem
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("room that is made ahead") struct RoomStepTests {
    let directory: TemporaryDirectory
    let disk = FaultyDisk()
    let store: MessageStore
    let queue: ConsumeQueue

    /// A queue whose steps are longer than what is zeroed at once, with one message.
    init() throws {
        directory = try TemporaryDirectory()
        store = try MessageStore.open(
            directory.path,
            tinyConfiguration {
                $0.queues.fileByteCount = 400_000
                $0.queues.extentByteCount = 100_000
            }, observer: nil, disk: disk, time: .system)
        try store.append(message(7, size: 20))
        queue = try store.queue(topic: "Orders").queue
    }

    private func step() throws -> RoomStep {
        try #require(
            store.log.roomLock.withLock { _ in
                queue.beginStep(
                    ConsumeQueue.Marks(
                        nextOffset: queue.nextOffset, preparedEnd: queue.preparedEnd))
            })
    }

    /// Appends messages up to `end`, and past it by some.
    private func fill(past end: Int64) throws {
        let orders = try store.queue(topic: "Orders")
        while try store.maximumOffset(orders) < end + 600 {
            try store.append(message(7, size: 20))
        }
    }

    private func expectAll() throws {
        let orders = try store.queue(topic: "Orders")
        let end = try store.maximumOffset(orders)
        // First without a read, which finds what an entry has lost in the log again.
        let lost = try (0..<end).filter { try queue.unit(at: $0)?.isWritten != true }
        #expect(lost.isEmpty, "lost: \(lost.count) entries from \(lost.first ?? -1) on")
        var next: Int64 = 0
        while next < end {
            let read = try store.read(orders, from: next, count: 32).messages()
            try #require(!read.isEmpty, "nothing at \(next) of \(end)")
            for one in read {
                #expect(one.queueOffset == next && one.body == message(7, size: 20).body)
                next += 1
            }
        }
    }

    @Test(
        "is not zeroed any more once an appender has made room there for itself", arguments: [0, 1])
    func ended(pieces: Int) throws {
        let step = try step()
        #expect(step.range.lowerBound == queue.preparedEnd && step.range.count > 4_000)
        for _ in 0..<pieces {
            let goesOn = try step.advance(by: 1_000) { entries throws(StoreError) in
                _ = try queue.reserve(step.file, entries)
            }
            #expect(goesOn)
        }
        try fill(past: step.range.lowerBound + Int64(pieces) * 1_000)
        try queue.take(step)
        try expectAll()
        try store.close()
    }

    @Test("is taken as far as it was made, and what is behind is made then")
    func continued() throws {
        let step = try step()
        try queue.take(step)
        #expect(step.end() == step.range.upperBound)
        try store.log.extend(queue)
        #expect(queue.preparedEnd >= step.range.upperBound)
        try fill(past: step.range.upperBound)
        try expectAll()
        try store.close()
    }

    @Test("is made once, and its file is let go with it")
    func once() throws {
        func writes() -> Int {
            disk.operations.count { $0.name == "write" && $0.path.contains("/consumequeue/") }
        }
        let before = writes()
        try store.log.extend(queue)
        // 100,000 bytes, in pieces of 64 KiB.
        #expect(writes() == before + 2)
        #expect(queue.step == nil)
        // Idle queues give their mappings back, and this one does in the middle of it.
        let (log, queue) = (store.log, queue)
        disk.onWrite { _ in
            log.roomLock.withLock { _ in
                _ = log.reservation.withLock { queue.takeMappings() }
            }
        }
        try log.extend(queue)
        disk.onWrite(nil)
        #expect(queue.step == nil && !queue.isMapped)
        try fill(past: 0)
        try expectAll()
        try store.close()
    }

    @Test("reaches into the next file before the end of this one is reached")
    func nextFile() throws {
        // 20,000 entries a file.
        func prepared() -> Int64 { store.log.reservation.withLock { queue.preparedEnd } }
        while prepared() <= 20_000 {
            try store.log.extend(queue)
            #expect(prepared() != 20_000, "it stopped at the end of the file")
        }
        #expect(store.log.reservation.withLock { queue.current.first } == 0)
        #expect(queue.files.withLock { $0.firsts } == [0, 20_000])
        #expect(prepared() > 20_000 + 1_000)
        // Both files have all the room there is: a third is not made before the second is used.
        while prepared() < 40_000 { try store.log.extend(queue) }
        try store.log.extend(queue)
        #expect(queue.files.withLock { $0.firsts } == [0, 20_000])
        try fill(past: 20_000)
        #expect(queue.published.load(ordering: .relaxed) > 20_000)
        try store.log.extend(queue)
        #expect(prepared() > 40_000 + 1_000)
        #expect(queue.files.withLock { $0.firsts } == [0, 20_000, 40_000])
        try expectAll()
        try store.close()
    }

    @Test("the next file is made while whoever needs the lock may have it")
    func nextFileUnlocked() throws {
        let log = store.log
        let held = Mutex<[String]>([])
        let note: @Sendable (String) -> Void = { path in
            guard path.hasSuffix("/Orders/0") || path.hasSuffix("/00000000000000400000") else {
                return
            }
            if log.roomLock.withLockIfAvailable({ _ in }) == nil {
                held.withLock { $0.append(path) }
            }
        }
        disk.onDirectorySync(note)
        disk.onOpen(note)
        disk.onWrite(note)
        func prepared() -> Int64 { log.reservation.withLock { queue.preparedEnd } }
        while prepared() <= 20_000 { try log.extend(queue) }
        disk.onDirectorySync(nil)
        disk.onOpen(nil)
        disk.onWrite(nil)
        #expect(queue.files.withLock { $0.firsts } == [0, 20_000])
        #expect(held.withLock { $0 } == [])
        let made = disk.operations.filter { $0.path.hasSuffix("/00000000000000400000") }
        #expect(made.contains { $0.name == "open" } && made.contains { $0.name == "write" })
        try store.close()
    }

    @Test("the next file is an appender's where one has made it meanwhile")
    func nextFileTwice() throws {
        func prepared() -> Int64 { store.log.reservation.withLock { queue.preparedEnd } }
        let file = try queue.makeFile(from: 20_000)
        try fill(past: 20_000)
        let leaving = store.log.roomLock.withLock { _ in queue.list(file) }
        #expect(leaving.count == 1 && leaving[0] === file)
        #expect(queue.files.withLock { $0.firsts } == [0, 20_000])
        try expectAll()
        try store.close()
    }

    @Test("a file that would leave a gap is not kept")
    func gap() throws {
        let file = try queue.makeFile(from: 40_000)
        let path = file.file.path
        #expect(try disk.status(path) != nil)
        _ = store.log.roomLock.withLock { _ in queue.list(file) }
        #expect(try disk.status(path) == nil)
        #expect(queue.files.withLock { $0.firsts } == [0])
        try store.close()
    }

    @Test("names of a queue that has filled a file are on the device before the next is made")
    func namesAhead() throws {
        func syncs() -> Int {
            disk.operations.count { $0.name.hasPrefix("sync") && $0.path.hasSuffix("/Orders/0") }
        }
        let extender = QueueExtender(store.log)
        store.log.roomRequests.note(queue)
        _ = extender.doWork()
        #expect(syncs() == 0, "a queue of one file leaves it to the flush")
        func prepared() -> Int64 { store.log.reservation.withLock { queue.preparedEnd } }
        while prepared() <= 20_000 {
            store.log.roomRequests.note(queue)
            _ = extender.doWork()
        }
        // One before the second file, one behind it.
        #expect(syncs() == 2)
        try fill(past: 20_000)
        while prepared() <= 40_000 {
            store.log.roomRequests.note(queue)
            _ = extender.doWork()
        }
        #expect(syncs() == 3, "none before the third")
        try store.close()
    }

    @Test("a sync of names that fails ahead of the next file poisons the store")
    func namesFail() throws {
        disk.fail(Fault(operation: "sync directory", path: "/Orders/0", code: 5))
        func prepared() -> Int64 { store.log.reservation.withLock { queue.preparedEnd } }
        // Where one ends at the end of the file it goes on to the next one by itself.
        while prepared() < 20_000 { try store.log.extend(queue) }
        disk.fail(nil)
        #expect(store.log.poisonCause?.isOfSync == true)
        #expect(queue.files.withLock { $0.firsts } == [0])
        #expect(throws: StoreError.self) { try store.append(message(7, size: 20)) }
    }

    @Test("ends with the file where the disk has no room for the next one")
    func noNextFile() throws {
        let path = String(queue.path(ofFileFrom: 20_000).suffix(20))
        disk.fail(Fault(operation: "allocate", path: path, code: 28))
        func prepared() -> Int64 { store.log.reservation.withLock { queue.preparedEnd } }
        for _ in 0..<10 where prepared() < 20_000 { try store.log.extend(queue) }
        #expect(prepared() == 20_000)
        // Now it is needed, and who needs it hears why there is none.
        #expect(throws: StoreError.self) { try store.log.extend(queue) }
        disk.fail(nil)
        try fill(past: 20_000)
        try expectAll()
        try store.close()
    }

    @Test("is made by one at a time: another step ends the one before")
    func replaced() throws {
        let first = try step()
        let second = try step()
        let isStale = try first.advance(by: 1) { _ in Issue.record("goes on") }
        let isNew = try second.advance(by: 1) { _ in }
        #expect(!isStale && isNew)
        try store.close()
    }

    @Test("names that were found when the store was opened wait until a file is made")
    func namesFound() throws {
        try fill(past: 20_000)
        try store.close()
        let disk = FaultyDisk()
        let again = try MessageStore.open(
            directory.path, tinyConfiguration { $0.queues.fileByteCount = 400_000 },
            observer: nil, disk: disk, time: .system)
        try again.append(message(7, size: 20))
        let queue = try again.queue(topic: "Orders").queue
        #expect(queue.files.withLock { $0.firsts.count } > 1)
        again.log.roomRequests.note(queue)
        #expect(QueueExtender(again.log).doWork() == 1)
        let synced = disk.operations.filter { $0.name == "sync directory" }
        #expect(!synced.contains { $0.path.hasSuffix("/Orders/0") })
        try again.close()
    }

    @Test("a sync of names that fails behind the next file poisons the store")
    func namesFailBehind() throws {
        func prepared() -> Int64 { store.log.reservation.withLock { queue.preparedEnd } }
        while prepared() <= 20_000 { try store.log.extend(queue) }
        #expect(queue.files.withLock { $0.firsts } == [0, 20_000])
        disk.fail(Fault(operation: "sync directory", path: "/Orders/0", code: 5))
        store.log.roomRequests.note(queue)
        _ = QueueExtender(store.log).doWork()
        disk.fail(nil)
        #expect(store.log.poisonCause?.isOfSync == true)
        #expect(throws: StoreError.self) { try store.append(message(7, size: 20)) }
    }

    @Test("is of 1 MiB at the most, or of a file for a queue that comes back at once")
    func pace() throws {
        let directory = try TemporaryDirectory()
        let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
        let store = try MessageStore.open(
            directory.path,
            tinyConfiguration {
                $0.queues.fileByteCount = 6_000_000
                $0.queues.extentByteCount = 1 << 19
            },
            observer: nil, disk: SystemDisk(), time: .manual(clock))
        try store.append(message(7, size: 20))
        let queue = try store.queue(topic: "Orders").queue
        func step() throws -> Int64 {
            let before = store.log.reservation.withLock { queue.preparedEnd }
            try store.log.extend(queue)
            return store.log.reservation.withLock { queue.preparedEnd } - before
        }
        let mebibyte: Int64 = (1 << 20) / 20
        for _ in 0..<3 {
            clock.advance(milliseconds: 250)
            #expect(try step() <= mebibyte + 1)
        }
        // The one after the first that comes soon is the first that is longer.
        clock.advance(milliseconds: 249)
        #expect(try step() <= mebibyte + 1)
        #expect(try step() > mebibyte + 1)
        clock.advance(milliseconds: 250)
        _ = try step()
        #expect(try step() <= mebibyte + 1)
        try store.close()
    }

    @Test("ahead and by appenders at once, loses nobody's entries")
    func together() throws {
        let extender = QueueExtender(store.log)
        let isDone = Flag()
        let thread = try SystemThread(name: "ahead") {
            while !isDone.isSet { if extender.doWork() == 0 { SystemThread.yield() } }
        }
        for _ in 0..<40 {
            // As if it were needed at once, while the appender comes to the end by itself.
            store.log.roomRequests.note(queue)
            try fill(past: queue.published.load(ordering: .relaxed))
        }
        _ = isDone.set()
        thread.join()
        try expectAll()
        try store.close()
    }
}
