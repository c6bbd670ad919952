// More queues than a process may have files open.

import ApusFormat
import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

/// A disk on which so many files of queues can be open at a time.
private final class LimitedDisk: InterceptingDisk {
    let limit: Int
    private let state = Mutex<(open: Int, refused: Int)>((0, 0))
    var refused: Int { state.withLock { $0.refused } }

    init(limit: Int) { self.limit = limit }

    func before(_ operation: String, _ path: String) throws(DiskError) {
        guard operation == "open", path.contains("/consumequeue/") else { return }
        let isGranted = state.withLock { state in
            let isGranted = state.open < limit
            if isGranted { state.open += 1 } else { state.refused += 1 }
            return isGranted
        }
        if !isGranted { throw DiskError(operation: "open", path: path, code: EMFILE) }
    }

    func didClose(_ path: String) {
        if path.contains("/consumequeue/") { state.withLock { $0.open -= 1 } }
    }
}

@Suite("with more queues than files may be open, a store") struct QueueMappingsTests {
    let directory: TemporaryDirectory
    private let disk = LimitedDisk(limit: 8)

    init() throws { directory = try TemporaryDirectory() }

    private func open() throws -> MessageStore {
        try MessageStore.open(
            directory.path, tinyConfiguration(), observer: nil, disk: disk, time: .system)
    }

    @Test("appends to all of them in turn, reads and flushes them")
    func appends() throws {
        let store = try open()
        for round in 0..<3 {
            for queue in 0..<40 {
                let result = try store.append(message(queue, queue: Int32(queue)))
                #expect(result.queueOffset == Int64(round))
            }
        }
        try store.flush()
        try expectAll(store, rounds: 3)
        try store.close()
        #expect(disk.refused > 0)
    }

    @Test("takes the mappings of those that nobody appends to or reads, and of no others")
    func idle() throws {
        let store = try open()
        store.log.mappings.setLimit(to: 0, of: nil)
        for queue in Int32(0)..<3 { try store.append(message(0, queue: queue)) }
        let queues = try (Int32(0)..<3).map { try store.queue(topic: "Orders", id: $0).queue }
        func sweep() -> Int {
            store.log.roomLock.withLock { _ in
                store.log.mappings.giveBackIdle(store.log.reservation)
            }
        }
        #expect(sweep() == 0, "all were used since they are there")
        try store.append(message(1, queue: 0))
        _ = try store.read(store.queue(topic: "Orders", id: 1), from: 0)
        #expect(sweep() == 1)
        #expect(queues.map(\.isMapped) == [true, true, false])
        #expect(sweep() == 2)
        for queue in Int32(0)..<3 { try store.append(message(2, queue: queue)) }
        #expect(queues.map(\.isMapped) == [true, true, true])
        try store.close()
    }

    @Test("takes mappings of idle queues only as far as there are too many, of each in turn")
    func excess() throws {
        let store = try open()
        let limits = ProcessLimits(
            descriptorLimit: 8, descriptorsInUse: 0, mappingLimit: 100, mappingsInUse: 0)
        store.log.mappings.setLimit(to: 100, of: limits)
        #expect(!store.log.mappings.mayBeTooMany)
        for queue in Int32(0)..<6 { try store.append(message(0, queue: queue)) }
        let queues = try (Int32(0)..<6).map { try store.queue(topic: "Orders", id: $0).queue }
        #expect(store.log.mappings.mayBeTooMany)
        func sweep() -> Int {
            store.log.roomLock.withLock { _ in
                store.log.mappings.giveBackIdle(store.log.reservation)
            }
        }
        #expect(sweep() == 0 && sweep() == 2)
        #expect(queues.map(\.isMapped) == [false, false, true, true, true, true])
        #expect(sweep() == 0, "half of what the process may have is left")
        for queue in Int32(0)..<2 { try store.append(message(1, queue: queue)) }
        #expect(sweep() == 2)
        #expect(queues.map(\.isMapped) == [true, true, false, false, true, true])
        try store.close()
    }

    @Test("opens after a kill, and goes on", arguments: [false, true])
    func recovers(isFlushed: Bool) throws {
        var store: MessageStore? = try open()
        for _ in 0..<2 {
            for queue in 0..<40 { try store?.append(message(queue, queue: Int32(queue))) }
        }
        if isFlushed { try store?.flush() }
        store = nil
        let again = try open()
        for queue in 0..<40 { try again.append(message(queue, queue: Int32(queue))) }
        try expectAll(again, rounds: 3)
        try again.close()
        #expect(disk.refused > 0)
    }

    private func expectAll(_ store: MessageStore, rounds: Int) throws {
        for id in 0..<40 {
            let queue = try store.queue(topic: "Orders", id: Int32(id))
            #expect(try store.minimumOffset(queue) == 0)
            let read = try store.read(queue, from: 0).messages()
            #expect(read.map(\.body) == Array(repeating: message(id).body, count: rounds))
            #expect(try store.offset(in: queue, at: 0) == 0)
        }
    }
}
