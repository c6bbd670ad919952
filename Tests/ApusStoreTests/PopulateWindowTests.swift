// How far ahead of the writer pages are brought in.

import ApusSystem
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("the window of pages ahead of the writer") struct PopulateWindowTests {
    /// Goes on by `bytes` each millisecond; answers the window then.
    private func run(
        _ window: inout PopulateWindow, bytes: Int64, from start: Int64, milliseconds: Int
    ) -> Int {
        var last = 0
        for step in 0...milliseconds {
            last = window.follow(
                start + Int64(step) * bytes, at: (start + Int64(step)) * 1_000_000)
        }
        return last
    }

    @Test("holds 150 ms of the writer's pace, within its bounds")
    func pace() {
        var window = PopulateWindow(least: 1_000, most: 16_000)
        #expect(window.byteCount == 1_000)
        #expect(run(&window, bytes: 1, from: 0, milliseconds: 10) == 1_000)
        #expect(run(&window, bytes: 40, from: 1_000, milliseconds: 10) == 6_000)
        #expect(run(&window, bytes: 5_000, from: 2_000, milliseconds: 10) == 16_000)
    }

    @Test("gets shorter step by step, and down to the least")
    func shorter() {
        var window = PopulateWindow(least: 1_000, most: 16_000)
        _ = run(&window, bytes: 5_000, from: 0, milliseconds: 10)
        _ = window.follow(100_000, at: 1_000_000_000)
        #expect(window.byteCount == 14_000)
        #expect(run(&window, bytes: 1, from: 200_000, milliseconds: 100) == 1_000)
    }

    @Test("is not taken from two looks at the same moment, or at the same place")
    func noPace() {
        var window = PopulateWindow(least: 1_000, most: 16_000)
        _ = window.follow(0, at: 0)
        #expect(window.follow(1_000_000, at: 10) == 1_000)
        #expect(window.follow(0, at: 1_000_000) == 1_000)
        #expect(window.follow(100, at: 100_000_000) == 1_000)
        // A writer that is behind itself: one of several came late.
        #expect(window.follow(50, at: 200_000_000) == 1_000)
    }

    @Test("that is longer than a file, or empty, does not wake the agent at each append")
    func smallFile() throws {
        for ahead in [0, 1 << 20] {
            let directory = try TemporaryDirectory()
            let configuration = tinyConfiguration {
                $0.commitLog.writer = .mapped
                $0.commitLog.segmentByteCount = 256 << 10
                $0.commitLog.populateAheadByteCount = ahead
            }
            let store = try MessageStore.open(directory.path, configuration)
            let segment = try #require(store.log.segments.last)
            let preallocator = store.log.preallocator
            // In the middle the next file is due, and then nothing is.
            for (position, expected) in [
                (1, Int64(128 << 10)), (100 << 10, 128 << 10), (200 << 10, .max),
            ] {
                preallocator.follow(segment, position: position)
                _ = preallocator.doWork()
                // The agent's own thread may have taken it over.
                func isThere() -> Bool {
                    preallocator.wakeAt.load(ordering: .relaxed) == expected
                        && preallocator.isIdle
                }
                for _ in 0..<2_000 where !isThere() { SystemThread.sleep(nanoseconds: 1_000_000) }
                #expect(isThere(), "window \(ahead), position \(position)")
            }
            try store.close()
        }
    }

    @Test("wakes the agent before its end is reached, however short it is", arguments: [4, 16, 64])
    func shortWindow(kibibytes: Int) throws {
        let directory = try TemporaryDirectory()
        let configuration = tinyConfiguration {
            $0.commitLog.writer = .mapped
            $0.commitLog.segmentByteCount = 1 << 20
            $0.commitLog.populateAheadByteCount = kibibytes << 10
        }
        let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
        let store = try MessageStore.open(
            directory.path, configuration, observer: nil, disk: SystemDisk(), time: .manual(clock))
        let segment = try #require(store.log.segments.last)
        let preallocator = store.log.preallocator
        let position = 200 << 10
        preallocator.follow(segment, position: position)
        _ = preallocator.doWork()
        func wake() -> Int { Int(preallocator.wakeAt.load(ordering: .relaxed)) }
        for _ in 0..<2_000 where wake() == .max { SystemThread.sleep(nanoseconds: 1_000_000) }
        #expect(wake() == position + kibibytes << 8)
        try store.close()
    }

    @Test("reaches over the end of a file into the next")
    func nextFile() throws {
        let directory = try TemporaryDirectory()
        let configuration = tinyConfiguration {
            $0.commitLog.writer = .mapped
            $0.commitLog.segmentByteCount = 1 << 20
            $0.commitLog.populateAheadByteCount = 256 << 10
        }
        let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
        let store = try MessageStore.open(
            directory.path, configuration, observer: nil, disk: SystemDisk(), time: .manual(clock))
        let segment = try #require(store.log.segments.last)
        let preallocator = store.log.preallocator
        // 60 MB/s: 9 MB in 150 ms, of which the window has 2 MiB at the most.
        while store.published < 900 << 10 {
            try store.append(message(1, size: 60_000))
            preallocator.follow(segment, position: Int(store.published))
            _ = preallocator.doWork()
            _ = preallocator.maker.doWork()
            clock.advance(milliseconds: 1)
        }
        // The agent's own thread may have taken the last step over.
        func isThere() -> Bool {
            preallocator.maker.prepared?.populate(upTo: .max, step: 0) == 1 << 20
        }
        for _ in 0..<5_000 where !isThere() { SystemThread.sleep(nanoseconds: 1_000_000) }
        #expect(isThere())
        #expect(preallocator.maker.prepared?.base == segment.end)
        #expect(segment.populate(upTo: .max, step: 0) == 1 << 20)
        try store.close()
    }

    @Test(
        "begins with the first pages of a segment that was made, with or without other work",
        arguments: [false, true])
    func firstPages(isFollowed: Bool) throws {
        let directory = try TemporaryDirectory()
        let configuration = tinyConfiguration { $0.commitLog.writer = .mapped }
        let store = try MessageStore.open(directory.path, configuration)
        let preallocator = store.log.preallocator
        let segment = try #require(store.log.segments.last)
        preallocator.follow(segment, position: segment.bytes.count / 2)
        _ = preallocator.doWork()
        while preallocator.maker.doWork() > 0 {}
        let next = try #require(preallocator.maker.prepared)
        #expect(next.populate(upTo: .max, step: 0) == 0)
        if isFollowed { preallocator.follow(segment, position: segment.bytes.count / 2 + 1) }
        #expect(preallocator.doWork() == (isFollowed ? 1 : 0))
        #expect(
            next.populate(upTo: .max, step: 0) == configuration.commitLog.populateAheadByteCount)
        try store.close()
    }
}
