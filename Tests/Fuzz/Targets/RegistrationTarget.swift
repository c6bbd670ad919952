// What a broker registers, in the two forms that it has: what the one says, the other says too.

import ApusFormat
import ApusNameServer
import ApusRemoting
import ApusServer

enum RegistrationTarget {
    /// The first byte says of which age the broker is, and whether what follows is inflated.
    static func run(_ input: [UInt8]) throws(FuzzFinding) {
        guard let options = input.first else { return }
        let version: Int32 = [36, 37, 412, 413][Int(options & 3)]
        var body = Array(input.dropFirst())
        let isCompressed = options & 4 != 0
        if isCompressed, options & 8 == 0 {
            // A fuzzer finds no zlib stream by itself.
            guard let made = try? BodyCompression.encode(body.rawSpan, codec: .zlib) else { return }
            body = made
        }
        guard let content = try parse(body, isCompressed, version) else { return }
        try expectEqual(try parse(body, isCompressed, version), content, "the same twice")
        try check(content)
        // What a compressed body cannot say, or says otherwise.
        guard content.topics.keys.allSatisfy({ !$0.utf8.contains(UInt8(ascii: " ")) }),
            content.mappings.allSatisfy({ $1.json["topic"]?.string == $0 })
        else { return }
        var plain = content
        for name in plain.topics.keys { plain.topics[name]?.systemFlag = TopicFlag() }
        guard let made = try? BodyCompression.encode(layOut(plain).rawSpan, codec: .zlib) else {
            throw FuzzFinding("a registration cannot be compressed")
        }
        try expectEqual(try parse(made, true, 413), plain, "the same in the other form")
    }

    private static func parse(
        _ body: [UInt8], _ isCompressed: Bool, _ version: Int32
    ) throws(FuzzFinding) -> RegisteredTopics? {
        do throws(RegistrationError) {
            return try RegistrationBody.parse(
                body.rawSpan, isCompressed: isCompressed, brokerVersion: version)
        } catch {
            try expect(!error.description.isEmpty, "a refusal says why")
            return nil
        }
    }

    /// The bounds that hold for whatever is taken.
    private static func check(_ content: RegisteredTopics) throws(FuzzFinding) {
        let names =
            Array(content.topics.keys) + Array(content.mappings.keys)
            + content.mappings.values.map(\.brokerName) + (content.filterServers ?? [])
        for name in names {
            try expect(
                1...255 ~= name.utf8.count && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F },
                "a name is beyond its bounds: \(name.debugDescription)")
        }
        for queues in content.topics.values {
            for count in [queues.readQueueCount, queues.writeQueueCount] {
                try expect(0...1 << 20 ~= count, "a topic has \(count) queues")
            }
        }
    }

    /// What a broker since 5.0.0 compresses.
    private static func layOut(_ content: RegisteredTopics) -> [UInt8] {
        var bytes: [UInt8] = []
        func append(_ count: Int) {
            for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
        }
        func append(_ item: [UInt8]) {
            append(item.count)
            bytes += item
        }
        append(content.version.json.bytes())
        append(content.topics.count)
        for (name, queues) in content.topics {
            let words = [queues.readQueueCount, queues.writeQueueCount, queues.permission.rawValue]
                .map { "\($0)" }
            append(Array("\(name) \(words.joined(separator: " ")) SINGLE_TAG {}".utf8))
        }
        append(
            content.filterServers.map { JSON.array($0.map { .string($0) }).bytes() }
                ?? Array("null".utf8))
        append(content.mappings.count)
        for mapping in content.mappings.values { append(mapping.json.bytes()) }
        return bytes
    }
}
