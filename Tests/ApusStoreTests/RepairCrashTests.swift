// A repair that is stopped anywhere, and what it leaves of a store of our own.

import ApusFormat
import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

private let first = "commitlog/00000000000000000000"

/// A store of 150 messages in two queues, of which the last 50 are above the durable mark.
private struct KilledStore {
    let directory: TemporaryDirectory
    var root: String { directory.path }
    private(set) var places: [AppendResult] = []

    init(closed: Bool = false) throws {
        directory = try TemporaryDirectory()
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        for number in 0..<150 {
            if number == 100 { try store.flush() }
            places.append(try store.append(message(number, queue: Int32(number % 2))))
        }
        if closed { try store.close() }
    }

    /// The log's file, though the place is in another one.
    func flipBody(of number: Int) throws {
        let place = places[number].physicalOffset
        let base = place / 65_536 * 65_536
        try flipByte(
            "\(root)/commitlog/\(StoreDirectory.fileName(base))", at: Int(place - base) + 100)
    }
}

/// Reads messages of a `KilledStore` back, and tells the numbers of those that are not as they
/// were.
private func unreadable(_ root: String, _ range: Range<Int>) throws -> [Int] {
    let store = try MessageStore.open(root, tinyConfiguration())
    var bad: [Int] = []
    for number in range {
        let queue = try store.queue(topic: "Orders", id: Int32(number % 2))
        let read = try? store.read(queue, from: Int64(number / 2), count: 1).messages()
        let byKey = try? store.messages(topic: "Orders", key: "key\(number)")
        if read?.map(\.body) != [message(number).body] || byKey?.map(\.body) != read?.map(\.body) {
            bad.append(number)
        }
    }
    try store.close()
    return bad
}

@Suite("a repair of our own directory") struct OwnRepairTests {
    private func apply(_ root: String) throws -> RepairReport {
        try Repair.apply(SystemDisk(), StoreDirectory(root: root))
    }

    @Test("cuts a torn end above the mark after copying it")
    func tornEnd() throws {
        let killed = try KilledStore()
        try killed.flipBody(of: 120)
        let log = try contents(of: killed.root)[first] ?? Data()
        let proposed = try Repair.propose(SystemDisk(), StoreDirectory(root: killed.root))
        #expect(proposed.steps.map(\.kind) == [.cutLog])
        #expect(proposed.steps[0].place.physicalOffset == killed.places[120].physicalOffset)
        let done = try apply(killed.root)
        #expect(done.isSettled)
        let start = Int(killed.places[120].physicalOffset)
        let copy = try contents(of: killed.root)[try #require(done.copies.first)] ?? Data()
        #expect(copy == log[start..<start + copy.count])
        #expect(copy.count >= Int(killed.places[149].physicalEnd) - start)
        #expect(try contents(of: killed.root)[first]?[start...].allSatisfy { $0 == 0 } == true)
        #expect(try unreadable(killed.root, 0..<120).isEmpty)
        let store = try MessageStore.open(killed.root, tinyConfiguration())
        #expect(store.published == killed.places[120].physicalOffset)
        try store.close()
        #expect(try verify(killed.root).verdict == .sound)
    }

    @Test("never cuts below the mark: it says what is lost, and leaves the log as it is")
    func belowMark() throws {
        for closed in [false, true] {
            let store = try KilledStore(closed: closed)
            try store.flipBody(of: 50)
            try store.flipBody(of: 51)
            try flipByte("\(store.root)/consumequeue/Orders/0/00000000000000000000", at: 107)
            let log = try contents(of: store.root)[first]
            let done = try apply(store.root)
            #expect(try contents(of: store.root)[first] == log)
            #expect(done.steps.map(\.kind) == [.rebuildQueue])
            #expect(done.remaining.map(\.severity) == [.damage])
            #expect(done.lost.map(\.words) == ["Orders/0 offset 25", "Orders/1 offset 25"])
            #expect(!done.isSettled)
            #expect(try unreadable(store.root, 0..<150) == [50, 51])
        }
    }

    @Test("knows the end of a closed store, and cuts no record at it")
    func lastRecord() throws {
        let store = try KilledStore(closed: true)
        try store.flipBody(of: 149)
        let log = try contents(of: store.root)[first]
        let done = try apply(store.root)
        #expect(done.steps.isEmpty)
        #expect(done.remaining.map(\.kind) == [.damagedRecord, .durableMark])
        #expect(done.lost.map(\.words) == ["Orders/1 offset 74"])
        #expect(try contents(of: store.root)[first] == log)
    }

    /// Everything that can be made again, and a torn end.
    private func damage(_ store: KilledStore, isClosed: Bool) throws {
        if !isClosed { try store.flipBody(of: 120) }
        try flipByte("\(store.root)/consumequeue/Orders/0/00000000000000000000", at: 107)
        try FileManager.default.removeItem(atPath: "\(store.root)/consumequeue/Orders/1")
        let index = try #require(
            try FileManager.default.contentsOfDirectory(atPath: "\(store.root)/index").first)
        try flipByte("\(store.root)/index/\(index)", at: 40 + 100 * 4 + 20 * 20 + 3)
        if isClosed { try overwrite("\(store.root)/checkpoint", at: 0, with: [0x7F]) }
    }

