// Each kind of flipped byte gives the finding that names it.

@testable import ApusStore
import ApusSystem
import Foundation
import Testing

/// A finding in short: severity and kind, with the words beside it for a failed expectation.
private struct Report {
    let report: VerificationReport

    init(_ store: GoldenStore, indexSlots: Int32? = nil) throws {
        let files = try StoreFiles.survey(SystemDisk(), StoreDirectory(root: store.path))
        report = Verification.run(
            SystemDisk(), files, VerificationOptions(indexSlots: indexSlots))
    }

    var kinds: [String] {
        report.findings.map { "\($0.severity.rawValue) \($0.kind.rawValue)" }.sorted()
    }

    func words(_ kind: FindingKind) -> String {
        report.findings.filter { $0.kind == kind }.map { "\($0.what) \($0.consumers)" }
            .joined(separator: "\n")
    }
}

/// The first record of the second file of the clean store: message 27 of GoldA/3 in the manifest.
private let second = "commitlog/00000000000000065536"

private func report(
    _ name: String = GoldenStore.clean, _ damage: (GoldenStore) throws -> Void
) throws -> Report {
    let store = try GoldenStore(name)
    try damage(store)
    return try Report(store)
}

@Test(
    "a flipped byte of a record is damage, with the message that cannot be delivered",
    arguments: [
        (1, "cannot be here"),  // size
        (5, "which is no record's"),  // magic
        (9, "does not have the checksum"),  // body CRC
        (32, "says that it stands at physical offset"),  // physical offset
        (85, "do not add up"),  // body length
        (90, "does not have the checksum"),  // body
    ])
func flippedRecord(offset: Int, words: String) throws {
    let found = try report { try $0.flip(offset, of: second) }
    #expect(found.kinds == ["damage damaged-record"])
    #expect(found.words(.damagedRecord).contains(words))
    #expect(found.words(.damagedRecord).contains("1 message (Gold"))
    #expect(found.words(.damagedRecord).contains("from physical offset 65536 on"))
}

@Test("a flipped byte in the last record of a clean store is damage, not the end of the log")
func flippedLastRecord() throws {
    let found = try report {
        try $0.flip(185_003 - 131_072 + 90, of: "commitlog/00000000000000131072")
    }
    #expect(found.kinds == ["damage damaged-record"])
    #expect(found.words(.damagedRecord).contains("The log ends at physical offset 185003"))
    #expect(found.words(.damagedRecord).contains("RMQ_SYS_TRANS_HALF_TOPIC/0 offset 5"))
}

@Test("zeros over several records tell which messages are lost, and where records go on")
func zeroedRecords() throws {
    let found = try report {
        try $0.write([UInt8](repeating: 0, count: 4096), at: 8192, of: second)
    }
    #expect(found.kinds.allSatisfy { $0.hasPrefix("damage ") }, "\(found.kinds)")
    #expect(found.words(.damagedRecord).contains("cannot be delivered"))
}

@Test("a flipped queue offset in a record is noticed, though no checksum covers it")
func flippedQueueOffset() throws {
    let found = try report { try $0.flip(27, of: second) }
    #expect(found.kinds == ["damage record-disagrees"])
    #expect(found.words(.recordDisagrees).contains("the queue has it as message"))
}

@Test("a flipped blank marker is damage")
func flippedBlankMarker() throws {
    let found = try report { try $0.flip(65_353, of: "commitlog/00000000000000000000") }
    #expect(found.kinds == ["damage damaged-record"])
    #expect(found.words(.damagedRecord).contains("the mark that closes the file"))
    #expect(found.words(.damagedRecord).contains("No queue points there"))
}

@Test("a CommitLog file that is missing in the middle costs the messages that queues have of it")
func missingSegment() throws {
    let found = try report { try $0.remove(second) }
    #expect(found.kinds == ["damage missing-segment"])
    #expect(found.words(.missingSegment).contains("Records go on at 131072"))
}

@Test("a CommitLog file that was cut short is told by its length and by what is lost")
func cutSegment() throws {
    let found = try report { try $0.truncate(second, to: 30_000) }
    #expect(
        found.kinds == [
            "damage damaged-record", "damage missing-segment", "inconsistency segment-length",
        ])
    #expect(found.words(.segmentLength).contains("has 30000 bytes where the other"))
    #expect(found.words(.missingSegment).contains("the file was cut short there"))
}

@Test("a cut at the end of the log, behind its last record, loses nothing")
func cutUnusedEnd() throws {
    let found = try report { try $0.truncate("commitlog/00000000000000131072", to: 60_000) }
    #expect(found.kinds == ["inconsistency segment-length"])
}

@Test("a log that lost its newest file is damage, since queues point there")
func lostNewest() throws {
    let found = try report { try $0.remove("commitlog/00000000000000131072") }
    #expect(found.kinds.allSatisfy { $0 == "damage entry-beyond-log" }, "\(found.kinds)")
    #expect(found.words(.entryBeyondLog).contains("cannot be delivered"))
}

