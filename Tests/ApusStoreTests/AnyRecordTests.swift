// Messages of every kind, by the way that `append` chooses for them and by the one that takes any.

import ApusFormat
import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

/// A random message: usual and unusual in each of its parts.
private struct RandomMessage {
    let body: [UInt8]
    var properties: [UInt8] = []
    var attributes = MessageAttributes()

    private static let pieces = [
        "TAGS\u{1}TagA\u{2}", "TAGS\u{1}\u{2}", "TAGS\u{1}订单\u{2}", "TAGS", "KEYS\u{1}k\u{2}",
        "KEYS\u{1}\u{2}", "UNIQ_KEY\u{1}0AFF\u{2}", "UNIQ_KEY", "DELAY\u{1}3\u{2}",
        "DELAY\u{1}x\u{2}",
        "WAIT\u{1}true\u{2}", "\u{1}", "\u{2}", "padding\u{1}pppppppppppppppppppppp\u{2}",
    ]

    init(_ random: inout SeededNumbers, isBatched: Bool) {
        func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }
        let size =
            oneIn(8)
            ? Int.random(in: 0...700, using: &random) : Int.random(in: 0...140, using: &random)
        body = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            properties += Array((Self.pieces.randomElement(using: &random) ?? "").utf8)
        }
        if oneIn(12) { properties += Array("__CRC32#\u{1}17\u{2}".utf8) }
        if oneIn(40) { properties += Array("__CRC32#".utf8) }
        if oneIn(3), properties.last == 2 { properties.removeLast() }
        attributes.flag = Int32.random(in: .min ... .max, using: &random)
        if isBatched { return }
        if oneIn(60) { properties += [UInt8](repeating: 0x70, count: 32_760) }
        let flags: [Int32] = [0, 2, 0x101, 64, 4, 8, 12, 16, 32, 48, 128, 0x7FFF_FF43]
        attributes.systemFlag = SystemFlag(
            rawValue: oneIn(2) ? 0 : flags.randomElement(using: &random) ?? 0)
        attributes.bornTimestamp = oneIn(2) ? nil : Int64.random(in: 0 ... .max, using: &random)
        let low = UInt64.random(in: 0 ... .max, using: &random)
        attributes.bornHost =
            oneIn(6)
            ? HostAddress(high: low &* 31, low: low, port: 4711)
            : HostAddress(ipv4: UInt32(truncatingIfNeeded: low), port: -1)
        attributes.reconsumeTimes = Int32.random(in: .min ... .max, using: &random)
        attributes.preparedTransactionOffset = Int64.random(in: .min ... .max, using: &random)
    }
}

private let topics = [
    "Orders", "SCHEDULE_TOPIC_XXXX", "%RETRY%" + String(repeating: "g", count: 200),
]

private func configuration(
    checksums: Bool, isIPv6: Bool, segment: Int = 256 << 10
) -> StoreConfiguration {
    tinyConfiguration {
        $0.commitLog.segmentByteCount = segment
        $0.limits.bodyByteCount = 600
        $0.integrity.appendsRecordChecksum = checksums
        if isIPv6 { $0.storeHost = HostAddress(high: 0xFE80 << 48, low: 7, port: 10911) }
    }
}

/// What became of a message: its place, or why it was refused.
private func outcome(_ append: () throws(StoreError) -> AppendResult) -> String {
    do throws(StoreError) { return "\(try append())" } catch { return "\(error)" }
}

@Test(
    "any message is stored or refused alike by both ways of an append, with all its bytes",
    arguments: topics, [(false, false), (true, false), (false, true)])
func bothWays(_ topic: String, _ kind: (checksums: Bool, isIPv6: Bool)) throws {
    var random = SeededNumbers.printed()
    let messages = (0..<600).map { _ in RandomMessage(&random, isBatched: false) }
    let all = configuration(checksums: kind.checksums, isIPv6: kind.isIPv6)
    var chosen: [String] = []
    let first = try files(topic: topic, all) { store, queue in
        for one in messages {
            chosen.append(
                outcome { () throws(StoreError) in
                    try store.log.append(
                        to: queue, body: one.body.rawSpan, properties: one.properties.rawSpan,
                        attributes: one.attributes)
                })
        }
    }
    var any: [String] = []
    let second = try files(topic: topic, all) { store, queue in
        for one in messages {
            any.append(
                outcome { () throws(StoreError) in
                    try store.log.appendAny(
                        to: queue, body: one.body.rawSpan, properties: one.properties.rawSpan,
                        attributes: one.attributes)
                })
        }
    }
    #expect(chosen == any, "SEED=\(random.seed)")
    #expect(first == second, "SEED=\(random.seed)")
}

@Test(
    "any batch leaves the bytes of as many single messages",
    arguments: topics, [(false, false), (true, false), (false, true)])
func anyBatch(_ topic: String, _ kind: (checksums: Bool, isIPv6: Bool)) throws {
    var random = SeededNumbers.printed()
    var batches: [(messages: [RandomMessage], attributes: MessageAttributes)] = []
    for _ in 0..<12 {
        var attributes = RandomMessage(&random, isBatched: false).attributes
        attributes.systemFlag.formIntersection(SystemFlag(rawValue: ~(12 | 128)))
        let count = Int.random(in: 1...70, using: &random)
        let messages = (0..<count).map { _ in RandomMessage(&random, isBatched: true) }
        batches.append((messages.filter { $0.body.count <= 600 }, attributes))
    }
    // One segment holds them all: a batch goes to the next one as a whole.
    let all = configuration(checksums: kind.checksums, isIPv6: kind.isIPv6, segment: 2 << 20)
    var firsts: [AppendResult] = []
    let batched = try files(topic: topic, all) { store, queue in
        for batch in batches where !batch.messages.isEmpty {
            var frames: [UInt8] = []
            for one in batch.messages {
                ClientBatch.encode(
                    flag: one.attributes.flag, body: one.body.rawSpan,
                    properties: one.properties.rawSpan, into: &frames)
            }
            let before = store.published
            let result = try store.log.append(
                to: queue, batch: frames.rawSpan, attributes: batch.attributes)
            #expect(result.count == batch.messages.count)
            #expect(result.first.physicalOffset == before)
            #expect(result.physicalEnd == store.published)
            firsts.append(result.first)
        }
    }
    var singles: [AppendResult] = []
    let single = try files(topic: topic, all) { store, queue in
        for batch in batches {
            for (index, one) in batch.messages.enumerated() {
                var attributes = batch.attributes
                attributes.flag = one.attributes.flag
                let result = try store.log.appendAny(
                    to: queue, body: one.body.rawSpan, properties: one.properties.rawSpan,
                    attributes: attributes)
                if index == 0 { singles.append(result) }
            }
        }
    }
    #expect(firsts == singles, "SEED=\(random.seed)")
    #expect(batched == single, "SEED=\(random.seed)")
}
