// What a registration tells a NameServer of the broker's topics.

import ApusFormat
import ApusRemoting
import ApusServer

/// The topics of a registration: all, or those that are new.
struct RegistrationBody: Sendable {
    let topics: [TopicSettings]
    let version: DataVersion

    /// As JSON.
    var plain: [UInt8] {
        var table = JSONObject()
        for topic in topics { table.append(topic.name, topic.json) }
        let empty = JSON.object(JSONObject())
        let wrapper = JSONObject([
            ("dataVersion", version.json),
            ("mappingDataVersion", DataVersion(timestamp: version.timestamp).json),
            ("topicConfigTable", .object(table)),
            ("topicQueueMappingDetailMap", empty), ("topicQueueMappingInfoMap", empty),
        ])
        let body = JSONObject([
            ("filterServerList", []), ("topicConfigSerializeWrapper", .object(wrapper)),
        ])
        return JSON.object(body).bytes()
    }

    /// In RocketMQ's compressed form: a zlib stream of parts, each behind its length.
    func compressed() throws(CompressionError) -> [UInt8] {
        var parts: [UInt8] = []
        func append(_ number: Int) {
            for shift in [24, 16, 8, 0] { parts.append(UInt8(truncatingIfNeeded: number >> shift)) }
        }
        func append(_ part: [UInt8]) {
            append(part.count)
            parts += part
        }
        append(version.json.bytes())
        append(topics.count)
        for topic in topics { append(Self.line(topic)) }
        append([UInt8]("[]".utf8))
        // No queues of static topics.
        append(0)
        return try BodyCompression.encode(parts.rawSpan, codec: .zlib)
    }

    /// A topic on one line. Its system flag and its order are lost, with RocketMQ too.
    private static func line(_ topic: TopicSettings) -> [UInt8] {
        let words = [
            topic.name, "\(topic.readQueues)", "\(topic.writeQueues)",
            "\(topic.permission.rawValue)", topic.filterType.rawValue,
        ]
        var line = Array(words.joined(separator: " ").utf8)
        line.append(UInt8(ascii: " "))
        JSON(topic.attributes).write(into: &line)
        return line
    }
}
