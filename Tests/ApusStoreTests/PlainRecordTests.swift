// The short way of an append, against the one that can write any record: the same bytes.

import ApusFormat
import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

/// A message of a kind that changes with its number.
private struct Sample {
    let body: [UInt8]
    let properties: [UInt8]
    var attributes = MessageAttributes()

    init(_ number: Int) {
        body = (0..<number * 7 % 400).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) }
        let all = [
            "", "TAGS\u{1}T\(number)\u{2}padding\u{1}pppppppp\u{2}", "KEYS\u{1}k\(number)\u{2}",
            "WAIT\u{1}true\u{2}TAGS\u{1}a longer tag than eight\u{2}UNIQ_KEY\u{1}0AFF\(number)",
            "TAGS\u{1}订单\u{2}a\u{1}" + String(repeating: "b", count: 150) + "\u{2}",
            "TAGS\u{1}x",
            "DELAY\u{1}3\u{2}TAGS\u{1}TagA",
        ]
        properties = Array(all[number % all.count].utf8)
        attributes.flag = Int32(number) &* 0x0101_0101
        attributes.systemFlag = SystemFlag(rawValue: [0, 2, 0x101, 64][number % 4])
        attributes.bornTimestamp = number % 3 == 0 ? nil : 1_600_000_000_000 + Int64(number)
        attributes.bornHost = HostAddress(ipv4: 0x0A00_0001 + UInt32(number), port: 4711)
        attributes.reconsumeTimes = Int32(number % 5)
        attributes.preparedTransactionOffset = Int64(number) << 33
    }
}

/// Every byte of the log, the queue and the index after `fill` ran on a store whose clock stands
/// still.
func files(
    topic: String = "Orders", _ configuration: StoreConfiguration = tinyConfiguration(),
    _ fill: (MessageStore, ConsumeQueue) throws -> Void
) throws -> [String: Data] {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(
        directory.path, configuration, observer: nil, disk: SystemDisk(),
        time: .manual(ManualClock(wallMilliseconds: 1_700_000_000_000)))
    try fill(store, store.queue(topic: topic, id: 3).queue)
    try store.close()
    var found: [String: Data] = [:]
    for folder in ["commitlog", "consumequeue/\(topic)/3", "index"] {
        for name in try FileManager.default.contentsOfDirectory(
            atPath: "\(directory.path)/\(folder)")
        {
            let path = "\(directory.path)/\(folder)/\(name)"
            found["\(folder)/\(name)"] = try Data(contentsOf: URL(filePath: path))
        }
    }
    return found
}

@Test(
    "a record written the short way has the bytes of one written the other, entry and all")
func shortWay() throws {
    let samples = (0..<300).map(Sample.init)
    let plain = try files { store, queue in
        #expect(store.log.plainLimit > 0 && queue.topic.isPlain)
        for one in samples {
            #expect(one.attributes.isPlain)
            _ = try store.log.append(
                to: queue, body: one.body.rawSpan, properties: one.properties.rawSpan,
                attributes: one.attributes)
        }
    }
    let other = try files { store, queue in
        for one in samples {
            _ = try store.log.appendAny(
                to: queue, body: one.body.rawSpan, properties: one.properties.rawSpan,
                attributes: one.attributes)
        }
    }
    #expect(plain.count > 4 && plain == other)
}

@Test("a batch of plain messages leaves the bytes of as many single appends, entries and all")
func shortBatch() throws {
    let samples = (0..<75).map(Sample.init)
    var attributes = Sample(5).attributes
    let batch = try files { store, queue in
        var frames: [UInt8] = []
        for one in samples {
            ClientBatch.encode(
                flag: one.attributes.flag, body: one.body.rawSpan,
                properties: one.properties.rawSpan, into: &frames)
        }
        let result = try store.log.append(
            to: queue, batch: frames.rawSpan, attributes: attributes)
        #expect(result.count == 75 && result.first.byteCount == 91 + 6)
    }
    let single = try files { store, queue in
        for one in samples {
            attributes.flag = one.attributes.flag
            _ = try store.log.appendAny(
                to: queue, body: one.body.rawSpan, properties: one.properties.rawSpan,
                attributes: attributes)
        }
    }
    #expect(batch == single)
}
