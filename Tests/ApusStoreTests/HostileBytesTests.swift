// Whatever numbers are on disk or passed in: values and errors, never a trap.

import ApusFormat
import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("numbers at their limits") struct HostileBytesTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func open(
        _ change: (inout StoreConfiguration) -> Void = { _ in }
    ) throws -> MessageStore { try MessageStore.open(directory.path, tinyConfiguration(change)) }

    private func bytes(_ value: Int64) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    private func indexFile() throws -> String {
        let names = try FileManager.default.contentsOfDirectory(
            atPath: "\(directory.path)/index")
        return "\(directory.path)/index/\(names.sorted()[0])"
    }

    @Test("a wait may last for ever")
    func longWait() throws {
        let store = try open { $0.flush.syncTimeoutMilliseconds = .max }
        let queue = try store.queue(topic: "Orders")
        try store.append(message(0))
        let heard = Signal()
        let thread = try SystemThread(name: "wait") {
            if (try? store.wait(for: queue, offset: 1, timeoutMilliseconds: .max)) == true {
                heard.ring()
            }
        }
        let seen = heard.current
        while queue.queue.waiterCount.load(ordering: .acquiring) == 0 { SystemThread.yield() }
        try store.append(message(1))
        heard.wait(after: seen, nanoseconds: 10_000_000_000)
        #expect(heard.current != seen)
        thread.join()
        try store.close()
    }

    @Test("times in the header of an IndexFile", arguments: [Int64.min, .max], [0, 8])
    func indexHeader(value: Int64, offset: Int) throws {
        var store = try open()
        for number in 0..<10 { try store.append(message(number)) }
        try store.close()
        try overwrite(try indexFile(), at: offset, with: bytes(value))
        try overwrite(try indexFile(), at: 32, with: [0x7F, 0xFF, 0xFF, 0xFF])
        store = try open()
        _ = try store.messages(topic: "Orders", key: "key3")
        for number in 10..<30 { try store.append(message(number)) }
        #expect(try store.messages(topic: "Orders", key: "key12").map(\.queueOffset) == [12])
        try store.close()
    }

    @Test("the store time and the queue offset of a record", arguments: [Int64.min, .max])
    func record(value: Int64) throws {
        var places: [AppendResult] = []
        do {
            let killed = try open()
            for number in 0..<10 { places.append(try killed.append(message(number))) }
        }
        let log = "\(directory.path)/commitlog/00000000000000000000"
        try overwrite(log, at: Int(places[5].physicalOffset) + 56, with: bytes(value))
        try overwrite(log, at: Int(places[6].physicalOffset) + 20, with: bytes(value))
        try FileManager.default.removeItem(atPath: "\(directory.path)/consumequeue")
        let store = try open()
        let queue = try store.queue(topic: "Orders")
        #expect(try store.read(queue, from: 0, count: 6).count == 6)
        _ = try store.messages(topic: "Orders", key: "key5")
        _ = try store.offset(in: queue, at: 0)
        try store.append(message(10))
        try store.close()
    }

    @Test("entries of a queue, in SYNC_FLUSH mode too")
    func entries() throws {
        var store = try open()
        for number in 0..<40 { try store.append(message(number)) }
        try store.close()
        try overwrite(
            "\(directory.path)/consumequeue/Orders/0/00000000000000000000", at: 0,
            with: (0..<38).flatMap { _ in bytes(.max) + [0x7F, 0xFF, 0xFF, 0xFF] + bytes(.min) })
        store = try open { $0.flush.mode = .sync }
        let queue = try store.queue(topic: "Orders")
        for number in 40..<44 {
            _ = try store.log.append(
                to: queue.queue, body: message(number).body.rawSpan,
                properties: [UInt8]().rawSpan, attributes: MessageAttributes())
            #expect(try store.maximumOffset(queue) == 40)
        }
        #expect(
            try store.read(queue, from: 3, count: 1).messages().map(\.body) == [message(3).body])
        try store.flush()
        #expect(try store.maximumOffset(queue) == 44)
        try store.close()
    }

    @Test("names of files", arguments: ["commitlog", "consumequeue/Orders/0"])
    func fileNames(folder: String) throws {
        let path = "\(directory.path)/\(folder)"
        if folder != "commitlog" {
            let store = try open()
            try store.append(message(0))
            try store.close()
            try FileManager.default.removeItem(atPath: path)
        }
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true)
        let length = folder == "commitlog" ? Int64(64 << 10) : 2000
        let name = StoreDirectory.fileName(Int64.max / length * length)
        let before = Data([UInt8](repeating: 7, count: Int(length)))
        try before.write(to: URL(filePath: "\(path)/\(name)"))
        let store = try open()
        let queue = try store.queue(topic: "Orders")
        #expect(try store.maximumOffset(queue) == (folder == "commitlog" ? 0 : 1))
        try store.close()
        #expect(try Data(contentsOf: URL(filePath: "\(path)/\(name)")) == before)
    }

    @Test(
        "a last segment that was being made when its maker was killed", arguments: [0, 4096, 8192])
    func partialSegment(length: Int) throws {
        do {
            let killed = try open()
            for number in 0..<10 { try killed.append(message(number)) }
        }
        let path = "\(directory.path)/commitlog/\(StoreDirectory.fileName(64 << 10))"
        try Data([UInt8](repeating: 0, count: length)).write(to: URL(filePath: path))
        let store = try open()
        #expect(try store.maximumOffset(store.queue(topic: "Orders")) == 10)
        try store.close()
    }
}

@Suite("an index without room") struct FullIndexTests {
    @Test("leaves no files behind, and queries find what could not be put")
    func noRoom() throws {
        let directory = try TemporaryDirectory()
        let disk = FaultyDisk()
        let store = try MessageStore.open(
            directory.path, tinyConfiguration(), observer: nil, disk: disk, time: .system)
        disk.fail(Fault(operation: "allocate", path: "/index/", code: 28))
        for number in 0..<10 { try store.append(message(number)) }
        for _ in 0..<5 {
            #expect(try store.messages(topic: "Orders", key: "key7").map(\.queueOffset) == [7])
        }
        #expect(try store.message(topic: "Orders", uniqueKey: "key7") == nil)
        let path = "\(directory.path)/index"
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
        disk.fail(nil)
        #expect(try store.messages(topic: "Orders", key: "key7").map(\.queueOffset) == [7])
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).count == 1)
        try store.close()
    }
}
