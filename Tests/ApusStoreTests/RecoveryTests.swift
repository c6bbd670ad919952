// What a crash leaves, and what is made of it.

import ApusFormat
import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

/// Remembers what the store has to say.
final class Listener: StoreObserver {
    private let all = Mutex<[StoreEvent]>([])
    func storeDid(_ event: StoreEvent) { all.withLock { $0.append(event) } }
    var events: [StoreEvent] { all.withLock { $0 } }
}

/// Remembers what is done to files.
final class RememberingDisk: InterceptingDisk {
    private let all = Mutex<[String]>([])
    private let ranges = Mutex<[String: [Range<Int>]]>([:])
    var operations: [String] { all.withLock { $0 } }
    func before(_ operation: String, _ path: String) throws(DiskError) {
        all.withLock { $0.append("\(operation) \(path)") }
    }

    /// The ranges of a file that were synced apart from the rest.
    func synced(_ path: String) -> [Range<Int>] { ranges.withLock { $0[path] ?? [] } }
    func willSync(_ path: String, _ range: Range<Int>) {
        ranges.withLock { $0[path, default: []].append(range) }
    }
}

/// Changes bytes of a file in place.
func overwrite(_ path: String, at offset: Int, with bytes: [UInt8]) throws {
    let handle = try FileHandle(forUpdating: URL(filePath: path))
    defer { try? handle.close() }
    try handle.seek(toOffset: UInt64(offset))
    try handle.write(contentsOf: Data(bytes))
}

private func flip(_ path: String, at offset: Int) throws {
    let handle = try FileHandle(forUpdating: URL(filePath: path))
    defer { try? handle.close() }
    try handle.seek(toOffset: UInt64(offset))
    let byte = try handle.read(upToCount: 1)?.first ?? 0
    try handle.seek(toOffset: UInt64(offset))
    try handle.write(contentsOf: Data([byte ^ 0x10]))
}

private let firstSegment = "commitlog/00000000000000000000"

@Suite("recovery after a kill") struct KillTests {
    let directory: TemporaryDirectory
    /// Where each message's record begins.
    var places: [AppendResult] = []

    init() throws {
        directory = try TemporaryDirectory()
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        for number in 0..<100 { places.append(try store.append(message(number))) }
        try store.flush()
        for number in 100..<150 { places.append(try store.append(message(number))) }
        // Let go, not closed: what is behind message 99 is above the durable mark.
    }

