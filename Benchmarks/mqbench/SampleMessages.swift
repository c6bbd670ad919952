// The messages that are measured with: a topic of 16 bytes, properties of 50 (more when keys need
// it), and bodies of which a few kinds take turns, so that no two neighbours are equal.
//
// The store gets them as spans and the C loop as pointers to copies; the bytes are the same.

import ApusFormat
import CRoofline

/// Messages of one size.
final class SampleMessages: @unchecked Sendable {
    // Sendable: constant once made, but for nothing; the pointers are read only.
    static let topic = "BenchTopic012345"
    /// How many bodies take turns.
    let kinds = 16
    let bodyByteCount: Int
    let keyCount: Int
    /// All bodies, one behind the other; each begins with the number of its kind.
    let bodies: [UInt8]
    /// The properties of each kind, all of equal length, one behind the other.
    let properties: [UInt8]
    let propertiesByteCount: Int
    /// The same for the C loops.
    let c: croofline_message
    private let memory: UnsafeMutablePointer<UInt8>

    /// `tagCount` different tags take turns, 0 to 16; `keyCount` keys for each message.
    init(bodyByteCount: Int, tagCount: Int = 1, keyCount: Int = 0) {
        self.bodyByteCount = bodyByteCount
        self.keyCount = keyCount
        let kinds = kinds
        bodies = (0..<kinds).flatMap { kind in
            (0..<bodyByteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ kind) }
        }
        let all = (0..<kinds).map {
            Self.properties(tag: tagCount > 0 ? $0 % tagCount : nil, keyCount: keyCount)
        }
        properties = all.flatMap { $0 }
        propertiesByteCount = all[0].count
        let topic = Array(Self.topic.utf8)
        let copy = bodies + topic + all[0]
        memory = .allocate(capacity: copy.count)
        memory.initialize(from: copy, count: copy.count)
        var c = croofline_message()
        c.bodies = UnsafePointer(memory)
        c.body_bytes = Int32(bodyByteCount)
        c.body_kinds = Int32(kinds)
        c.topic = UnsafePointer(memory + bodies.count)
        c.topic_bytes = Int32(topic.count)
        c.properties = c.topic + topic.count
        c.properties_bytes = Int32(all[0].count)
        c.born_host = 0x7F00_0001
        c.store_host = 0x7F00_0001
        c.store_port = 10_911
        c.born_timestamp = 1_700_000_000_000
        let tag = Array("Tg00".utf8)
        c.tags_code = TagsCode.code(tags: tag.span.bytes)
        self.c = c
    }

    deinit { memory.deallocate() }

    /// Bytes of one record.
    var recordByteCount: Int {
        RecordFrame(
            version: .v1, systemFlag: [], bodyLength: bodyByteCount,
            topicLength: Self.topic.utf8.count, propertiesLength: propertiesByteCount
        ).totalSize
    }

    /// Where the twelve digits of the keys begin in a message's properties.
    var keyDigits: [Int] { (0..<keyCount).map { 5 + 17 * $0 + 4 } }

    /// The key that `setKeys` writes: 16 characters.
    static func key(_ index: Int, number: Int) -> String {
        let digits = String(number & 0xFFFF_FFFF_FFFF, radix: 16)
        return "key\(index % 10)" + String(repeating: "0", count: 12 - digits.count) + digits
    }

    private static func properties(tag: Int?, keyCount: Int) -> [UInt8] {
        var all: [Property] = []
        if keyCount > 0 {
            let keys = (0..<keyCount).map { key($0, number: 0) }
            all.append(Property(name: PropertyName.keys, value: keys.joined(separator: " ")))
        }
        if let tag {
            let digits = String(tag, radix: 16)
            all.append(Property(name: PropertyName.tags, value: "Tg0\(digits)"))
        }
        let left = 50 - Properties.encode(all).count - "padding".utf8.count - 2
        if left >= 0 {
            all.append(Property(name: "padding", value: String(repeating: "p", count: left)))
        }
        return Properties.encode(all)
    }
}
