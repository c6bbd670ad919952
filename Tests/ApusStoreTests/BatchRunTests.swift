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