    /// Whether each byte of a damaged store is in its place or in a copy.
    private func expectCopies(of before: [String: Data], in root: String) throws {
        let now = try contents(of: root)
        for (path, bytes) in before where now[path] != bytes && path != "lock" {
            let copies = now.filter {
                $0.key.hasPrefix("quarantine/") && !$0.key.hasSuffix(".partial")
            }
            if copies.values.contains(bytes) { continue }
            var whole = now[path] ?? Data()
            let base = Int(path.suffix(20)) ?? 0
            for (name, copy) in copies {
                guard let start = Int(name.dropFirst("quarantine/".count).prefix(20)),
                    start >= base, start - base + copy.count <= whole.count
                else { continue }
                whole.replaceSubrange(start - base..<start - base + copy.count, with: copy)
            }
            // A mark goes on being written: it holds no messages.
            #expect(whole == bytes || path == "checkpoint", "\(path) was changed without a copy")
        }
    }

    @Test(
        "stopped at any operation, once or for good, leaves nothing worse and is done again",
        arguments: [true, false], [true, false])
    func stopped(isClosed: Bool, forEver: Bool) throws {
        let original = try KilledStore(closed: isClosed)
        try damage(original, isClosed: isClosed)
        let before = try contents(of: original.root)
        let end = isClosed ? 150 : 120
        let unmended = try TemporaryDirectory()
        try FileManager.default.copyItem(atPath: original.root, toPath: "\(unmended.path)/store")
        // By a damaged index, keys are not found.
        let worst = Set(try unreadable("\(unmended.path)/store", 0..<end))
        for number in 0... {
            let copy = try TemporaryDirectory()
            let root = "\(copy.path)/store"
            try FileManager.default.copyItem(atPath: original.root, toPath: root)
            let disk = StoppingDisk(at: number, forEver: forEver)
            let isDone = (try? Repair.apply(disk, StoreDirectory(root: root)))?.isSettled ?? false
            let hasFailed = disk.hasFailed
            #expect(isDone || hasFailed, "operation \(number)")
            try expectCopies(of: before, in: root)
            if number % 8 == 0 {
                // Whoever opens it now loses nothing either.
                let opened = "\(copy.path)/opened"
                try FileManager.default.copyItem(atPath: root, toPath: opened)
                #expect(
                    worst.isSuperset(of: try unreadable(opened, 0..<end)), "operation \(number)")
            }
            let again = try apply(root)
            #expect(again.isSettled, "operation \(number): \(again.remaining.map(\.what))")
            #expect(try verify(root).verdict == .sound, "operation \(number)")
            try expectCopies(of: before, in: root)
            #expect(try unreadable(root, 0..<end).isEmpty, "operation \(number)")
            if !hasFailed {
                #expect(number > 60, "\(number) operations are all that a repair makes")
                break
            }
        }
    }

    @Test("an interrupted repair is named by verify, and taken for granted by nobody")
    func interrupted() throws {
        let store = try KilledStore(closed: true)
        try FileManager.default.createDirectory(
            atPath: "\(store.root)/repairing/consumequeue/Orders/1",
            withIntermediateDirectories: true)
        #expect(try verify(store.root).findings.map(\.kind) == [.repairUnfinished])
        let done = try apply(store.root)
        #expect(done.steps.map(\.kind) == [.rebuildQueue, .clearUnfinished])
        #expect(done.isSettled)
        #expect(!FileManager.default.fileExists(atPath: "\(store.root)/repairing"))
    }
}
