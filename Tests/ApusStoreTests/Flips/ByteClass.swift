// What each byte of each file of a store is, and whether anything in the format covers it.
//
// `uncovered` is the list that docs/durability.md explains: bytes that RocketMQ's format keeps once
// and sums up nowhere, so that a flipped bit in them is another message, and nothing tells.

import ApusFormat
import Foundation

@testable import ApusStore

/// A kind of bytes in a kind of file.
struct ByteClass: Hashable, Comparable, CustomStringConvertible {
    let file: String
    let name: String

    init(_ file: String, _ name: String) {
        self.file = file
        self.name = name
    }

    var description: String { "\(file): \(name)" }
    static func < (left: ByteClass, right: ByteClass) -> Bool {
        left.description < right.description
    }

    var isRecord: Bool { file == "record" }

    /// Bytes of a record that nothing covers, unless the record ends in a `__CRC32#` property.
    static let uncovered: [String: String] = [
        "flag": "the application's own number; no other file repeats it",
        "system flag": "compression and transaction bits; only the bits for hosts change lengths",
        "born timestamp": "the producer's clock; no other file repeats it",
        "born host": "the producer's address; no other file repeats it",
        "store timestamp": "the index repeats seconds of it for keyed messages only",
        "store host": "part of offset message ids, which clients keep",
        "reconsume times": "no other file repeats it",
        "prepared transaction offset": "no other file repeats it",
        "property name": "of properties that neither the queue nor the index repeats",
        "property value": "of properties that neither the queue nor the index repeats",
        "property separator": "a property that ends elsewhere, or is none any more",
    ]
}

extension ByteClass {
    /// Bytes of a record that another file repeats, so that verify tells when they differ. A reader
    /// is given them as they are; and what was not yet in the other file when a store was killed,
    /// recovery puts there as it finds it.
    static let repeated: [String: String] = [
        "name of TAGS": "the queue's tags code", "value of TAGS": "the queue's tags code",
        "name of KEYS": "the index", "value of KEYS": "the index",
        "name of UNIQ_KEY": "the index", "value of UNIQ_KEY": "the index",
    ]
    /// The same, and a reader of the queue is refused the record. But of a store that was killed,
    /// the next open puts what verify has told into the queue that the record names.
    static let queued: Set<String> = ["queue id", "queue offset", "topic"]
}

/// The classes of all bytes of one file.
enum ByteMap {
    /// The class of each byte, in order.
    static func classes(of path: String, _ bytes: [UInt8]) -> [ByteClass] {
        if path.hasPrefix("commitlog/") { return log(bytes, base: Int64(path.suffix(20)) ?? 0) }
        if path.hasPrefix("consumequeue/") { return queue(bytes) }
        if path.hasPrefix("index/") { return index(bytes) }
        if path == "checkpoint" { return checkpoint(bytes) }
        return bytes.map { _ in ByteClass(path, "text") }
    }

    private static func log(_ bytes: [UInt8], base: Int64) -> [ByteClass] {
        var classes = [ByteClass](
            repeating: ByteClass("log", "zeros behind the end"), count: bytes.count)
        var offset = 0
        while offset < bytes.count {
            let outcome = RecordInspection.inspect(
                bytes.rawSpan, at: offset, physicalOffset: base + Int64(offset), checks: .all)
            switch outcome {
            case .record(let frame):
                let record = Array(bytes[offset..<offset + frame.totalSize])
                for (range, name) in fields(frame, record) {
                    for byte in range { classes[offset + byte] = ByteClass("record", name) }
                }
                offset += frame.totalSize
            case .padding:
                for byte in offset..<bytes.count {
                    classes[byte] = ByteClass(
                        "log",
                        byte < offset + 4
                            ? "blank marker, length"
                            : byte < offset + 8 ? "blank marker, magic" : "behind a blank marker")
                }
                return classes
            case .end, .damaged: return classes
            }
        }
        return classes
    }

