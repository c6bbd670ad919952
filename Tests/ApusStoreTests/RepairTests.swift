// What a repair proposes, what it does, and what it leaves alone.

import ApusFormat
import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

/// All files below a directory with their bytes.
func contents(of root: String) throws -> [String: Data] {
    var found: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: root) {
        let path = "\(root)/\(name)"
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        guard attributes[.type] as? FileAttributeType == .typeRegular else { continue }
        found[name] = try Data(contentsOf: URL(filePath: path))
    }
    return found
}

/// Turns all bits of a byte.
func flipByte(_ path: String, at offset: Int) throws {
    let byte = try Data(contentsOf: URL(filePath: path))[offset]
    try overwrite(path, at: offset, with: [~byte])
}

func verify(_ root: String) throws -> VerificationReport {
    let files = try StoreFiles.survey(SystemDisk(), StoreDirectory(root: root))
    return Verification.run(SystemDisk(), files)
}

private func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }

extension GoldenStore {
    fileprivate var place: StoreDirectory { StoreDirectory(root: root) }
    fileprivate var orders: String { "\(root)/consumequeue/GoldA/1/00000000000000000000" }
    fileprivate var index: String { "\(root)/index/20261122113622609" }
}

@Suite("a repair of RocketMQ's directory") struct RepairTests {
    /// Ways to damage what can be made again.
    static let faults: [(name: String, make: @Sendable (GoldenStore) throws -> Void)] = [
        ("an entry of a queue", { try flipByte($0.orders, at: 107) }),
        (
            "entries that are gone",
            { try overwrite($0.orders, at: 100, with: [UInt8](repeating: 0, count: 60)) }
        ),
        (
            "an entry behind the last",
            {
                try overwrite(
                    "\($0.root)/consumequeue/GoldOrder/0/00000000000000000000", at: 140,
                    with: [0, 0, 0, 0, 0, 0, 3, 232, 0, 0, 0, 9])
            }
        ),
        (
            "a queue file that was cut",
            { try FileHandle(forWritingTo: URL(filePath: $0.orders)).truncate(atOffset: 410) }
        ),
        ("a queue without files", { try remove("\($0.root)/consumequeue/GoldOrder/0") }),
        (
            "a batch queue",
            { try flipByte("\($0.root)/batchconsumequeue/GoldBCQ/0/00000000000000000000", at: 35) }
        ),
        ("all batch queues", { try remove("\($0.root)/batchconsumequeue") }),
        ("all queues", { try remove("\($0.root)/consumequeue") }),
        ("an index slot", { try flipByte($0.index, at: 40 + 17 * 4 + 3) }),
        ("an index chain", { try flipByte($0.index, at: 40 + 100 * 4 + 200 * 20 + 17) }),
        ("an index header", { try flipByte($0.index, at: 38) }),
        (
            "an IndexFile that was cut",
            { try FileHandle(forWritingTo: URL(filePath: $0.index)).truncate(atOffset: 5000) }
        ),
        ("a checkpoint ahead", { try overwrite("\($0.root)/checkpoint", at: 8, with: [0x7F]) }),
        (
            "a checkpoint before 1970",
            { try overwrite("\($0.root)/checkpoint", at: 0, with: [0x80]) }
        ),
        (
            "a short checkpoint",
            {
                try FileHandle(forWritingTo: URL(filePath: "\($0.root)/checkpoint")).truncate(
                    atOffset: 17)
            }
        ),
        ("no checkpoint", { try remove("\($0.root)/checkpoint") }),
        ("a damaged mark", { try overwrite("\($0.root)/checkpoint", at: 1100, with: [1]) }),
        (
            "a last CommitLog file that was cut",
            {
                try FileHandle(
                    forWritingTo: URL(filePath: "\($0.root)/commitlog/00000000000000131072")
                ).truncate(atOffset: 60_000)
            }
        ),
    ]