    private var segment: String { "\(directory.path)/\(firstSegment)" }
    private var quarantined: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: "\(directory.path)/quarantine")) ?? []
    }

    private func reopen(_ listener: Listener = Listener()) throws -> MessageStore {
        try MessageStore.open(directory.path, tinyConfiguration(), observer: listener)
    }

    private func expectMessages(_ range: Range<Int>, in store: MessageStore) throws {
        let queue = try store.queue(topic: "Orders")
        #expect(try store.maximumOffset(queue) == Int64(range.upperBound))
        for number in range {
            let read = try store.read(queue, from: Int64(number), count: 1).messages()
            #expect(read.map(\.body) == [message(number).body])
        }
    }

    @Test("removes segments behind the cut from the last one back, each for good")
    func segmentsBehindCut() throws {
        try flip(segment, at: Int(try fillThreeSegments()) + 100)
        let disk = RememberingDisk()
        let store = try MessageStore.open(
            directory.path, tinyConfiguration(), observer: nil, disk: disk, time: .system)
        try expectMessages(0..<150, in: store)
        let log = "\(directory.path)/commitlog"
        let gone = disk.operations.filter { $0.hasPrefix("unlink \(log)/") }
        #expect(gone.count >= 2 && gone == gone.sorted().reversed())
        for (operation, next) in zip(disk.operations, disk.operations.dropFirst())
        where operation.hasPrefix("unlink \(log)/") {
            #expect(next == "sync directory \(log)")
        }
        try store.close()
    }

    /// Answers where the first record went.
    private func fillThreeSegments() throws -> Int64 {
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        let first = try store.append(message(0)).physicalOffset
        while try store.append(message(0)).physicalOffset < 2 * 65_536 {}
        return first
    }

    @Test("gives no number out again whose record is gone, below the mark or behind a cut at it")
    func goneRecords() throws {
        let from = Int(places[60].physicalOffset)
        try overwrite(segment, at: from, with: [UInt8](repeating: 0, count: 65_536 - from))
        let store = try reopen()
        let queue = try store.queue(topic: "Orders")
        #expect(try store.maximumOffset(queue) == 100)
        #expect(throws: StoreError.self) { try store.read(queue, from: 60, count: 1).messages() }
        #expect(try store.append(message(7)).queueOffset == 100)
        try store.close()
    }

    @Test("nor does a closed store, whose end no scan has looked at")
    func goneRecordsOfClosedStore() throws {
        try reopen().close()
        let from = Int(places[60].physicalOffset)
        try overwrite(segment, at: from, with: [UInt8](repeating: 0, count: 65_536 - from))
        let store = try reopen()
        let queue = try store.queue(topic: "Orders")
        #expect(try store.maximumOffset(queue) == 150)
        #expect(try store.append(message(7)).queueOffset == 150)
        #expect(throws: StoreError.self) { try store.read(queue, from: 60, count: 1).messages() }
        try store.close()
    }

    @Test("keeps everything that is whole")
    func whole() throws {
        let store = try reopen()
        try expectMessages(0..<150, in: store)
        #expect(quarantined.isEmpty)
        try store.close()
    }

    @Test("makes what is above the mark durable, and leaves zeros ahead of it to the system")
    func syncedRange() throws {
        func open() throws -> (store: MessageStore, disk: RememberingDisk) {
            let disk = RememberingDisk()
            let store = try MessageStore.open(
                directory.path, tinyConfiguration(), observer: nil, disk: disk, time: .system)
            return (store, disk)
        }
        func letGo() throws {
            let (store, disk) = try open()
            let above = Int(places[99].physicalEnd)..<Int(places[149].physicalEnd)
            #expect(disk.synced(segment) == [above])
            #expect(disk.operations.count { $0 == "sync \(segment)" } == 1)
            try store.append(message(150))
            try store.flush()
        }
        try letGo()
        let (store, disk) = try open()
        #expect(!disk.operations.contains("sync \(segment)"))
        try expectMessages(0..<151, in: store)
        try store.close()
    }

    @Test("cuts a torn tail above the mark, after a copy, and zeroes what was there")
    func tornTail() throws {
        try flip(segment, at: Int(places[120].physicalOffset) + 100)
        do {
            let store = try reopen()
            try expectMessages(0..<120, in: store)
            #expect(store.published == places[120].physicalOffset)
            #expect(quarantined.count == 1)
            // A record of the same size ends exactly where the next old one began.
            let result = try store.append(message(120))
            #expect(result.physicalOffset == places[120].physicalOffset)
            #expect(result.physicalEnd == places[121].physicalOffset)
        }
        let again = try reopen()
        try expectMessages(0..<121, in: again)
        try again.close()
    }

    @Test("names damage below the mark, keeps a copy, and cuts nothing")
    func damageBelowMark() throws {
        // The queues were flushed with the log: let recovery look at all of it.
        let checkpoint = "\(directory.path)/checkpoint"
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: checkpoint)))
        let found = DurableMark.current(in: bytes.rawSpan)
        var mark = try #require(found)
        mark.queuesDurable = 0
        mark.generation += 1
        var slot = [UInt8](repeating: 0, count: CheckpointLayout.slotByteCount)
        var span = slot.mutableRawSpan
        mark.store(into: &span)
        try overwrite(checkpoint, at: CheckpointLayout.slotOffset(mark.slot), with: slot)
        try flip(segment, at: Int(places[50].physicalOffset) + 100)
        let listener = Listener()
        let store = try reopen(listener)
        let expected = DamagedRange(
            start: places[50].physicalOffset, end: places[51].physicalOffset,
            reason: .bodyChecksumMismatch, validRecordsBehind: 0)
        #expect(store.damagedRanges == [expected])
        #expect(listener.events.contains(.damaged(expected)))
        #expect(quarantined.count == 1)
        let queue = try store.queue(topic: "Orders")
        #expect(try store.maximumOffset(queue) == 150)
        #expect(throws: StoreError.self) { _ = try store.message(at: places[50].physicalOffset) }
        #expect(
            try store.read(queue, from: 51, count: 1).messages().map(\.body) == [message(51).body])
        try store.close()
    }

    @Test("a damaged record is refused when it is read, and those around it are served")
    func damageOnRead() throws {
        try flip(segment, at: Int(places[50].physicalOffset) + 100)
        let store = try reopen()
        let queue = try store.queue(topic: "Orders")
        #expect(
            throws: StoreError.damagedRecord(
                physicalOffset: places[50].physicalOffset, damage: .bodyChecksumMismatch)
        ) { _ = try store.read(queue, from: 50) }
        #expect(try store.read(queue, from: 45).count == 5)
        #expect(try store.read(queue, from: 51).count == 32)
        try store.close()
    }

    @Test("mends queue entries that disagree with the log, below and above the mark")
    func queueEntries() throws {
        let file = "\(directory.path)/consumequeue/Orders/0/00000000000000000000"
        try overwrite(file, at: 20 * 30, with: Array(repeating: 0xAB, count: 20))
        try overwrite(
            "\(directory.path)/consumequeue/Orders/0/00000000000000002000", at: 20 * 20,
            with: Array(repeating: 0xCD, count: 20))
        let listener = Listener()
        let store = try reopen(listener)
        try expectMessages(0..<150, in: store)
        #expect(listener.events.contains(.queueRebuilt(topic: "Orders", queueID: 0)))
        try store.close()
    }

    @Test("does not begin anew for a number that can be none, at the end of its queue")
    func impossibleNumber() throws {
        let last = places[149]
        try overwrite(segment, at: Int(last.physicalOffset) + 20, with: [1])
        try overwrite(
            "\(directory.path)/consumequeue/Orders/0/00000000000000002000", at: 20 * 49,
            with: Array(repeating: 0, count: 20))
        let listener = Listener()
        let store = try reopen(listener)
        try expectMessages(0..<149, in: store)
        let scans = listener.events.count { if case .recovering = $0 { true } else { false } }
        #expect(scans == 1)
        try store.close()
    }

    @Test("makes queues again that are gone")
    func queuesGone() throws {
        try FileManager.default.removeItem(atPath: "\(directory.path)/consumequeue")
        let store = try reopen()
        try expectMessages(0..<150, in: store)
        try store.close()
    }

    @Test("makes the index again")
    func indexGone() throws {
        try FileManager.default.removeItem(atPath: "\(directory.path)/index")
        let store = try reopen()
        for number in stride(from: 0, to: 150, by: 7) {
            let found = try store.messages(topic: "Orders", key: "key\(number)")
            #expect(found.map(\.queueOffset) == [Int64(number)])
        }
        try store.close()
    }

    @Test("is the same when it is done again, and when it is interrupted by another kill")
    func idempotent() throws {
        try flip(segment, at: Int(places[120].physicalOffset) + 100)
        for _ in 0..<4 {
            let store = try reopen()
            try expectMessages(0..<120, in: store)
        }
        let store = try reopen()
        try expectMessages(0..<120, in: store)
        try store.close()
    }
}

