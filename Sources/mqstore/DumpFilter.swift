// Which records `dump` prints.

import ApusStore

/// The flags of `dump`, read and checked against each other.
struct DumpFilter {
    var offset: Int64?
    var count: Int64?
    var queue: (topic: String, id: Int32)?
    var queueOffset: Int64?
    var topic: String?
    var key: String?
    var since: Int64?
    var until: Int64?
    var isScan: Bool

    init(_ arguments: Arguments) throws {
        offset = try arguments.number("--offset")
        count = try arguments.number("--count")
        queueOffset = try arguments.number("--from")
        topic = arguments.text("--topic")
        since = try Self.time("--since", arguments)
        until = try Self.time("--until", arguments)
        isScan = arguments.has("--scan")
        if let text = arguments.text("--queue") {
            guard let slash = text.lastIndex(of: "/"), slash != text.startIndex,
                let id = Int32(text[text.index(after: slash)...]), id >= 0
            else { throw UsageError("--queue needs TOPIC/ID, as in Orders/3, not \(text)") }
            queue = (String(text[..<slash]), id)
        }
        if let text = arguments.text("--key") {
            if let topic {
                key = text
                self.topic = topic
            } else if let hash = text.firstIndex(of: "#"), hash != text.startIndex {
                topic = String(text[..<hash])
                key = String(text[text.index(after: hash)...])
            } else {
                throw UsageError("--key needs TOPIC#KEY, or --topic beside it")
            }
        }
        if queueOffset != nil, queue == nil { throw UsageError("--from goes with --queue") }
        if queue != nil, key != nil { throw UsageError("--queue and --key do not go together") }
        if let queue, let topic, queue.topic != topic {
            throw UsageError("--queue and --topic name different topics")
        }
    }

    static let valued: Set = [
        "--offset", "--count", "--queue", "--from", "--topic", "--key", "--since", "--until",
        "--body",
    ]
    static let plain: Set = ["--json", "--scan"]

    private static func time(_ flag: String, _ arguments: Arguments) throws -> Int64? {
        guard let text = arguments.text(flag) else { return nil }
        guard let time = TimeText.milliseconds(text) else {
            throw UsageError(
                "\(flag) needs milliseconds since 1970 or a time like 2026-11-25T10:00:00Z,"
                    + " not \(text)")
        }
        return time
    }

    /// Whether the record is to be printed, but for `count`.
    func accepts(_ record: borrowing LogRecord) -> Bool {
        if let offset, record.physicalOffset < offset { return false }
        if let since, record.storeTimestamp < since { return false }
        if let until, record.storeTimestamp >= until { return false }
        if let key {
            return KeySearch.matches(record, topic: topic ?? "", key: key)
        }
        if let queue {
            guard record.queueID == queue.id else { return false }
            let name = record.topicName
            guard name == queue.topic else { return false }
            return record.queueOffset &+ record.messageCount > queueOffset ?? 0
        }
        if let topic {
            let name = record.topicName
            return name == topic
        }
        return true
    }
}
