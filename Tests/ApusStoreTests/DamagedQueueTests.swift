// Queues whose files or last records are not what they were: derived data is made again, and no
// queue offset is given out twice.

import ApusFormat
import Foundation
import TestSupport
import Testing

@testable import ApusStore

@Suite("a queue") struct DamagedQueueTests {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        for number in 0..<350 { try store.append(message(number)) }
        try store.close()
    }

    private var folder: String { "\(directory.path)/consumequeue/Orders/0" }

    private func expectAll(_ store: MessageStore) throws {
        let queue = try store.queue(topic: "Orders")
        #expect(try store.minimumOffset(queue) == 0 && store.maximumOffset(queue) == 350)
        for number in 0..<350 {
            let read = try store.read(queue, from: Int64(number), count: 1).messages()
            #expect(read.map(\.body) == [message(number).body])
        }
        #expect(try store.append(message(350)).queueOffset == 350)
    }

    @Test(
        "that has lost a file in the middle is made again from the log, a copy kept",
        arguments: [true, false])
    func missingFile(isClosed: Bool) throws {
        try FileManager.default.removeItem(atPath: "\(folder)/00000000000000002000")
        if !isClosed {
            // As a kill leaves it, with the mark where it is.
            let store = try MessageStore.open(directory.path, tinyConfiguration())
            withExtendedLifetime(store) {}
        }
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        try expectAll(store)
        let kept = try FileManager.default.contentsOfDirectory(
            atPath: "\(directory.path)/quarantine")
        #expect(kept.contains { $0.contains("Orders") })
        try store.close()
    }

    @Test("whose entries read as zeros, below the mark of a killed store, is made again")
    func zeroedEntries() throws {
        do {
            let store = try MessageStore.open(directory.path, tinyConfiguration())
            try store.flush()
        }
        // In the last file, so that the search for the end meets them.
        try overwrite(
            "\(folder)/00000000000000006000", at: 20 * 44,
            with: [UInt8](repeating: 0, count: 60))
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        try expectAll(store)
        try store.close()
    }

    @Test("whose last record is damaged does not give its offset out again", arguments: [0, 100])
    func damagedLast(at distance: Int) throws {
        let place: Int64
        do {
            let store = try MessageStore.open(directory.path, tinyConfiguration())
            let queue = try store.queue(topic: "Orders")
            place = try #require(
                try store.read(queue, from: 349, count: 1).messages().first?.physicalOffset)
            try store.close()
        }
        let segment = place / 65_536 * 65_536
        try overwrite(
            "\(directory.path)/commitlog/\(StoreDirectory.fileName(segment))",
            at: Int(place - segment) + distance, with: [0xEE])
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        #expect(try store.append(message(350)).queueOffset == 350)
        let queue = try store.queue(topic: "Orders")
        #expect(throws: StoreError.self) { _ = try store.read(queue, from: 349) }
        #expect(
            try store.read(queue, from: 350, count: 1).messages().map(\.body)
                == [message(350).body])
        try store.close()
    }

    @Test(
        "keeps the entry of a message that cannot be read when one before it is made again",
        arguments: [347, 349])
    func keptEntry(damaged: Int64) throws {
        let place: Int64
        do {
            let store = try MessageStore.open(directory.path, tinyConfiguration())
            let queue = try store.queue(topic: "Orders")
            place = try #require(
                try store.read(queue, from: damaged, count: 1).messages().first?.physicalOffset)
            try store.close()
        }
        let segment = place / 65_536 * 65_536
        try overwrite(
            "\(directory.path)/commitlog/\(StoreDirectory.fileName(segment))",
            at: Int(place - segment), with: [0xEE])
        // The search for the end meets these.
        try overwrite(
            "\(folder)/00000000000000006000", at: 20 * 44, with: [UInt8](repeating: 0, count: 60))
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        let queue = try store.queue(topic: "Orders")
        for number in 340..<350 where number != Int(damaged) {
            let read = try store.read(queue, from: Int64(number), count: 1).messages()
            #expect(read.map(\.body) == [message(number).body])
        }
        #expect(throws: StoreError.self) { _ = try store.read(queue, from: damaged, count: 1) }
        #expect(try store.append(message(350)).queueOffset == 350)
        try store.close()
    }

    @Test("is not led astray by a record whose queue offset is damaged")
    func damagedQueueOffset() throws {
        var place: AppendResult
        do {
            let store = try MessageStore.open(directory.path, tinyConfiguration())
            place = try store.append(message(350))
            for number in 351..<360 { try store.append(message(number)) }
        }
        let segment = place.physicalOffset / 65_536 * 65_536
        try overwrite(
            "\(directory.path)/commitlog/\(StoreDirectory.fileName(segment))",
            at: Int(place.physicalOffset - segment) + 20, with: [0x00, 0x40])
        try FileManager.default.removeItem(atPath: "\(directory.path)/consumequeue")
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        let queue = try store.queue(topic: "Orders")
        #expect(try store.maximumOffset(queue) == 360)
        #expect(
            try store.read(queue, from: 359, count: 1).messages().map(\.body)
                == [message(359).body])
        try store.close()
    }

    @Test("hides no message behind an entry that stands for none", arguments: [175, 88, 300])
    func fillerInTheMiddle(number: Int) throws {
        let filler = [UInt8](repeating: 0, count: 8) + [0x7F, 0xFF, 0xFF, 0xFF]
        try overwrite(
            "\(folder)/\(StoreDirectory.fileName(Int64(number / 100) * 2000))",
            at: number % 100 * 20, with: filler + [UInt8](repeating: 0, count: 8))
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        let queue = try store.queue(topic: "Orders")
        #expect(try store.minimumOffset(queue) == 0)
        #expect(try store.read(queue, from: 0, count: 1).messages().map(\.queueOffset) == [0])
        #expect(try store.offset(in: queue, at: 0) == 0)
        #expect(
            try store.read(queue, from: Int64(number), count: 1).messages().map(\.queueOffset)
                == [Int64(number) + 1])
        try store.close()
    }

    @Test(
        "gives a record whose number is damaged no other number than it had",
        arguments: [[0, 1, 10], [0, 1, 110], [0x40, 1, 96]] as [[UInt8]])
    func damagedNumber(bytes: [UInt8]) throws {
        var places: [AppendResult] = []
        do {
            let killed = try MessageStore.open(directory.path, tinyConfiguration())
            for number in 350..<360 { places.append(try killed.append(message(number))) }
        }
        // One message says that it is another, before or behind; the last has none behind it.
        let wrong = bytes[0] == 0 ? 352 : 359
        let place = places[wrong - 350].physicalOffset
        let segment = place / 65_536 * 65_536
        try overwrite(
            "\(directory.path)/commitlog/\(StoreDirectory.fileName(segment))",
            at: Int(place - segment) + 20, with: [bytes[0], 0, 0, 0, 0, 0] + bytes[1...])
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        let queue = try store.queue(topic: "Orders")
        #expect(try store.maximumOffset(queue) == 360)
        for number in 0..<360 where number != wrong {
            let read = try store.read(queue, from: Int64(number), count: 1).messages()
            #expect(read.map(\.body) == [message(number).body])
        }
        #expect(throws: StoreError.self) { _ = try store.read(queue, from: Int64(wrong), count: 1) }
        try store.close()
    }

    @Test(
        "hides no message behind a damaged entry that points to before the log",
        arguments: [[0x80, 0], [0, 5]] as [[UInt8]])
    func entryBeforeTheLog(bytes: [UInt8]) throws {
        try FileManager.default.removeItem(
            atPath: "\(directory.path)/commitlog/\(StoreDirectory.fileName(0))")
        let first: Int64
        do {
            let store = try MessageStore.open(directory.path, tinyConfiguration())
            first = try store.minimumOffset(try store.queue(topic: "Orders"))
            #expect(first > 200 && first < 340)
            try store.close()
        }
        for number in first..<350 {
            let path = "\(folder)/\(StoreDirectory.fileName(number / 100 * 2000))"
            let place = Int(number % 100) * 20
            let entry = Array(try Data(contentsOf: URL(filePath: path))[place..<place + 20])
            try overwrite(path, at: place, with: [bytes[0], 0, 0, 0, 0, 0, 0, bytes[1]])
            let store = try MessageStore.open(directory.path, tinyConfiguration())
            let queue = try store.queue(topic: "Orders")
            #expect(try store.minimumOffset(queue) == first, "\(number)")
            #expect(
                try store.read(queue, from: number, count: 1).messages().map(\.body)
                    == [message(Int(number)).body])
            try store.close()
            try overwrite(path, at: place, with: entry)
        }
    }

    @Test("with a damaged first entry begins where it did")
    func firstEntry() throws {
        try overwrite("\(folder)/\(StoreDirectory.fileName(0))", at: 0, with: [0x80])
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        try expectAll(store)
        try store.close()
    }
}