@Test(
    "a flipped byte of a ConsumeQueue entry names the entry and the field",
    arguments: [
        (7, FindingKind.entryOffset, "it says physical offset"),
        (10, FindingKind.entrySize, "it says"),
        (19, FindingKind.entryTags, "it says"),
    ])
func flippedEntry(offset: Int, kind: FindingKind, words: String) throws {
    let path = "consumequeue/GoldA/1/00000000000000000000"
    let found = try report { try $0.flip(5 * 20 + offset, of: path) }
    #expect(found.kinds == ["inconsistency \(kind.rawValue)"])
    #expect(found.words(kind).contains("Entry 5 of GoldA/1"))
    #expect(found.words(kind).contains(words))
    let place = try #require(found.report.findings.first?.place)
    #expect(place.path == path)
    #expect(place.fileOffset == 100)
    #expect(place.queueOffset == 5)
}

@Test("an entry that was zeroed is missing, in a clean store an inconsistency")
func zeroedEntry() throws {
    let path = "consumequeue/GoldA/1/00000000000000000000"
    let found = try report { try $0.write([UInt8](repeating: 0, count: 40), at: 100, of: path) }
    #expect(found.kinds == ["inconsistency entry-missing"])
    #expect(found.words(.entryMissing).contains("Each of the entries 5 to 6 of GoldA/1"))
}

@Test("an entry behind the last points nowhere, and is told by where it points")
func extraEntry() throws {
    let path = "consumequeue/GoldOrder/0/00000000000000000000"
    func entry(_ offset: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: offset >> (56 - 8 * UInt64($0))) }
            + [0, 0, 0, 100] + [UInt8](repeating: 0, count: 8)
    }
    let beyond = try report { try $0.write(entry(1 << 40), at: 7 * 20, of: path) }
    #expect(beyond.kinds == ["damage entry-beyond-log"])
    let inside = try report { try $0.write(entry(1000), at: 7 * 20, of: path) }
    #expect(inside.kinds == ["inconsistency entry-without-record"])
    #expect(inside.words(.entryWithoutRecord).contains("where no record starts"))
    let other = try report { try $0.write(entry(0), at: 7 * 20, of: path) }
    #expect(other.words(.entryWithoutRecord).contains("which is message 0 of GoldA/0"))
    let hostile = try report { try $0.write(entry(1 << 63), at: 7 * 20, of: path) }
    #expect(hostile.words(.entryWithoutRecord).contains("is not an entry"))
}

@Test("a queue without files is told with its messages; a topic that was deleted as a note")
func missingQueue() throws {
    let lost = try report { try $0.remove("consumequeue/GoldOrder/0") }
    #expect(lost.kinds == ["inconsistency queue-missing"])
    #expect(lost.words(.queueMissing).contains("GoldOrder/0 has 7 messages in the log"))
    let deleted = try report {
        try $0.remove("consumequeue/GoldOrder")
        let topics = String(decoding: try $0.bytes("config/topics.json"), as: UTF8.self)
        try topics.replacing("\"GoldOrder\"", with: "\"Other\"")
            .write(to: $0.file("config/topics.json"), atomically: true, encoding: .utf8)
    }
    #expect(deleted.kinds == ["note queue-missing", "note queue-missing", "note queue-missing"])
}

@Test("a ConsumeQueue file that was cut short")
func cutQueue() throws {
    let path = "consumequeue/GoldA/1/00000000000000000000"
    let found = try report { try $0.truncate(path, to: 410) }
    #expect(found.kinds == ["inconsistency entry-missing", "inconsistency queue-file"])
    #expect(found.words(.entryMissing).contains("entries 20 to 40"))
}

@Test(
    "a flipped byte of a BatchConsumeQueue entry names the field",
    arguments: [
        (7, FindingKind.entryOffset), (11, .entrySize), (19, .entryTags), (27, .entryBatch),
        (35, .entryBatch), (37, .entryBatch),
    ])
func flippedBatchEntry(offset: Int, kind: FindingKind) throws {
    let found = try report {
        try $0.flip(offset, of: "batchconsumequeue/GoldBCQ/0/00000000000000000000")
    }
    #expect(found.kinds == ["inconsistency \(kind.rawValue)"], "\(found.words(kind))")
}

private let index = "index/20261122113622609"

@Test("a flipped index slot: queries by its keys find nothing")
func flippedSlot() throws {
    let found = try report { try $0.flip(40 + 17 * 4 + 3, of: index) }
    #expect(found.kinds == ["inconsistency index-slot"])
    #expect(found.words(.indexSlot).contains("first slot 17"))
}

