// How much of a queue's file is mapped: little while little of it is used.

import ApusFormat
import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

@Suite("the mapping of a queue's file", .timeLimit(.minutes(2))) struct QueueMappingLengthTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A store of files of 2,000 entries, 25 of them mapped at least; nothing is flushed unless
    /// somebody asks.
    private func open(disk: any Disk = SystemDisk()) throws -> MessageStore {
        try MessageStore.open(
            directory.path,
            tinyConfiguration {
                $0.queues.fileByteCount = 20 * 2_000
                $0.queues.leastMapping = 512
                $0.queues.extentByteCount = 100
                $0.queues.flushIntervalMilliseconds = 600_000
            }, observer: nil, disk: disk, time: .system)
    }

    private func expectAll(_ store: MessageStore, _ count: Int) throws {
        let queue = try store.queue(topic: "Orders")
        var next: Int64 = 0
        while next < Int64(count) {
            let read = try store.read(queue, from: next, count: 32)
            let messages = try read.messages()
            #expect(messages.first?.queueOffset == next)
            if messages.isEmpty { break }
            next = read.nextOffset
        }
        #expect(next == Int64(count))
    }

    @Test("is short at first, longer as entries come, and at last the whole file's")
    func growth() throws {
        let store = try open()
        let queue = try store.queue(topic: "Orders").queue
        var lengths: [Int] = []
        for number in 0..<2_500 {
            try store.append(message(number))
            let window = store.log.reservation.withLock { queue.current }
            let length = window.bytes.count
            if lengths.last != length { lengths.append(length) }
            // Whoever makes room may be in the next file already.
            #expect(window.end > Int64(number))
        }
        // Then the next file begins.
        #expect(Array(lengths.prefix(3)) == [512, 8_192, 40_000])
        #expect(store.log.reservation.withLock { queue.current.first } == 2_000)
        try expectAll(store, 2_500)
        try store.flush()
        #expect(queue.files.withLock { $0.outgrown }.isEmpty)
        try store.close()
        let again = try open()
        try expectAll(again, 2_500)
        try again.close()
    }

    @Test("that was outgrown is kept until all that was stored to it is on the device")
    func outgrown() throws {
        let store = try open()
        let queue = try store.queue(topic: "Orders").queue
        for number in 0..<30 { try store.append(message(number)) }
        let short = queue.files.withLock { $0.outgrown.map { [$0.file.window.end, $0.end] } }
        #expect(short.count == 1 && short[0][0] == 25 && short[0][1] <= 25)
        try store.flush()
        #expect(queue.files.withLock { $0.outgrown }.isEmpty)
        try store.close()
    }

    @Test("that was outgrown before it was full goes with the next flush too")
    func outgrownEarly() throws {
        let store = try open()
        let queue = try store.queue(topic: "Orders").queue
        let extender = QueueExtender(store.log)
        var number = 0
        while queue.files.withLock({ $0.outgrown.isEmpty }) {
            try store.append(message(number))
            number += 1
            _ = extender.doWork()
        }
        let old = queue.files.withLock { $0.outgrown.map { [$0.file.window.end, $0.end] } }
        #expect(old == [[25, Int64(number)]] && number < 25)
        try store.flush()
        #expect(queue.files.withLock { $0.outgrown }.isEmpty)
        try store.close()
    }

    @Test("that was outgrown is synced through its own descriptor too")
    func ownSync() throws {
        let disk = RememberingDisk()
        let store = try open(disk: disk)
        let sync = "sync \(directory.path)/consumequeue/Orders/0/\(StoreDirectory.fileName(0))"
        for number in 0..<5 { try store.append(message(number)) }
        try store.flush()
        #expect(disk.operations.count { $0 == sync } == 1)
        for number in 5..<30 { try store.append(message(number)) }
        try store.flush()
        #expect(disk.operations.count { $0 == sync } == 3)
        try store.append(message(30))
        try store.flush()
        #expect(disk.operations.count { $0 == sync } == 4)
        try store.close()
    }

    @Test("is read to its end by who needs all of the file")
    func whole() throws {
        let store = try open()
        try store.append(message(0))
        let queue = try store.queue(topic: "Orders").queue
        #expect(try queue.file(containing: 0)?.isWhole == false)
        #expect(try queue.wholeFile(containing: 0)?.isWhole == true)
        #expect(try queue.file(containing: 1_999)?.end == 2_000)
        #expect(try queue.file(containing: 2_000) == nil)
        for number in 1..<100 { try store.append(message(number)) }
        try expectAll(store, 100)
        try store.close()
    }

    @Test(
        "is as long as it needs to be: least, sixteen times as long, all",
        arguments: [(1, 512), (25, 512), (26, 8_192), (409, 8_192), (410, .max)] as [(Int64, Int)])
    func lengths(entries: Int64, mapped: Int) {
        #expect(QueueFile.mappedByteCount(for: entries, least: 512) == mapped)
    }
}
