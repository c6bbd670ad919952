// consumeMessage: prints messages of a topic, a queue, or from an offset on.

import ApusFormat
import ApusRemoting
import ApusServer

enum ConsumeMessage: Command {
    static let name = "consumeMessage"
    static let summary = "Prints messages; nothing is committed."
    static let flags: [Flag] = [
        .required("t", "topic", "NAME", "the topic"),
        .valued("b", "brokerName", "NAME", "with -i: of this broker"),
        .valued("i", "queueId", "ID", "with -b: this queue"),
        .valued("o", "offset", "NUMBER", "with -b and -i: from this offset on"),
        .valued("g", "consumerGroup", "NAME", "as this group, \(SystemName.toolsGroup)"),
        .valued("s", "beginTimestamp", "TIME", "stored then or later"),
        .valued("e", "endTimestamp", "TIME", "stored before"),
        .valued("c", "MessageNumber", "COUNT", "at most so many, 128"),
    ]
    static let examples = [
        "consumeMessage -t Orders -c 10",
        "consumeMessage -t Orders -b broker-a -i 0 -o 1200",
        "consumeMessage -t Orders -s '2026-11-26#10:00:00:000' --json",
    ]

    static func run(_ call: Call) async throws {
        let arguments = call.arguments
        let topic = try arguments.text("topic")
        var left: Int64 = try arguments.number("MessageNumber", 1...Int64.max) ?? 128
        let span = try Span(arguments)
        let group = arguments["consumerGroup"] ?? SystemName.toolsGroup
        let wanted = try queue(arguments)
        let offset: Int64? = try arguments.number("offset", 0...Int64.max)
        if offset != nil, wanted == nil {
            throw UsageError("-o (--offset) wants -b and -i as well")
        }
        for (broker, place) in try await call.admin.queues(of: topic, wanted) where left > 0 {
            let read: Int64? = try await call.attempt {
                var (low, high) = try await span.bounds(place, call.admin)
                if let offset {
                    if offset > high {
                        throw AdminError.absent(
                            "queue \(place.queue) of \(topic) at \(broker) ends at \(high), before"
                                + " \(offset)",
                            advice: "mqadmin topicStatus -t \(topic) shows the offsets")
                    }
                    low = max(low, offset)
                }
                var reader = QueueReader(place: place, broker: broker, group: group)
                return try await reader.read(low..<max(low, high), atMost: left, call)
            }
            left -= read ?? 0
        }
    }

    private static func queue(
        _ arguments: Arguments
    ) throws(UsageError) -> (broker: String, queue: Int32)? {
        let queue: Int32? = try arguments.number("queueId", 0...Int32.max)
        switch (arguments["brokerName"], queue) {
        case (let broker?, let queue?): return (broker, queue)
        case (nil, nil): return nil
        default: throw UsageError("-b (--brokerName) and -i (--queueId) belong together")
        }
    }
}

/// The times between which messages are wanted.
struct Span: Sendable {
    let begin: Int64?
    let end: Int64?

    init(_ arguments: Arguments) throws(UsageError) {
        let now = TimeText.now
        begin = try arguments.moment("beginTimestamp", now: now)
        end = try arguments.moment("endTimestamp", now: now)
        for moment in [begin, end].compactMap({ $0 }) where moment > now {
            throw UsageError("the time \(moment) is still to come")
        }
        if let begin, let end, begin > end {
            throw UsageError("--beginTimestamp is behind --endTimestamp")
        }
    }

    /// The first offset and the one behind the last.
    func bounds(
        _ place: QueuePlace, _ admin: Admin
    ) async throws(AdminError) -> (Int64, Int64) {
        let low: Int64
        if let begin {
            low = try await admin.offset(place, at: begin)
        } else {
            low = try await admin.start(place)
        }
        let high: Int64
        if let end {
            high = try await admin.offset(place, at: end)
        } else {
            high = try await admin.end(place)
        }
        return (low, high)
    }
}

/// Tags as they are subscribed to.
enum TagList {
    static func tags(in expression: String) -> Set<String> {
        Set(
            expression.split(separator: "||").map { String($0).trimmed }.filter { !$0.isEmpty })
    }
}

/// Reads a queue and prints what it finds.
struct QueueReader {
    let place: QueuePlace
    let broker: String
    let group: String
    /// Tags with `||` between them, or `*`.
    var tags = "*"
    /// Nil: without bodies.
    var format: BodyFormat? = .text

    /// Prints the messages at these offsets, and answers how many.
    mutating func read(
        _ offsets: Range<Int64>, atMost count: Int64 = .max, _ call: Call
    ) async throws(AdminError) -> Int64 {
        // A broker goes by the hashes of tags.
        let wanted = tags == "*" ? nil : TagList.tags(in: tags)
        var offset = offsets.lowerBound
        var printed: Int64 = 0
        while offset < offsets.upperBound, printed < count {
            let number = min(32, offsets.upperBound.saturatingSubtract(offset), count - printed)
            let answer = try await call.admin.pull(
                place, from: offset, count: Int(number), group: group, tags: tags)
            for message in answer.messages
            where message.fields.queueOffset < offsets.upperBound && printed < count
                && wanted?.contains(message.tags ?? "") != false
            {
                printed += 1
                if call.isJSON {
                    call.print(message.json(broker: broker, format))
                } else {
                    call.line(message.line(broker, format))
                }
            }
            // A broker that does not go on would be asked for ever.
            let isOver = answer.nextOffset <= offset || answer.name == "NO_NEW_MSG"
            offset = answer.nextOffset
            if answer.status != .success, !call.isJSON {
                let queue = QueueKey(topic: place.topic, broker: broker, id: place.queue).text
                call.line(
                    "\(queue) \(isOver ? "print msg finished." : "no matched msg.")"
                        + " status=\(answer.name), offset=\(offset)")
            }
            if isOver { break }
        }
        return printed
    }
}

extension Admin {
    /// The queues of a topic that can be read, or the one that is wanted, each with its broker.
    func queues(
        of topic: String, _ wanted: (broker: String, queue: Int32)? = nil
    ) async throws(AdminError) -> [(broker: String, place: QueuePlace)] {
        let route = try await route(of: topic)
        var found: [(broker: String, place: QueuePlace)] = []
        for queues in route.queues where wanted == nil || wanted?.broker == queues.brokerName {
            guard let address = route.broker(queues.brokerName)?.readable else { continue }
            let ids = wanted.map { $0.queue...$0.queue } ?? 0...max(0, queues.read - 1)
            for id in ids where id < queues.read {
                found.append(
                    (
                        queues.brokerName,
                        QueuePlace(address: address, topic: topic, queue: id)
                    ))
            }
        }
        if found.isEmpty {
            let place = wanted.map { " \($0.queue) at the broker \($0.broker)" } ?? ""
            throw .absent(
                "the topic \(topic) has no queue\(place) to read",
                advice: "mqadmin topicRoute -t \(topic) -l shows its queues")
        }
        return found
    }
}