@Test("a flipped index entry: its hash, its message, its time, its chain")
func flippedIndexEntry() throws {
    let entry = 40 + 100 * 4 + 200 * 20
    let hash = try report { try $0.flip(entry + 3, of: index) }
    #expect(hash.kinds.contains("inconsistency index-hash"), "\(hash.kinds)")
    #expect(hash.words(.indexHash).contains("Entry 200 of \(index)"))
    let offset = try report { try $0.flip(entry + 11, of: index) }
    #expect(offset.kinds.contains("inconsistency index-entry"), "\(offset.kinds)")
    #expect(offset.kinds.contains("inconsistency index-key-missing"), "\(offset.kinds)")
    let seconds = try report { try $0.flip(entry + 15, of: index) }
    #expect(seconds.kinds == ["inconsistency index-time"])
    let chain = try report { try $0.flip(entry + 17, of: index) }
    #expect(chain.kinds == ["inconsistency index-chain"])
    #expect(chain.words(.indexChain).contains("first entry 200"))
    #expect(chain.words(.indexChain).contains("round in circles"))
}

@Test(
    "a flipped byte of an index header names what it says wrongly",
    arguments: [
        (7, "the first message was stored at"), (15, "the last message was stored at"),
        (23, "the first message stands at"), (31, "the last message stands at"),
        (35, "slots in use"), (38, "entries"),
    ])
func flippedIndexHeader(offset: Int, words: String) throws {
    let found = try report { try $0.flip(offset, of: index) }
    #expect(found.kinds.contains("inconsistency index-header"), "\(found.kinds)")
    #expect(found.words(.indexHeader).contains(words), "\(found.words(.indexHeader))")
}

@Test("an IndexFile of another shape is followed when its slots are told, and asked for otherwise")
func otherShape() throws {
    let store = try GoldenStore(GoldenStore.clean)
    // The same file with one entry's room more: no longer four entries a slot.
    try store.truncate(index, to: 8460)
    let asked = try Report(store)
    #expect(asked.kinds.contains("inconsistency index-file"), "\(asked.kinds)")
    #expect(asked.words(.indexFile).contains("pass --index-slots"))
    try store.truncate("index/20261122113623613", to: 8460)
    #expect(try Report(store, indexSlots: 100).kinds == [])
    // 84 bytes more would be 101 slots by its length, which its chains refute.
    try store.truncate(index, to: 8524)
    #expect(try Report(store).words(.indexFile).contains("do not fit 101 slots"))
}

@Test("a checkpoint that is ahead, cut or gone")
func checkpoint() throws {
    let ahead = try report { try $0.write([0x7F], at: 8, of: "checkpoint") }
    #expect(ahead.kinds == ["inconsistency checkpoint-ahead"])
    #expect(ahead.words(.checkpointAhead).contains("The ConsumeQueue time"))
    let offset = try report { try $0.write([0x10], at: 36, of: "checkpoint") }
    #expect(offset.words(.checkpointAhead).contains("The confirmed offset"))
    let negative = try report { try $0.write([0x80], at: 0, of: "checkpoint") }
    #expect(negative.words(.checkpoint).contains("negative"))
    let short = try report { try $0.truncate("checkpoint", to: 17) }
    #expect(short.words(.checkpoint).contains("17 bytes"))
    let gone = try report { try $0.remove("checkpoint") }
    #expect(gone.kinds == ["inconsistency checkpoint"])
}

@Test("files of others are notes")
func strays() throws {
    let found = try report {
        try Data().write(to: $0.file("commitlog/notes.txt"))
        try Data().write(to: $0.file("README"))
        try Data().write(to: $0.file("consumequeue/GoldA/1/x"))
        try FileManager.default.createDirectory(
            at: $0.file("consumequeue/GoldA/zero"), withIntermediateDirectories: false)
    }
    #expect(found.kinds == [String](repeating: "note stray", count: 4))
    #expect(found.words(.stray).contains("commitlog/notes.txt is not part of a store"))
}

@Test("every finding names a file, and what it means for consumers")
func placesAndConsumers() throws {
    let found = try report {
        try $0.flip(27, of: second)
        try $0.flip(90, of: "commitlog/00000000000000131072")
        try $0.write(
            [0, 0, 0, 0, 0, 0, 3, 232, 0, 0, 0, 9], at: 140,
            of: "consumequeue/GoldOrder/0/00000000000000000000")
        try $0.remove("consumequeue/GoldOrder/1")
        try $0.flip(35, of: "batchconsumequeue/GoldBCQ/0/00000000000000000000")
        try $0.flip(40 + 100 * 4 + 200 * 20 + 3, of: index)
        try $0.write([0x7F], at: 8, of: "checkpoint")
    }
    #expect(found.kinds.count >= 8, "\(found.kinds)")
    for finding in found.report.findings {
        #expect(finding.place.path != nil, "\(finding.what)")
        #expect(finding.consumers.hasSuffix(".") && !finding.what.isEmpty)
    }
}
