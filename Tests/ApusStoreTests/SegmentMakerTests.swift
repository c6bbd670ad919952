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

    /// An appender that takes a segment on a thread of its own.
    private final class Taker: Sendable {
        let taken = Mutex<Segment?>(nil)
        private let thread = Mutex<SystemThread?>(nil)
        private let isDone = DispatchSemaphore(value: 0)

        func start(_ maker: SegmentMaker, base: Int64) {
            let started = try? SystemThread(name: "writer") {
                let segment = try? maker.takeNext(base: base)
                self.taken.withLock { $0 = segment }
                self.isDone.signal()
            }
            thread.withLock { $0 = started }
        }

        func isDone(within seconds: Double) -> Bool {
            isDone.wait(timeout: .now() + seconds) == .success
        }

        func join() { thread.withLock { $0.take() }?.join() }
    }

    private var files: [String] {
        get throws { try SystemDisk().list(paths.commitLog).map(\.name) }
    }

    /// Has the maker see a writer that came so far into a segment, and do all that it wants to.
    private func run(
        _ maker: SegmentMaker, _ segment: Segment, kibibytes: Int, milliseconds: Int64,
        from time: Int64 = 0
    ) {
        maker.follow(segment, position: 0, at: time)
        maker.follow(segment, position: kibibytes << 10, at: time + milliseconds * 1_000_000)
        while maker.doWork() > 0 {}
    }

    /// The same for one that fills most of it in a quarter of a second: almost eight in two.
    private func runFast(_ maker: SegmentMaker, _ segment: Segment, from time: Int64 = 0) {
        run(maker, segment, kibibytes: 62, milliseconds: 250, from: time)
    }

    @Test("makes one in the middle of the one before for a slow writer, and none sooner")
    func slow() throws {
        let maker = maker()
        let first = try maker.takeNext(base: 0)
        run(maker, first, kibibytes: 16, milliseconds: 1000)
        #expect(maker.prepared == nil && maker.isIdle)
        maker.follow(first, position: length / 2, at: 100 * second)
        #expect(maker.doWork() == 1 && maker.doWork() == 0 && maker.isIdle)
        #expect(maker.prepared?.base == first.end)
        #expect(try files.count == 2)
    }

    @Test(
        "makes as many as the writer fills in two seconds",
        arguments: [(24, 1000, 1), (31, 1000, 1), (24, 250, 3), (31, 250, 4)])
    func fast(kibibytes: Int, milliseconds: Int64, count: Int) throws {
        let maker = maker()
        let first = try maker.takeNext(base: 0)
        run(maker, first, kibibytes: kibibytes, milliseconds: milliseconds)
        #expect(try files.count == 1 + count)
    }

    @Test("takes an appender that comes late for no change of the writer's pace")
    func late() throws {
        let maker = maker()
        let first = try maker.takeNext(base: 0)
        maker.follow(first, position: 0, at: 0)
        maker.follow(first, position: 10 << 10, at: second)
        maker.follow(first, position: 1 << 10, at: 2 * second)
        // 5 KiB a second since the first second, and not 14 in this one.
        maker.follow(first, position: 15 << 10, at: 2 * second + second / 4)
        while maker.doWork() > 0 {}
        #expect(try files.count == 1)
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

    @Test("does not forget the pace because it looks again too soon")
    func tooSoon() throws {
        let maker = maker(mostReady: 1)
        let first = try maker.takeNext(base: 0)
        runFast(maker, first)
        let next = try maker.takeNext(base: first.end)
        maker.follow(next, position: 1 << 10, at: second / 4 + 1)
        while maker.doWork() > 0 {}
        #expect(maker.prepared?.base == next.end)
    }

    @Test("makes no more than eight, and no more than two gigabytes of them")
    func most() throws {
        let maker = maker()
        // Six are written in a quarter of a second.
        maker.follow(try maker.takeNext(base: 0), position: 0, at: 0)
        for number in 1..<5 { _ = try maker.takeNext(base: Int64(number * length)) }
        let last = try maker.takeNext(base: Int64(5 * length))
        maker.follow(last, position: 62 << 10, at: second / 4)
        while maker.doWork() > 0 {}
        #expect(try files.count == 6 + 8)
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
        runFast(maker, first)
        #expect(try files.count == 4)
        let next = try maker.takeNext(base: first.end)
        runFast(maker, next, from: 100 * second)
        #expect(try files.count == 5)
    }

    @Test("hands a segment out that is ready while it waits for the device with another one")
    func nobodyWaits() throws {
        let maker = maker()
        let first = try maker.takeNext(base: 0)
        run(maker, first, kibibytes: 31, milliseconds: 1000)
        let next = try #require(maker.prepared)
        let taker = Taker()
        let wasInTime = Flag()
        let isFirst = Flag()
        disk.onSync { _ in
            guard isFirst.set() else { return }
            taker.start(maker, base: next.base)
            if taker.isDone(within: 5) { _ = wasInTime.set() }
        }
        runFast(maker, next, from: 100 * second)
        disk.onSync(nil)
        taker.join()
        #expect(isFirst.isSet && wasInTime.isSet)
        #expect(taker.taken.withLock { $0 } === next)
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
        let taker = Taker()
        let isFirst = Flag()
        disk.onSync { _ in
            guard isFirst.set() else { return }
            taker.start(maker, base: first.end)
            // Long enough for it to come to the lock. If it comes later, it finds what is ready.
            SystemThread.sleep(nanoseconds: 50_000_000)
        }
        maker.follow(first, position: length / 2, at: 0)
        while maker.doWork() > 0 {}
        disk.onSync(nil)
        taker.join()
        #expect(taker.taken.withLock { $0 }?.base == first.end && maker.prepared == nil)
        #expect(disk.operations.count { $0.name == "open" } == 2)
    }

    @Test("makes none but the next where the disk has little more room than that")
    func littleRoom() throws {
        let maker = maker(mostReady: 3)
        let first = try maker.takeNext(base: 0)
        disk.pretend(available: 4 * length - 1)
        runFast(maker, first)
        #expect(maker.prepared?.base == first.end && maker.isIdle)
        #expect(try files.count == 2)
        disk.pretend(available: 4 * length)
        runFast(maker, first, from: second)
        #expect(try files.count == 4)
    }

    @Test("says so where the room that is left cannot be told, and makes the next all the same")
    func unknownRoom() throws {
        let listener = Listener()
        let maker = maker(listener)
        let first = try maker.takeNext(base: 0)
        disk.fail(Fault(operation: "space", path: "/commitlog", code: 5))
        runFast(maker, first)
        #expect(maker.prepared?.base == first.end && maker.isIdle)
        #expect(try files.count == 2)
        let told = listener.events.filter { event in
            if case .delayed("preparing the next segment", _) = event { true } else { false }
        }
        #expect(told.count == 1)
    }

    @Test("tries one that is not the next yet once, and the next one each time that it is asked")
    func noRoom() throws {
        let listener = Listener()
        let maker = maker(listener)
        let first = try maker.takeNext(base: 0)
        run(maker, first, kibibytes: 31, milliseconds: 1000)
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
        for round in 1...3 { runFast(maker, first, from: Int64(round) * second) }
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
        runFast(maker, first)
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

    @Test("leaves those before one whose removal failed, says so, and the next opening goes on")
    func discardFails() throws {
        let root = "\(directory.path)/store"
        let listener = Listener()
        let store = try MessageStore.open(
            root, tinyConfiguration(), observer: listener, disk: disk, time: .system)
        try store.append(message(0))
        let maker = store.log.preallocator.maker
        runFast(maker, try #require(store.log.segments.last))
        let made = try SystemDisk().list("\(root)/commitlog").map(\.name)
        #expect(made.count == 9)
        let path = try #require(made.dropLast().last)
        disk.fail(Fault(operation: "unlink", path: path, code: 5))
        try store.close()
        disk.fail(nil)
        #expect(try SystemDisk().list("\(root)/commitlog").map(\.name) == made.dropLast())
        let told = listener.events.contains { event in
            if case .delayed(let task, _) = event {
                task == "removing segments made ahead"
            } else {
                false
            }
        }
        #expect(told)
        let again = try MessageStore.open(root, tinyConfiguration())
        #expect(try SystemDisk().list("\(root)/commitlog").count == 1)
        try again.append(message(1))
        let queue = try again.queue(topic: "Orders")
        #expect(
            try again.read(queue, from: 0).messages().map(\.body)
                == [message(0).body, message(1).body])
        try again.close()
    }

    @Test("leaves files behind a kill that the next opening finds empty, and goes on in")
    func kill() throws {
        let root = "\(directory.path)/store"
        let store = try MessageStore.open(root, tinyConfiguration())
        for number in 0..<10 { try store.append(message(number)) }
        let segment = try #require(store.log.segments.last)
        runFast(store.log.preallocator.maker, segment)
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