    @Test("makes every message readable again, and is then done", arguments: faults.indices)
    func mended(fault: Int) throws {
        let golden = try GoldenStore("clean")
        let whole = try contents(of: golden.root)
        try Self.faults[fault].make(golden)
        let damaged = try contents(of: golden.root)
        var options = RepairOptions()
        options.queueFileByteCount = 2000
        let proposal = try Repair.propose(SystemDisk(), golden.place, options)
        #expect(!proposal.steps.isEmpty && proposal.remaining.isEmpty && !proposal.isSettled)
        #expect(try contents(of: golden.root) == damaged, "a dry run writes nothing")
        let done = try Repair.apply(SystemDisk(), golden.place, options)
        #expect(done.isSettled, "\(done.remaining)")
        #expect(
            Set(done.steps).isSuperset(of: proposal.steps.filter { $0.kind != .rewriteCheckpoint }))
        #expect(try verify(golden.root).verdict == .sound)
        let again = try Repair.apply(SystemDisk(), golden.place, options)
        #expect(again.steps.isEmpty && again.isSettled && again.after == nil)
        let now = try contents(of: golden.root)
        for (path, bytes) in whole
        where path.hasPrefix("commitlog/") || path.contains("consumequeue/") {
            #expect(now[path] == bytes, "\(path) is as RocketMQ wrote it")
        }
        for (path, bytes) in damaged where now[path] != bytes {
            // A file that was lengthened still begins with all that it held.
            let isCopied =
                now[path]?.starts(with: bytes) ?? false
                || now.contains { $0.key.hasPrefix("quarantine/") && $0.value == bytes }
            #expect(isCopied, "\(path) was copied")
        }
        try expectMessages(golden)
    }

    private func expectMessages(_ golden: GoldenStore) throws {
        let store = try MessageStore.open(golden.root, tinyConfiguration())
        for queue in golden.manifest.consumeQueues where queue.dir == "consumequeue" {
            let open = try store.queue(topic: queue.topic, id: queue.queueId)
            #expect(try store.maximumOffset(open) == queue.maxOffset)
        }
        for expected in golden.manifest.messages {
            let message = try store.message(at: expected.physicalOffset)
            #expect(message.queueOffset == expected.queueOffset)
        }
        for query in golden.manifest.indexQueries {
            let search = KeySearch(
                SystemDisk(), try StoreFiles.survey(SystemDisk(), golden.place), slots: 100)
            let found = try #require(try search.candidates(topic: query.topic, key: query.key))
            #expect(Set(found.offsets).isSuperset(of: query.physicalOffsets), "\(query.key)")
        }
        try store.close()
    }

    @Test("is refused while someone has the store open, and changes nothing then")
    func locked() throws {
        let directory = try TemporaryDirectory()
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        try store.append(message(0))
        try overwrite("\(directory.path)/checkpoint", at: 0, with: [0x7F])
        let before = try contents(of: directory.path)
        #expect(throws: StoreError.locked(path: "\(directory.path)/lock")) {
            _ = try Repair.apply(SystemDisk(), StoreDirectory(root: directory.path))
        }
        #expect(try contents(of: directory.path) == before)
        try store.close()
    }

    @Test("makes no files in a directory that is no store")
    func noStore() throws {
        let directory = try TemporaryDirectory()
        #expect(throws: StoreError.self) {
            _ = try Repair.apply(SystemDisk(), StoreDirectory(root: directory.path))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
    }

    @Test("cuts no valid records off without being told, and copies them when it is")
    func hole() throws {
        let golden = try GoldenStore("clean")
        let second = "\(golden.root)/commitlog/00000000000000065536"
        try flipByte(second, at: 90)
        let damaged = try contents(of: golden.root)
        let kept = try Repair.apply(SystemDisk(), golden.place)
        #expect(kept.steps.isEmpty && kept.remaining.count == 1 && !kept.isSettled)
        #expect(kept.lost.map(\.words) == ["GoldA/0 offset 35"])
        #expect(
            try contents(of: golden.root).filter { $0.key != "lock" }
                == damaged.filter { $0.key != "lock" })
        var options = RepairOptions()
        options.cutsAtDamage = true
        let cut = try Repair.apply(SystemDisk(), golden.place, options)
        #expect(cut.isSettled, "\(cut.remaining)")
        #expect(cut.steps.first?.kind == .cutLog)
        let now = try contents(of: golden.root)
        #expect(
            Set(now.keys.filter { $0.hasPrefix("commitlog/") }) == [
                "commitlog/00000000000000000000"
            ])
        for name in ["00000000000000065536", "00000000000000131072"] {
            #expect(now["quarantine/\(name)-65536-1"] == damaged["commitlog/\(name)"])
        }
        let store = try MessageStore.open(golden.root, tinyConfiguration())
        #expect(store.published == 65_536)
        try store.close()
    }

    @Test("takes the entries of messages that are gone for good out of the queues")
    func lostEnd() throws {
        let golden = try GoldenStore("clean")
        try remove("\(golden.root)/commitlog/00000000000000131072")
        let done = try Repair.apply(SystemDisk(), golden.place)
        #expect(done.isSettled, "\(done.remaining)")
        #expect(!done.lost.isEmpty)
        let store = try MessageStore.open(golden.root, tinyConfiguration())
        #expect(store.published == 131_072)
        try store.append(message(0))
        try store.close()
        #expect(try verify(golden.root).verdict == .sound)
    }
}
