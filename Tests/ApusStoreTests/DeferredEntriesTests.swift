// Entries of queues that were not appended to for a while, which are written a few at a time.

import ApusFormat
import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("entries that are put off", .timeLimit(.minutes(2))) struct DeferredEntriesTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A store whose queues are far after so many appends to others, with one message of a queue
    /// that nothing else uses: the first ticket is near everything.
    private func open(nearCount: UInt32) throws -> MessageStore {
        let store = try MessageStore.open(
            directory.path, tinyConfiguration { $0.queues.nearCount = nearCount })
        try store.append(message(0, topic: "First"))
        return store
    }

    /// What a file holds, without a read: that would find in the log what an entry has lost.
    private func expectEntries(
        _ queue: ConsumeQueue, _ places: [Int64], _ comment: Comment? = nil
    ) throws {
        let held = try places.indices.map { try queue.unit(at: Int64($0))?.physicalOffset }
        #expect(held == places, comment)
    }

    @Test("can be seen at once")
    func visible() throws {
        let store = try open(nearCount: 0)
        var places: [[Int64]] = [[], [], []]
        for number in 0..<90 {
            let queue = try store.queue(topic: "Orders", id: Int32(number % 3))
            let result = try store.append(message(number, queue: Int32(number % 3)))
            let end = Int64(number / 3 + 1)
            #expect(queue.queue.published.load(ordering: .acquiring) == end - 1, "not put off")
            #expect(try store.maximumOffset(queue) == end)
            let read = try store.read(queue, from: end - 1, count: 2).messages()
            #expect(read.map(\.physicalOffset) == [result.physicalOffset])
            places[number % 3].append(result.physicalOffset)
            try expectEntries(queue.queue, places[number % 3])
        }
        try store.close()
    }

    @Test("wake who waits for them")
    func waiters() throws {
        let store = try open(nearCount: 0)
        let queue = try store.queue(topic: "Orders")
        for number in 0..<5 {
            let seen = Mutex<Int64?>(nil)
            store.whenReadable(queue, offset: Int64(number)) {
                let end = try? store.maximumOffset(queue)
                seen.withLock { $0 = end }
            }
            try store.append(message(number))
            #expect(seen.withLock { $0 } == Int64(number) + 1)
        }
        try store.close()
    }

    @Test("are written before one of the same queue that is not")
    func near() throws {
        let store = try open(nearCount: 2)
        var places: [Int32: [Int64]] = [:]
        // Far are those that come again after three others; the last one comes twice.
        for number: Int32 in [0, 1, 2, 3, 0, 1, 2, 3, 3, 0, 1, 2, 3, 3, 3] {
            let place = try store.append(message(Int(number), queue: number)).physicalOffset
            places[number, default: []].append(place)
        }
        for number in Int32(0)..<4 {
            let queue = try store.queue(topic: "Orders", id: number).queue
            let expected = places[number] ?? []
            #expect(queue.published.load(ordering: .relaxed) == Int64(expected.count))
            try expectEntries(queue, expected, "queue \(number)")
        }
        try store.close()
    }

    @Test("are written before a batch of the same queue")
    func batch() throws {
        let store = try open(nearCount: 0)
        var places = [try store.append(message(1)).physicalOffset]
        let queue = try store.queue(topic: "Orders").queue
        #expect(queue.published.load(ordering: .relaxed) == 0, "not put off")
        let batch = try store.append(batch: [message(2), message(3)])
        places += [batch.first.physicalOffset, batch.first.physicalEnd]
        #expect(queue.published.load(ordering: .relaxed) == 3)
        try expectEntries(queue, places)
        try store.close()
    }

    @Test("are written when there is no place for one more")
    func full() throws {
        let store = try open(nearCount: 0)
        let capacity = store.log.publication.deferred.capacity
        var places: [Int64] = []
        for number in 0...capacity {
            places.append(
                try store.append(message(number, queue: Int32(number))).physicalOffset)
            let first = try store.queue(topic: "Orders", id: 0).queue
            let isWritten = first.published.load(ordering: .relaxed) == 1
            #expect(isWritten == (number == capacity), "\(number) of \(capacity)")
        }
        for number in 0..<capacity {
            let queue = try store.queue(topic: "Orders", id: Int32(number)).queue
            try expectEntries(queue, [places[number]], "queue \(number)")
        }
        try store.close()
    }

    @Test("hold nobody up who needs another file")
    func files() throws {
        let store = try open(nearCount: 0)
        var places: [Int64] = []
        for number in 0..<1_050 {
            places.append(try store.append(message(number, size: 20)).physicalOffset)
        }
        let queue = try store.queue(topic: "Orders")
        #expect(try store.maximumOffset(queue) == 1_050)
        try expectEntries(queue.queue, places)
        try store.close()
    }

    @Test(
        "are there when the store is opened again",
        arguments: ["closed", "killed", "killed behind a flush"])
    func reopened(how: String) throws {
        var places: [[Int64]] = [[], [], []]
        func run() throws {
            let store = try open(nearCount: 0)
            for number in 0..<70 {
                let queue = number % 3
                places[queue].append(
                    try store.append(message(number, queue: Int32(queue))).physicalOffset)
            }
            let queue = try store.queue(topic: "Orders", id: 0).queue
            #expect(queue.published.load(ordering: .relaxed) < Int64(places[0].count))
            if how == "closed" { try store.close() }
            if how == "killed behind a flush" {
                try store.flush()
                for (number, places) in places.enumerated() {
                    try expectEntries(
                        store.queue(topic: "Orders", id: Int32(number)).queue, places, "flushed")
                }
            }
        }
        try run()
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        for (number, places) in places.enumerated() {
            let queue = try store.queue(topic: "Orders", id: Int32(number))
            #expect(try store.maximumOffset(queue) == Int64(places.count))
            try expectEntries(queue.queue, places, "queue \(number)")
        }
        try store.close()
    }

    @Test("are in order among many threads and queues", arguments: 0..<4)
    func threads(round: Int) throws {
        struct NotThere: Error {}
        let seed = SeededNumbers.printed("entries that are put off, \(round)").seed
        let store = try open(nearCount: UInt32(seed % 5))
        let failures = Mutex<[String]>([])
        let places = Mutex<[Int32: [Int64: Int64]]>([:])
        let threads = try (0..<4).map { thread in
            try SystemThread(name: "deferred-\(thread)") {
                var numbers = SeededNumbers(seed: seed &+ UInt64(thread))
                var mine: [(Int32, AppendResult)] = []
                do {
                    for _ in 0..<3_000 {
                        let id = Int32.random(in: 0..<12, using: &numbers)
                        let queue = try store.queue(topic: "Orders", id: id)
                        let body = [UInt8](repeating: UInt8(thread), count: Int(id))
                        let result = try store.append(to: queue, body: body.span.bytes)
                        mine.append((id, result))
                        guard Int.random(in: 0..<8, using: &numbers) == 0 else { continue }
                        let read = try store.read(queue, from: result.queueOffset, count: 1)
                        var place: Int64 = -1
                        read.forEach { place = $0.physicalOffset }
                        guard place == result.physicalOffset else { throw NotThere() }
                    }
                } catch {
                    failures.withLock { $0.append("\(thread): \(error)") }
                }
                places.withLock { all in
                    for (id, result) in mine {
                        all[id, default: [:]][result.queueOffset] = result.physicalOffset
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(failures.withLock { $0 } == [])
        for (id, places) in places.withLock({ $0 }) {
            let queue = try store.queue(topic: "Orders", id: id)
            #expect(try store.maximumOffset(queue) == Int64(places.count))
            try expectEntries(
                queue.queue, places.sorted { $0.key < $1.key }.map(\.value), "queue \(id)")
        }
        try store.close()
    }
}
