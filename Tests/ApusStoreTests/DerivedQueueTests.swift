// ConsumeQueues are derived from the log: whatever is wrong with them, no message is lost.

import ApusFormat
import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

@Suite("a queue that disagrees with the log") struct DerivedQueueTests {
    let directory: TemporaryDirectory
    private let count = 150

    init() throws { directory = try TemporaryDirectory() }

    private func write(closing: Bool) throws {
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        for number in 0..<count { try store.append(message(number)) }
        try store.flush()
        if closing { try store.close() }
    }

    private func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(directory.path)/\(name)")
    }

    private func expectAll(_ store: MessageStore, _ count: Int) throws {
        let queue = try store.queue(topic: "Orders")
        #expect(try store.minimumOffset(queue) == 0)
        #expect(try store.maximumOffset(queue) == Int64(count))
        for offset in 0..<count {
            let read = try store.read(queue, from: Int64(offset), count: 1).messages()
            #expect(read.map(\.body) == [message(offset).body])
        }
    }

    @Test("in its last entries is mended from the log when it is opened")
    func wrongTail() throws {
        try write(closing: true)
        let file = "\(directory.path)/consumequeue/Orders/0/00000000000000002000"
        try overwrite(file, at: 48 * 20, with: [UInt8](repeating: 0x11, count: 40))
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        try expectAll(store, count)
        #expect(try store.append(message(count)).queueOffset == Int64(count))
        try store.close()
        let again = try MessageStore.open(directory.path, tinyConfiguration())
        try expectAll(again, count + 1)
        try again.close()
    }

    @Test("and has lost its last file is made again, from the log before the mark")
    func lostFile() throws {
        try write(closing: false)
        do {
            let killed = try MessageStore.open(directory.path, tinyConfiguration())
            try killed.flush()
            for number in count..<count + 20 { try killed.append(message(number)) }
        }
        try remove("consumequeue/Orders/0/00000000000000002000")
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        try expectAll(store, count + 20)
        try store.close()
    }

    @Test("is made again from all of the log when the checkpoint is damaged")
    func damagedCheckpoint() throws {
        try write(closing: false)
        try remove("consumequeue")
        try overwrite(
            "\(directory.path)/checkpoint", at: 0, with: [UInt8](repeating: 0x7F, count: 24))
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        try expectAll(store, count)
        #expect(store.checkpoint.fields.queueTimestamp < 1 << 50)
        try store.close()
    }

    @Test("is made again when a Java broker closed the store and someone removed the queues")
    func removedAfterJava() throws {
        try write(closing: true)
        try remove("consumequeue")
        try remove("checkpoint")
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        try expectAll(store, count)
        try store.close()
    }

    @Test("because a record is damaged names the record, and is held against the log once")
    func damagedRecord() throws {
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        var places: [AppendResult] = []
        for number in 0..<count { places.append(try store.append(message(number))) }
        let place = places[50].physicalOffset
        try overwrite(
            "\(directory.path)/commitlog/00000000000000000000", at: Int(place) + 4,
            with: [0, 0, 0, 1])
        let queue = try store.queue(topic: "Orders")
        for _ in 0..<2 {
            #expect(
                throws: StoreError.damagedRecord(
                    physicalOffset: place, damage: .unknownMagic(1))
            ) { try store.read(queue, from: 50) }
        }
        #expect(
            try store.read(queue, from: 51, count: 1).messages().map(\.body) == [message(51).body])
        try store.close()
    }
}
