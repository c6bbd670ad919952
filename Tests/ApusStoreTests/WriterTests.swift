// The two kinds of writer: the same bytes on disk, and what each promises.

import ApusFormat
import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("the page-aligned writer") struct WriterTests {
    private func open(
        _ directory: TemporaryDirectory, _ writer: WriterKind = .pageAligned,
        _ mode: FlushSettings.Mode = .async, disk: any Disk = SystemDisk(),
        clock: ManualClock? = nil
    ) throws -> MessageStore {
        let configuration = tinyConfiguration {
            $0.commitLog.writer = writer
            $0.flush.mode = mode
            $0.integrity.appendsRecordChecksum = true
        }
        return try MessageStore.open(
            directory.path, configuration, observer: nil, disk: disk,
            time: clock.map { .manual($0) } ?? .system)
    }

    @Test("is chosen for SYNC_FLUSH, where the settings do not say", .enabled(if: !isChosen))
    func defaults() {
        var configuration = StoreConfiguration()
        #expect(configuration.writerKind == .mapped)
        configuration.flush.mode = .sync
        #expect(configuration.writerKind == .pageAligned)
        configuration.commitLog.writer = .mapped
        #expect(configuration.writerKind == .mapped)
    }

    private static var isChosen: Bool {
        ProcessInfo.processInfo.environment["APUS_WRITER"] != nil
    }

    @Test(
        "leaves the same bytes as the mapped one, over rolls and reopening",
        arguments: [FlushSettings.Mode.async, .sync])
    func sameBytes(_ mode: FlushSettings.Mode) throws {
        var logs: [[String: Data]] = []
        for kind in [WriterKind.mapped, .pageAligned] {
            let directory = try TemporaryDirectory()
            let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
            for round in 0..<3 {
                let store = try open(directory, kind, mode, clock: clock)
                for number in 0..<200 {
                    clock.advance(milliseconds: 1)
                    let size = (number * 37 + round) % 900
                    try store.append(message(number, queue: Int32(number % 3), size: size))
                    if number % 16 == 0 {
                        try store.append(batch: (0..<5).map { message(number + $0) })
                    }
                }
                try store.close()
            }
            let folder = "\(directory.path)/commitlog"
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            logs.append(
                try Dictionary(
                    uniqueKeysWithValues: names.map {
                        ($0, try Data(contentsOf: URL(filePath: "\(folder)/\($0)")))
                    }))
        }
        #expect(logs[0].count > 3)
        #expect(logs[0] == logs[1])
    }

    @Test("acknowledges with ASYNC_FLUSH what the process need not survive for")
    func survivesKill() throws {
        let directory = try TemporaryDirectory()
        let copy = try TemporaryDirectory()
        let store = try open(directory)
        var places: [AppendResult] = []
        for number in 0..<150 { places.append(try store.append(message(number))) }
        // What a kill leaves: the files as other processes see them now.
        let path = "\(copy.path)/store"
        try FileManager.default.copyItem(atPath: directory.path, toPath: path)
        let other = try MessageStore.open(
            path, store.log.configuration, observer: nil, disk: SystemDisk(), time: .system)
        for (number, place) in places.enumerated() {
            #expect(try other.message(at: place.physicalOffset).body == message(number).body)
        }
        try other.close()
        try store.close()
    }

    @Test("shows readers nothing that is not in the file, and wakes them when it is")
    func readers() throws {
        let directory = try TemporaryDirectory()
        let store = try open(directory)
        let queue = try store.queue(topic: "Orders")
        let place = try store.log.append(
            to: queue.queue, body: [1, 2, 3].span.bytes, properties: RawSpan(),
            attributes: MessageAttributes())
        #expect(store.published == place.physicalEnd)
        #expect(try store.maximumOffset(queue) == 0)
        #expect(throws: StoreError.self) { try store.message(at: place.physicalOffset) }
        let wakes = Mutex(0)
        store.whenReadable(queue, offset: 0) { wakes.withLock { $0 += 1 } }
        #expect(wakes.withLock { $0 } == 0)
        try store.append(message(2))
        #expect(wakes.withLock { $0 } == 1)
        #expect(try store.read(queue, from: 0).messages().map(\.queueOffset) == [0, 1])
        try store.close()
    }

    @Test("opened in the middle of a page leaves what is before in it")
    func partialPage() throws {
        let directory = try TemporaryDirectory()
        for round in 0..<30 {
            let store = try open(directory, round % 4 == 3 ? .mapped : .pageAligned, .sync)
            try store.append(message(round, size: 1 + round * 13))
            let queue = try store.queue(topic: "Orders")
            let bodies = try store.read(queue, from: 0).messages().map(\.body)
            #expect(bodies == (0...round).map { message($0, size: 1 + $0 * 13).body })
            try store.close()
        }
    }

    @Test(
        "takes nothing behind a write that failed, and does not write again",
        arguments: [FlushSettings.Mode.async, .sync])
    func failedWrite(_ mode: FlushSettings.Mode) throws {
        let directory = try TemporaryDirectory()
        let disk = FaultyDisk()
        let store = try open(directory, .pageAligned, mode, disk: disk)
        let kept = try store.append(message(1))
        disk.fail(Fault(operation: "write", path: "/commitlog/", code: 28))
        let cause = StoreError.poisoned(
            cause: DiskError(
                operation: "write", path: store.log.segments.first?.file.path ?? "", code: 28))
        #expect(throws: cause) { try store.append(message(2)) }
        disk.fail(nil)
        let writes = disk.operations.count { $0.name == "write" }
        #expect(throws: cause) { try store.append(message(3)) }
        #expect(throws: cause) { try store.append(batch: [message(4)]) }
        #expect(throws: cause) { try store.flush() }
        for agent in store.agents { _ = agent.doWork() }
        #expect(throws: DiskError.self) { try store.log.writer?.write(upTo: store.published) }
        #expect(disk.operations.count { $0.name == "write" } == writes)
        #expect(try store.message(at: kept.physicalOffset).body == message(1).body)
        #expect(throws: cause) { try store.close() }
        let again = try open(directory, .pageAligned, mode)
        let queue = try again.queue(topic: "Orders")
        #expect(try again.read(queue, from: 0).messages().map(\.body) == [message(1).body])
        try again.close()
    }

    @Test("writes once for all who append at the same time")
    func combines() throws {
        let directory = try TemporaryDirectory()
        let disk = FaultyDisk()
        let store = try open(directory, disk: disk)
        let queue = try store.queue(topic: "Orders")
        // Of the log: room in a queue is made by writes, too.
        func writes() -> Int {
            disk.operations.count { $0.name == "write" && $0.path.contains("/commitlog/") }
        }
        let before = writes()
        for _ in 0..<8 {
            _ = try store.log.append(
                to: queue.queue, body: [1].span.bytes, properties: RawSpan(),
                attributes: MessageAttributes())
        }
        try store.append(message(9))
        #expect(writes() == before + 1)
        #expect(try store.maximumOffset(queue) == 9)
        try store.close()
    }

    @Test(
        "shares a sync between all who wait for it", arguments: [WriterKind.mapped, .pageAligned])
    func sharedSync(_ kind: WriterKind) throws {
        let directory = try TemporaryDirectory()
        let store = try open(directory, kind, .sync)
        let queue = try store.queue(topic: "Orders")
        let done = Mutex<[Int64]>([])
        let before = store.syncCount
        for number in 0..<100 {
            store.append(to: queue, body: [UInt8(number)].span.bytes) { result in
                guard case .success(let place) = result, place.status == .stored else { return }
                done.withLock { $0.append(place.queueOffset) }
            }
        }
        #expect(done.withLock { $0 } == [] && store.syncCount == before)
        _ = store.committer.doWork()
        #expect(done.withLock { $0 } == Array(0..<100))
        #expect(store.syncCount == before + 1)
        try store.close()
    }

    @Test("gives the memory of pages back that are in the file")
    func memory() throws {
        let bytes = try MappedBytes.reserve(count: 8 << 12)
        defer { bytes.unmap() }
        for page in 0..<8 { bytes.withMutable { $0.storeBigEndian(UInt8(7), at: page << 12) } }
        bytes.discard(100..<3 << 12 + 5)
        #expect((0..<8).map { bytes.byte(at: $0 << 12) } == [7, 0, 0, 7, 7, 7, 7, 7])
        bytes.clear(4 << 12..<4 << 12 + 1)
        #expect(bytes.byte(at: 4 << 12) == 0)
    }
}
