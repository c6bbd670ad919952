// The scrubber finds what changed on the device, at its pace, and what it found is not served.

import ApusFormat
import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

@Suite("the scrubber") struct ScrubberTests {
    let directory: TemporaryDirectory
    let disk = FaultyDisk()
    let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
    let listener = Listener()
    var places: [AppendResult] = []
    let store: MessageStore

    init() throws {
        directory = try TemporaryDirectory()
        store = try MessageStore.open(
            directory.path,
            tinyConfiguration {
                // What the scrubber found must be refused without a check as well.
                $0.integrity.checksOnRead = false
                $0.integrity.appendsRecordChecksum = true
                $0.scrub.bytesPerSecond = 16 << 10
                $0.scrub.intervalHours = 1
                $0.retention.deleteHours = Set(0..<24)
                $0.retention.reservedHours = 1
            }, observer: listener, disk: disk, time: .manual(clock))
        for number in 0..<600 { places.append(try store.append(message(number))) }
        try store.flush()
    }

    private var found: [(range: DamagedRange, path: String, cause: DiskError?)] {
        listener.events.compactMap { event in
            guard case .scrubFound(let range, let path, let cause) = event else { return nil }
            return (range, path, cause)
        }
    }

    /// Steps the scrubber until it has come through the log once more.
    private func pass() {
        let before = store.scrubbing.passCount
        clock.advance(milliseconds: 3_600_000)
        for _ in 0..<1_000 where store.scrubbing.passCount == before {
            _ = store.scrubber.doWork()
            clock.advance(milliseconds: 1_000)
        }
        #expect(store.scrubbing.passCount == before + 1)
    }

    private func path(of place: AppendResult) -> String {
        let base = place.physicalOffset / 65_536 * 65_536
        return "\(directory.path)/commitlog/\(StoreDirectory.fileName(base))"
    }

    private func write(_ bytes: [UInt8], at place: AppendResult, _ offset: Int) throws {
        try overwrite(
            path(of: place), at: Int(place.physicalOffset % 65_536) + offset, with: bytes)
    }

    @Test("goes through all that was flushed, and says how far it is")
    func wholeLog() throws {
        try store.append(message(600))
        pass()
        #expect(found.isEmpty)
        let progress = store.scrubbing
        #expect(progress.byteCount == store.flushed && progress.position == store.flushed)
        #expect(store.flushed < store.published && store.flushed > 2 * 65_536)
        #expect(progress.lastPassEnd.map { $0 <= clock.wallMilliseconds } == true)
        #expect(progress.findingCount == 0)
        pass()
        #expect(store.scrubbing.byteCount == 2 * store.flushed)
        try store.close()
    }

    @Test(
        "tells of a changed byte once, with file and offset, and the record is not served any more",
        arguments: [0, 4, 20, 28, 60, 90, 120, 170])
    func changedByte(offset: Int) throws {
        // In the second file, so that the place in the file is not the place in the log.
        let bad = places.firstIndex { $0.physicalOffset > 65_536 + 5_000 } ?? 0
        try write([0xEE], at: places[bad], offset)
        let queue = try store.queue(topic: "Orders")
        pass()
        let one = try #require(found.first)
        #expect(found.count == 1 && one.cause == nil)
        #expect(one.range.start == places[bad].physicalOffset)
        #expect(one.range.end == places[bad + 1].physicalOffset)
        #expect(one.path == path(of: places[bad]))
        #expect(store.damagedRanges == [one.range] && one.range.reason != nil)
        #expect(store.scrubbing.findingCount == 1)
        #expect(throws: StoreError.self) { try store.read(queue, from: Int64(bad)) }
        #expect(throws: StoreError.self) { try store.message(at: places[bad].physicalOffset) }
        #expect(try store.messages(topic: "Orders", key: "key\(bad)").isEmpty)
        for near in [bad - 1, bad + 1] {
            let read = try store.read(queue, from: Int64(near), count: 1).messages()
            #expect(read.map(\.body) == [message(near).body])
        }
        pass()
        #expect(found.count == 1, "told of once")
        try store.close()
    }

    @Test("tells of zeros where records were")
    func zeros() throws {
        let size = Int(places[12].physicalOffset - places[10].physicalOffset)
        try write([UInt8](repeating: 0, count: size), at: places[10], 0)
        pass()
        #expect(
            found.map(\.range) == [
                DamagedRange(
                    start: places[10].physicalOffset, end: places[12].physicalOffset, reason: nil,
                    validRecordsBehind: 0)
            ])
        try store.close()
    }

    @Test("reads no more bytes in a second than the setting says")
    func pace() throws {
        clock.advance(milliseconds: 61_000)
        var last: Int64 = 0
        for _ in 0..<200 where store.scrubbing.passCount == 0 {
            for _ in 0..<50 {
                _ = store.scrubber.doWork()
                clock.advance(milliseconds: 20)
            }
            let read = store.scrubbing.byteCount
            // A second's worth, and what one step saved up.
            #expect(read - last <= 16 << 10 + 4 << 10)
            last = read
        }
        #expect(store.scrubbing.passCount == 1)
        let waits = store.scrubber.idleNanoseconds ?? 0
        #expect(waits >= 1_000_000_000, "between passes it sleeps")
        try store.close()
    }

    @Test("a store that is opened for less than a minute is not read")
    func delay() throws {
        clock.advance(milliseconds: 59_000)
        _ = store.scrubber.doWork()
        #expect(store.scrubbing.byteCount == 0 && store.scrubbing.passCount == 0)
        try store.close()
    }

    @Test("bytes that cannot be read are told of each time, and served once they can be")
    func unreadable() throws {
        let second = "\(directory.path)/commitlog/00000000000000065536"
        disk.fail(Fault(operation: "read", path: second, code: 5))
        pass()
        #expect(found.count == 1 && found.first?.cause?.code == 5)
        #expect(found.first?.range.start == 65_536 && found.first?.range.end == 131_072)
        pass()
        #expect(found.count == 2)
        disk.fail(nil)
        pass()
        #expect(found.count == 2)
        for place in places { _ = try store.message(at: place.physicalOffset) }
        try store.close()
    }

    @Test("a file that someone cut short is told of, and the process goes on")
    func cutShort() throws {
        let first = "\(directory.path)/commitlog/00000000000000000000"
        let kept = try Data(contentsOf: URL(filePath: first))
        truncate(first, 8_192)
        pass()
        #expect(found.count == 1)
        let range = try #require(found.first?.range)
        #expect(range.start <= 8_192 && range.end == 65_536)
        #expect("\(try #require(found.first?.cause))".contains("byte 8192"))
        try kept.write(to: URL(filePath: first), options: [])
        try store.close()
    }

    @Test("what is deleted under a pass is no damage, and not held back")
    func deletion() throws {
        clock.advance(milliseconds: 61_000)
        for _ in 0..<3 {
            _ = store.scrubber.doWork()
            clock.advance(milliseconds: 1_000)
        }
        #expect(store.scrubbing.position > 0 && store.scrubbing.passCount == 0)
        clock.advance(milliseconds: 7_200_000)
        for _ in 0..<3 { _ = store.cleaner.doWork() }
        #expect(store.physicalMinimum > store.scrubbing.position)
        let leaving = try FileManager.default.contentsOfDirectory(
            atPath: "\(directory.path)/commitlog.deleting")
        #expect(leaving.isEmpty)
        pass()
        #expect(found.isEmpty)
        try store.close()
    }
}
