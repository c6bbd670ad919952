// Batches whose messages are alike in part: what is found of some is used for others.

import ApusFormat
import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

/// Messages of which some are like the ones before them, in each of the ways that count.
private struct LikeMessages {
    private var last = Message(topic: "Orders", body: Array("first".utf8), tags: "Tag0")
    private var number = 0

    mutating func next(_ random: inout SeededNumbers) -> Message {
        number += 1
        last.attributes.flag = Int32(number)
        switch Int.random(in: 0..<12, using: &random) {
        case 0: last.body = Array(repeating: UInt8(number & 255), count: number % 200)
        case 1: last.properties = Self.properties(number, random: &random)
        case 2: last.properties = []
        case 3: last.properties = [Property(name: "k", value: "v")]
        case 4...6:
            for index in last.properties.indices where last.properties[index].name == "UNIQ_KEY" {
                last.properties[index] = Self.unique(number)
            }
        default:
            if !last.body.isEmpty { last.body[number % last.body.count] = UInt8(number & 255) }
        }
        return last
    }

    private static func unique(_ number: Int) -> Property {
        Property(name: "UNIQ_KEY", value: String(format: "%016d", number))
    }

    private static func properties(_ number: Int, random: inout SeededNumbers) -> [Property] {
        var all = [unique(number)]
        if Bool.random(using: &random) { all.append(Property(name: "WAIT", value: "true")) }
        if Bool.random(using: &random) {
            all.append(Property(name: "TAGS", value: "Tag\(number % 3)"))
        }
        if Bool.random(using: &random) {
            all.append(Property(name: "text", value: String(repeating: "t", count: number % 99)))
        }
        return all.shuffled(using: &random)
    }
}

/// All records, and all files of entries, of a store that is closed then.
private func content(of store: MessageStore, _ directory: String) throws -> [[UInt8]] {
    let queue = try store.queue(topic: "Orders")
    var found: [[UInt8]] = []
    while true {
        let batch = try store.read(queue, from: Int64(found.count), count: 64)
        if batch.isEmpty { break }
        batch.forEach { record in
            let bytes = record.bytes
            found.append(bytes.withUnsafeBytes { Array($0) })
        }
    }
    try store.close()
    let path = StoreDirectory.queue(
        topic: "Orders", queueID: 0, in: "\(directory)/consumequeue")
    for name in try FileManager.default.contentsOfDirectory(atPath: path).sorted() {
        found.append(Array(try #require(FileManager.default.contents(atPath: "\(path)/\(name)"))))
    }
    return found
}

@Test("a batch is stored, and its entries, as its messages are by themselves, however alike")
func batchOfRuns() throws {
    var random = SeededNumbers.printed()
    let directories = try [TemporaryDirectory(), TemporaryDirectory()]
    // Segments that all fits into: a batch leaves their end empty.
    let configuration = tinyConfiguration { $0.commitLog.segmentByteCount = 4 << 20 }
    let stores = try directories.map {
        try MessageStore.open(
            $0.path, configuration, observer: nil, disk: SystemDisk(),
            time: .manual(ManualClock(wallMilliseconds: 1_700_000_000_000)))
    }
    var messages = LikeMessages()
    for _ in 0..<60 {
        let batch = (0..<Int.random(in: 1...90, using: &random)).map { _ in
            messages.next(&random)
        }
        var frames: [UInt8] = []
        for message in batch {
            let properties = try MessageStore.encode(message.properties)
            ClientBatch.encode(
                flag: message.attributes.flag, body: message.body.rawSpan,
                properties: properties.rawSpan, into: &frames)
            try stores[0].append(message)
        }
        let result = try stores[1].append(
            to: stores[1].queue(topic: "Orders"), batch: frames.rawSpan)
        #expect(result.count == batch.count)
    }
    let singles = try content(of: stores[0], directories[0].path)
    let batches = try content(of: stores[1], directories[1].path)
    #expect(singles.count > 1000)
    #expect(singles == batches, "SEED=\(random.seed)")
}

/// Whether the store says so of these frames.
private func isMalformed(_ frames: [UInt8], _ store: MessageStore, _ queue: MessageQueue) -> Bool {
    do throws(StoreError) {
        try store.append(to: queue, batch: frames.rawSpan)
        return false
    } catch {
        if case .malformedBatch = error { return true }
        return false
    }
}

@Test("a wrong frame among alike ones is found, and nothing of its batch is stored")
func wrongFrameInRun() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    defer { try? store.close() }
    let queue = try store.queue(topic: "Orders")
    let properties = try MessageStore.encode([Property(name: "TAGS", value: "a tag of some")])
    var frames: [UInt8] = []
    for _ in 0..<9 {
        ClientBatch.encode(
            flag: 0, body: Array(repeating: 7, count: 40).rawSpan,
            properties: properties.rawSpan, into: &frames)
    }
    let size = frames.count / 9
    // The total size, the length of the body, and that of the properties.
    for frame in 0..<9 {
        for place in Array(0..<4) + Array(16..<20) + Array(60..<62) {
            for bit in 0..<8 {
                var wrong = frames
                wrong[frame * size + place] ^= 1 << UInt8(bit)
                #expect(isMalformed(wrong, store, queue), "\(frame), \(place), \(bit)")
            }
        }
    }
    for count in 0..<frames.count where count % size != 0 {
        #expect(isMalformed(Array(frames[..<count]), store, queue), "\(count) bytes")
    }
    #expect(try store.append(to: queue, batch: frames.rawSpan).first.queueOffset == 0)
}

@Test("a run of messages is cut where a queue's file ends, wherever that is", arguments: 0..<9)
func runAcrossFiles(before: Int) throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(directory.path, tinyConfiguration())
    defer { try? store.close() }
    let queue = try store.queue(topic: "Orders")
    // Files of 100 entries.
    for number in 0..<100 - before { try store.append(message(number)) }
    let alike = (0..<9).map { number in
        Message(topic: "Orders", body: Array("body \(number)".utf8), tags: "a tag of some")
    }
    try store.append(batch: alike)
    let read = try store.read(queue, from: Int64(100 - before)).messages()
    #expect(read.map(\.body) == alike.map(\.body))
    let codes = try (0..<9).map { try queue.queue.unit(at: Int64(100 - before + $0))?.tagsCode }
    #expect(Set(codes) == [Int64(JavaHash.hashCode(utf8: "a tag of some".utf8.span.bytes))])
}
