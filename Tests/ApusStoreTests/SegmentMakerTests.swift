// Segments are made as far ahead as the writer's pace asks for, and nobody waits for one that is
// there.

import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("the maker of segments") struct SegmentMakerTests {
    private let directory: TemporaryDirectory
    private let disk = FaultyDisk()
    private let paths: StoreDirectory
    private let length = 64 << 10
    private let second: Int64 = 1_000_000_000

    init() throws {
        directory = try TemporaryDirectory()
        paths = StoreDirectory(root: directory.path)
        try SystemDisk().createDirectories(paths.commitLog)
    }

    private func maker(
        mostReady: Int = 8, _ observer: (any StoreObserver)? = nil
    ) -> SegmentMaker {
        SegmentMaker(
            disk: disk, directory: paths, settings: tinyConfiguration().commitLog, isStaged: false,
            observer: observer, whenMade: Signal(), mostReady: mostReady)
    }

    private var files: [String] {
        get throws { try SystemDisk().list(paths.commitLog).map(\.name) }
    }

    /// Has the maker see a writer that came so far in a second, and do all that it wants to.
    private func run(_ maker: SegmentMaker, _ segment: Segment, bytes: Int, from time: Int64 = 0) {
        maker.follow(segment, position: 0, at: time)
        maker.follow(segment, position: bytes, at: time + second)
        while maker.doWork() > 0 {}
    }

    @Test("makes one in the middle of the one before for a slow writer, and none sooner")
    func slow() throws {
        let maker = maker()
        let first = try maker.takeNext(base: 0)
        run(maker, first, bytes: length / 4)
        #expect(maker.prepared == nil && maker.isIdle)
        maker.follow(first, position: length / 2, at: 100 * second)
        #expect(maker.doWork() == 1 && maker.doWork() == 0 && maker.isIdle)
        #expect(maker.prepared?.base == first.end)
        #expect(try files.count == 2)
    }

    @Test("makes as many as the writer fills in two seconds", arguments: [(24, 3), (31, 4)])
    func fast(kibibytes: Int, count: Int) throws {
        let maker = maker()
        let first = try maker.takeNext(base: 0)
        run(maker, first, bytes: kibibytes << 10)
        #expect(try files.count == 2)
        // Four times as fast, seen over the least time that counts.
        maker.follow(first, position: 0, at: 10 * second)
        maker.follow(first, position: kibibytes << 10, at: 10 * second + second / 4)
        while maker.doWork() > 0 {}
        #expect(try files.count == 1 + count)
    }

    @Test("counts no burst, however fast, that is over in less than a quarter of a second")
    func burst() throws {
        let maker = maker()
        let first = try maker.takeNext(base: 0)
        maker.follow(first, position: 0, at: 0)
        maker.follow(first, position: 30 << 10, at: second / 4 - 1)
        #expect(maker.doWork() == 0 && maker.prepared == nil)
        maker.follow(first, position: 31 << 10, at: second / 4)
        while maker.doWork() > 0 {}
        #expect(maker.prepared != nil)
    }

    @Test("makes no more than eight, and no more than two gigabytes of them")
    func most() throws {
        let maker = maker()
        run(maker, try maker.takeNext(base: 0), bytes: 1 << 30)
        #expect(try files.count == 9)
        for (byteCount, most) in [
            (1 << 30, Int64(2) << 30), (256 << 20, 2 << 30), (1 << 20, 8 << 20),
        ] {
            #expect(SegmentMaker.most(8, of: byteCount) == most)
        }
    }

    @Test("makes another one for each that is taken")
    func bound() throws {
        let maker = maker(mostReady: 3)
        let first = try maker.takeNext(base: 0)
        run(maker, first, bytes: 1 << 30)
        #expect(try files.count == 4)
        let next = try maker.takeNext(base: first.end)
        run(maker, next, bytes: 1 << 30, from: 100 * second)
        #expect(try files.count == 5)
    }

    @Test("hands a segment out that is ready while it waits for the device with another one")
    func nobodyWaits() throws {
        let maker = maker()
        let first = try maker.takeNext(base: 0)
        run(maker, first, bytes: 31 << 10)
        let next = try #require(maker.prepared)
        let taken = Mutex<Segment?>(nil)
        let isTaken = DispatchSemaphore(value: 0)
        let wasInTime = Flag()
        let isFirst = Flag()
        disk.onSync { _ in
            guard isFirst.set() else { return }
            let thread = try? SystemThread(name: "writer") {
                let segment = try? maker.takeNext(base: next.base)
                taken.withLock { $0 = segment }
                isTaken.signal()
            }
            if isTaken.wait(timeout: .now() + 5) == .success { _ = wasInTime.set() }
            if wasInTime.isSet { thread?.join() }
        }
        run(maker, next, bytes: 1 << 30, from: 100 * second)
        disk.onSync(nil)
        #expect(isFirst.isSet && wasInTime.isSet)
        #expect(taken.withLock { $0 } === next)
    }

    @Test("makes none twice when it and an appender want the same one")
    func once() throws {
        let maker = maker()
        let first = try maker.takeNext(base: 0)
        maker.follow(first, position: length / 2, at: 0)
        let next = try maker.takeNext(base: first.end)
        #expect(maker.doWork() == 0)
        #expect(maker.prepared == nil && next.base == first.end)
        #expect(disk.operations.count { $0.name == "open" } == 2)
    }

    @Test("gives who came for a segment that is being made that one")
    func waited() throws {
        let maker = maker()
        let first = try maker.takeNext(base: 0)
        let taken = Mutex<Segment?>(nil)
        let thread = Mutex<SystemThread?>(nil)
        let isFirst = Flag()
        disk.onSync { _ in
            guard isFirst.set() else { return }
            let started = try? SystemThread(name: "writer") {
                let segment = try? maker.takeNext(base: first.end)
                taken.withLock { $0 = segment }
            }
            thread.withLock { $0 = started }
            // Long enough for it to come to the lock. If it comes later, it finds what is ready.
            SystemThread.sleep(nanoseconds: 50_000_000)
        }
        maker.follow(first, position: length / 2, at: 0)
        while maker.doWork() > 0 {}
        disk.onSync(nil)
        thread.withLock { $0 }?.join()
        #expect(taken.withLock { $0 }?.base == first.end && maker.prepared == nil)
        #expect(disk.operations.count { $0.name == "open" } == 2)
    }

    @Test("tries one that is not the next yet once, and the next one each time that it is asked")
    func noRoom() throws {
        let listener = Listener()
        let maker = maker(listener)
        let first = try maker.takeNext(base: 0)
        run(maker, first, bytes: 31 << 10)
        #expect(maker.prepared?.base == first.end)
        disk.fail(Fault(operation: "allocate", path: "/commitlog/", code: 28))
        func failures() -> Int {
            listener.events.count { event in
                if case .delayed(let task, _) = event {
                    task == "preparing the next segment"
                } else {
                    false
                }
            }
        }
        for round in 1...3 { run(maker, first, bytes: 1 << 30, from: Int64(100 * round) * second) }
        #expect(failures() == 1)
        let next = try maker.takeNext(base: first.end)
        for round in 1...3 {
            maker.follow(next, position: length / 2, at: Int64(1000 + round) * second)
            while maker.doWork() > 0 {}
        }
        #expect(failures() == 4)
        disk.fail(nil)
        maker.follow(next, position: length / 2, at: 2000 * second)
        while maker.doWork() > 0 {}
        #expect(maker.prepared?.base == next.end)
        #expect(try files.count == 3)
    }

    @Test("removes what was never written to, the last one first, each for good before the next")
    func discard() throws {
        let maker = maker(mostReady: 3)
        let first = try maker.takeNext(base: 0)
        run(maker, first, bytes: 1 << 30)
        let before = disk.operations.count
        maker.discardReady()
        #expect(try files == [StoreDirectory.fileName(0)])
        let wanted = [3, 2, 1].flatMap { number in
            [
                "unlink \(paths.segment(base: Int64(number * length)))",
                "sync directory \(paths.commitLog)",
            ]
        }
        #expect(disk.operations.dropFirst(before).map { "\($0.name) \($0.path)" } == wanted)
    }

    @Test("leaves those before one whose removal failed: a log has no gap")
    func discardFails() throws {
        let maker = maker(mostReady: 3)
        let first = try maker.takeNext(base: 0)
        run(maker, first, bytes: 1 << 30)
        disk.fail(Fault(operation: "sync directory", path: "/commitlog", code: 5))
        maker.discardReady()
        disk.fail(nil)
        #expect(try files == [0, 1, 2].map { StoreDirectory.fileName(Int64($0 * length)) })
    }

    @Test("leaves files behind a kill that the next opening finds empty, and goes on in")
    func kill() throws {
        let root = "\(directory.path)/store"
        let store = try MessageStore.open(root, tinyConfiguration())
        for number in 0..<10 { try store.append(message(number)) }
        let segment = try #require(store.log.segments.last)
        run(store.log.preallocator.maker, segment, bytes: 160 << 10)
        try store.flush()
        let copy = "\(directory.path)/killed"
        try FileManager.default.copyItem(atPath: root, toPath: copy)
        try store.close()
        #expect(try SystemDisk().list("\(root)/commitlog").count == 1)
        #expect(try SystemDisk().list("\(copy)/commitlog").count > 3)
        let again = try MessageStore.open(copy, tinyConfiguration())
        for number in 10..<2000 { try again.append(message(number)) }
        let queue = try again.queue(topic: "Orders")
        for offset in stride(from: 0, to: 2000, by: 100) {
            let read = try again.read(queue, from: Int64(offset), count: 1).messages()
            #expect(read.map(\.body) == [message(offset).body])
        }
        try again.close()
    }
}