@Suite("a directory without a durable mark") struct UnmarkedTests {
    @Test("is refused when valid records stand behind a bad one, and cut when told to")
    func decide() throws {
        let golden = try GoldenStore("killed")
        let bad = golden.manifest.messages[200]
        let segment = bad.physicalOffset / 65_536 * 65_536
        let path = "\(golden.root)/commitlog/\(String(format: "%020d", segment))"
        try flip(path, at: Int(bad.physicalOffset - segment) + 20 + 80)
        let before = try Data(contentsOf: URL(filePath: path))
        do {
            _ = try MessageStore.open(golden.root, tinyConfiguration())
            Issue.record("opened")
        } catch StoreError.damagedLog(let range) {
            #expect(range.start == bad.physicalOffset)
            #expect(range.end == golden.manifest.messages[201].physicalOffset)
            #expect(range.validRecordsBehind == 85)
        }
        #expect(try Data(contentsOf: URL(filePath: path)) == before, "nothing was changed")
        let store = try MessageStore.open(
            golden.root, tinyConfiguration { $0.recovery.onUnmarkedDamage = .cut })
        #expect(store.published == bad.physicalOffset)
        let kept = try FileManager.default.contentsOfDirectory(atPath: "\(golden.root)/quarantine")
        #expect(!kept.isEmpty)
        try store.close()
    }

    @Test("a mark is void when a Java broker has changed the checkpoint or abort since")
    func javaWasHere() throws {
        let directory = try TemporaryDirectory()
        var store = try MessageStore.open(directory.path, tinyConfiguration())
        for number in 0..<10 { try store.append(message(number)) }
        try store.close()
        let disk = SystemDisk()
        let paths = StoreDirectory(root: directory.path)
        guard case .closed = try Origin.find(disk, paths, hasLog: true) else {
            Issue.record("the mark should count")
            return
        }
        try overwrite(paths.checkpoint, at: 0, with: [0, 0, 1, 0, 0, 0, 0, 1])
        guard case .unmarked(isClean: true, _) = try Origin.find(disk, paths, hasLog: true) else {
            Issue.record("the mark should be void")
            return
        }
        store = try MessageStore.open(directory.path, tinyConfiguration())
        #expect(try store.maximumOffset(store.queue(topic: "Orders")) == 10)
        try store.close()
        try Data("4711".utf8).write(to: URL(filePath: paths.abort))
        guard case .unmarked(isClean: false, _) = try Origin.find(disk, paths, hasLog: true) else {
            Issue.record("a foreign abort should void the mark")
            return
        }
    }
}
