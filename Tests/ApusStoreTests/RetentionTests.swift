// Old messages go by RocketMQ's keys; who reads them meanwhile keeps them; a full disk is an error.

import ApusFormat
import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

@Suite("retention") struct RetentionTests {
    let directory: TemporaryDirectory
    let disk = FaultyDisk()
    let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
    let store: MessageStore

    init() throws {
        directory = try TemporaryDirectory()
        store = try MessageStore.open(
            directory.path,
            tinyConfiguration {
                $0.retention.deleteHours = Set(0..<24)
                $0.retention.reservedHours = 1
                $0.retention.deleteIntervalMilliseconds = 1
            }, observer: nil, disk: disk, time: .manual(clock))
        disk.pretend(usedPercent: 10)
        for number in 0..<1_000 {
            try store.append(message(number))
            clock.advance(milliseconds: 10_000)
        }
        try store.flush()
    }

    private var files: [String] {
        let path = "\(directory.path)/commitlog"
        return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    private func clean() {
        clock.advance(milliseconds: 10_000)
        for _ in 0..<3 { _ = store.cleaner.doWork() }
    }

    @Test(
        "deletes segments whose last message has expired, and the queue and index files with them")
    func expiry() throws {
        let before = files.count
        clean()
        #expect(files.count < before && store.physicalMinimum > 0)
        let queue = try store.queue(topic: "Orders")
        let low = try store.minimumOffset(queue)
        #expect(low > 0)
        let read = try #require(try store.read(queue, from: low, count: 1).messages().first)
        #expect(read.body == message(Int(low)).body)
        // An hour of messages, 10 s each, is kept.
        #expect(low <= 1_000 - 360)
        #expect(throws: StoreError.self) { _ = try store.read(queue, from: low - 1) }
        #expect(throws: StoreError.self) { _ = try store.message(at: 0) }
        #expect(try store.messages(topic: "Orders", key: "key1").isEmpty)
        let queueFiles = try FileManager.default.contentsOfDirectory(
            atPath: "\(directory.path)/consumequeue/Orders/0")
        #expect(!queueFiles.contains("00000000000000000000"))
        let leaving = try FileManager.default.contentsOfDirectory(
            atPath: "\(directory.path)/commitlog.deleting")
        #expect(leaving.isEmpty)
        try store.close()
        let again = try MessageStore.open(directory.path, tinyConfiguration())
        #expect(try again.minimumOffset(again.queue(topic: "Orders")) == low)
        #expect(try again.maximumOffset(again.queue(topic: "Orders")) == 1_000)
        try again.close()
    }

    @Test("a reader keeps the bytes it holds while their segment is deleted")
    func lease() throws {
        let queue = try store.queue(topic: "Orders")
        let batch = try store.read(queue, from: 0, count: 20)
        clean()
        #expect(store.physicalMinimum > 0)
        #expect(try batch.messages().map(\.body) == (0..<20).map { message($0).body })
        let leaving = try FileManager.default.contentsOfDirectory(
            atPath: "\(directory.path)/commitlog.deleting")
        #expect(leaving.count == 1)
        try store.close()
    }

    @Test("keeps what has not expired, unless the disk is full, and never the newest segment")
    func forced() throws {
        let before = files.count
        let young = try MessageStore.open(
            "\(directory.path)/young",
            tinyConfiguration { $0.retention.deleteHours = Set(0..<24) }, observer: nil, disk: disk,
            time: .manual(clock))
        for number in 0..<1_000 { try young.append(message(number)) }
        try young.flush()
        clock.advance(milliseconds: 10_000)
        _ = young.cleaner.doWork()
        #expect(young.physicalMinimum == 0)
        disk.pretend(usedPercent: 86)
        clock.advance(milliseconds: 10_000)
        _ = young.cleaner.doWork()
        #expect(young.physicalMinimum > 0)
        #expect(try young.maximumOffset(young.queue(topic: "Orders")) == 1_000)
        let queue = try young.queue(topic: "Orders")
        #expect(try !young.read(queue, from: young.minimumOffset(queue)).isEmpty)
        try young.close()
        #expect(files.count == before)
        try store.close()
    }

    @Test("above the warning level appends are refused, reads go on, and below it appends resume")
    func warning() throws {
        disk.pretend(usedPercent: 95)
        clean()
        let path = "\(directory.path)/commitlog"
        #expect(throws: StoreError.diskFull(path: path)) { try store.append(message(1)) }
        let queue = try store.queue(topic: "Orders")
        #expect(try !store.read(queue, from: store.minimumOffset(queue)).isEmpty)
        disk.pretend(usedPercent: 50)
        clean()
        #expect(try store.append(message(1_000)).queueOffset == 1_000)
        try store.close()
    }

    @Test("no room for the next segment is an error to the appender, and passes without a restart")
    func noRoom() throws {
        disk.fail(Fault(operation: "allocate", path: "/commitlog/", code: 28))
        var appended = 1_000
        var refused: (any Error)?
        while refused == nil, appended < 3_000 {
            do {
                try store.append(message(appended))
                appended += 1
            } catch { refused = error }
        }
        guard case .diskFull? = refused as? StoreError else {
            Issue.record("\(String(describing: refused))")
            return
        }
        let queue = try store.queue(topic: "Orders")
        #expect(
            try store.read(queue, from: 999, count: 1).messages().map(\.body) == [message(999).body]
        )
        disk.fail(nil)
        #expect(try store.append(message(appended)).queueOffset == Int64(appended))
        try store.close()
    }

    @Test(
        "segments go though a directory for them cannot be made or is on another file system",
        arguments: [("create directory", Int32(28)), ("rename", 18)])
    func noPlaceForLeaving(operation: String, code: Int32) throws {
        let before = files.count
        disk.fail(Fault(operation: operation, path: "/commitlog", code: code))
        clean()
        disk.fail(nil)
        #expect(files.count < before)
        let first = try #require(files.first.flatMap { Int64($0) })
        #expect(store.physicalMinimum == first)
        try store.close()
    }

    @Test("a file that someone else removed on its way out does not hold up the others")
    func removedByOthers() throws {
        let leaving = "\(directory.path)/commitlog.deleting"
        var batch: MessageBatch? = try store.read(store.queue(topic: "Orders"), from: 0, count: 1)
        clean()
        #expect(try FileManager.default.contentsOfDirectory(atPath: leaving).count == 1)
        try FileManager.default.removeItem(atPath: leaving)
        #expect(batch?.count == 1)
        batch = nil
        let before = store.physicalMinimum
        clock.advance(milliseconds: 4_000_000)
        for number in 1_000..<1_400 { try store.append(message(number)) }
        try store.flush()
        clean()
        #expect(store.physicalMinimum > before)
        try store.close()
    }
}