    /// The fields of a record, all of its bytes.
    private static func fields(
        _ frame: RecordFrame, _ record: [UInt8]
    ) -> [(Range<Int>, String)] {
        let born = RecordLayout.bornShift(frame.systemFlag)
        let both = RecordLayout.hostsShift(frame.systemFlag)
        let topicEnd = frame.topicOffset + frame.topicLength
        var fields: [(Range<Int>, String)] = [
            (0..<4, "total size"), (4..<8, "magic"), (8..<12, "body CRC"), (12..<16, "queue id"),
            (16..<20, "flag"), (20..<28, "queue offset"), (28..<36, "physical offset"),
            (36..<40, "system flag"), (40..<48, "born timestamp"), (48..<56 + born, "born host"),
            (56 + born..<64 + born, "store timestamp"), (64 + born..<72 + both, "store host"),
            (72 + both..<76 + both, "reconsume times"),
            (76 + both..<84 + both, "prepared transaction offset"),
            (84 + both..<88 + both, "body length"),
            (frame.bodyOffset..<frame.bodyOffset + frame.bodyLength, "body"),
            (
                frame.topicOffset - frame.version.topicLengthWidth..<frame.topicOffset,
                "topic length"
            ),
            (frame.topicOffset..<topicEnd, "topic"),
            (topicEnd..<topicEnd + 2, "properties length"),
        ]
        let start = frame.propertiesOffset
        fields.append((start..<record.count, "property separator"))
        Properties.forEach(in: record.rawSpan.extracting(start..<record.count)) { name, value in
            let text = String(
                decoding: record[start + name.lowerBound..<start + name.upperBound], as: UTF8.self)
            let isRepeated = ["TAGS", "KEYS", "UNIQ_KEY", "__CRC32#"].contains(text)
            let names = name.lowerBound + start..<name.upperBound + start
            let values = value.lowerBound + start..<value.upperBound + start
            fields.append((names, isRepeated ? "name of \(text)" : "property name"))
            fields.append((values, isRepeated ? "value of \(text)" : "property value"))
        }
        return fields
    }

    private static func queue(_ bytes: [UInt8]) -> [ByteClass] {
        let count = ConsumeQueueUnit.byteCount
        return bytes.indices.map { place in
            let start = place / count * count
            guard start + count <= bytes.count,
                bytes[start..<start + count].contains(where: { $0 != 0 })
            else { return ByteClass("queue", "zeros behind the end") }
            let name = place - start < 8 ? "offset" : place - start < 12 ? "size" : "tags code"
            return ByteClass("queue", name)
        }
    }

    private static func index(_ bytes: [UInt8]) -> [ByteClass] {
        // As `tinyConfiguration` has it.
        let slots: Int32 = 100
        let header = IndexHeader(loadingFrom: bytes.rawSpan)
        let names = [
            "first time", "last time", "first offset", "last offset",
        ]
        return bytes.indices.map { place in
            if place < 32 { return ByteClass("index", "header, \(names[place / 8])") }
            if place < 40 {
                return ByteClass("index", place < 36 ? "header, slots in use" : "header, entries")
            }
            let first = IndexLayout.slotOffset(slots)
            if place < first {
                let slot = (place - 40) / 4 * 4 + 40
                let isUsed = bytes[slot..<slot + 4].contains { $0 != 0 }
                return ByteClass("index", isUsed ? "slot" : "empty slot")
            }
            let number = (place - first) / IndexLayout.entryByteCount
            let offset = (place - first) % IndexLayout.entryByteCount
            if number == 0 { return ByteClass("index", "entry 0, never used") }
            if number >= Int(header.nextEntry) {
                return ByteClass("index", "zeros behind the entries")
            }
            let name =
                offset < 4 ? "hash" : offset < 12 ? "offset" : offset < 16 ? "seconds" : "previous"
            return ByteClass("index", "entry, \(name)")
        }
    }

    private static func checkpoint(_ bytes: [UInt8]) -> [ByteClass] {
        let names = [
            "CommitLog time", "ConsumeQueue time", "index time", "flushed offset",
            "confirmed offset",
        ]
        let current = DurableMark.current(in: bytes.rawSpan)?.slot ?? 0
        return bytes.indices.map { place in
            if place < 40 { return ByteClass("checkpoint", names[place / 8]) }
            let slot = (place - 1024) / 512
            guard place >= 1024, slot < 2 else { return ByteClass("checkpoint", "zeros") }
            let which = slot == current ? "newest mark" : "older mark"
            let within = (place - 1024) % 512
            return ByteClass(
                "checkpoint",
                within < 120 ? which : within < 124 ? "\(which), CRC" : "\(which), zeros")
        }
    }
}
