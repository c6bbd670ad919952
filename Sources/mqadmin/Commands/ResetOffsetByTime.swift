// resetOffsetByTime: sets where a group goes on.

import ApusFormat
import ApusRemoting

enum ResetOffsetByTime: Command {
    static let name = "resetOffsetByTime"
    static let summary = "Sets where a consumer group goes on: at a time, or at an offset."
    static let flags: [Flag] = [
        .required("g", "group", "NAME", "the group"),
        .required("t", "topic", "NAME", "the topic"),
        .required(
            "s", "timestamp", "TIME", "now, milliseconds, yyyy-MM-dd#HH:mm:ss:SSS; -1: the end"),
        .valued("f", "force", "BOOL", "whether back as well, true"),
        .valued("b", "broker", "ADDRESS", "with -q: on this broker"),
        .valued("q", "queue", "ID", "this queue only"),
        .valued("o", "offset", "NUMBER", "with -b and -q: to this offset, whatever the time"),
        .valued("c", "cluster", "NAME", "taken for RocketMQ's sake; without effect"),
        .plain(nil, "cplus", "taken for RocketMQ's sake; without effect"),
    ]
    static let examples = [
        "resetOffsetByTime -g readers -t Orders -s now",
        "resetOffsetByTime -g readers -t Orders -s '2026-11-26#10:00:00:000'",
        "resetOffsetByTime -g readers -t Orders -s 0 -b localhost:10911 -q 2 -o 17",
    ]

    static func run(_ call: Call) async throws {
        let wish = try Wish(call.arguments)
        let rows: [Row]
        if let place = wish.place {
            rows = [try await resetOne(wish, place, call.admin)]
        } else {
            rows = try await resetAll(wish, call)
        }
        if call.isJSON { return call.print(.array(rows.map(\.json))) }
        let place = wish.place.map { ", queueId[\($0.queue)], broker[\($0.address)]" } ?? ""
        call.line(
            "start reset consumer offset by specified, group[\(wish.group)], topic[\(wish.topic)]"
                + "\(place), force[\(wish.isForced)], timestamp(string)[\(wish.text)], "
                + "timestamp(long)[\(wish.time)]")
        call.line(table.heading)
        for row in rows {
            call.line(table.line([row.broker, "\(row.queue)", "\(row.offset)"]))
        }
    }

    /// One queue of one broker.
    private static func resetOne(
        _ wish: Wish, _ place: (address: String, queue: Int32), _ admin: Admin
    ) async throws -> Row {
        var offset = wish.offset ?? 0
        if wish.offset == nil {
            offset = try await find(wish, place.address, place.queue, admin)
        }
        let answer = try await admin.ask(
            place.address, to: wish.what, .invokeBrokerToResetOffset,
            wish.fields(queue: place.queue, offset: offset))
        // What the broker made of it: an offset beyond the queue's ends is moved.
        let told = (try? JSON(parsing: answer.body.rawSpan))?["offsetTable"]?.byQueue.first
        return Row(
            broker: told?.key.broker ?? place.address, queue: place.queue,
            offset: told?.value.int64 ?? offset)
    }

    /// All queues of all brokers that have the topic.
    private static func resetAll(_ wish: Wish, _ call: Call) async throws -> [Row] {
        let route = try await call.admin.route(of: wish.topic)
        var rows: [Row] = []
        for broker in route.brokers {
            guard let address = broker.readable else { continue }
            let queues = route.queues.first { $0.brokerName == broker.name }?.read ?? 0
            rows +=
                try await call.attempt {
                    try await resetAll(wish, address, broker.name, queues, call)
                } ?? []
        }
        return rows
    }

    /// All queues of one broker. Those that it does not set are complained of.
    private static func resetAll(
        _ wish: Wish, _ address: String, _ broker: String, _ queues: Int32, _ call: Call
    ) async throws(AdminError) -> [Row] {
        let answer = try await call.admin.ask(
            address, to: wish.what, .invokeBrokerToResetOffset, wish.fields(),
            accepting: [.success, .consumerNotOnline])
        if answer.responseCode == .success {
            let json = try Admin.json(answer, wish.what, address)
            return (json["offsetTable"]?.byQueue ?? []).map { queue, offset in
                Row(broker: queue.broker, queue: queue.id, offset: offset.int64 ?? 0)
            }
        }
        // Brokers before 5.0 tell the group's clients, and refuse when there are none. What the
        // group has committed can be set then.
        var rows: [Row] = []
        for queue in 0..<queues {
            do throws(AdminError) {
                let offset = try await resetCommitted(wish, address, queue, call.admin)
                rows.append(Row(broker: broker, queue: queue, offset: offset))
            } catch {
                call.fail(error)
                // One that is gone is not waited for queue by queue.
                if case .unanswered = error { break }
            }
        }
        return rows
    }

    /// Sets what a group has committed in a queue: forced, or to an offset that is not ahead of it.
    /// Answers where the group is then.
    private static func resetCommitted(
        _ wish: Wish, _ address: String, _ queue: Int32, _ admin: Admin
    ) async throws(AdminError) -> Int64 {
        let offset = try await find(wish, address, queue, admin)
        var fields: HeaderFields = [
            "consumerGroup": wish.group, "topic": wish.topic, "queueId": "\(queue)",
        ]
        if !wish.isForced {
            let answer = try await admin.ask(
                address, to: "tell where \(wish.group) goes on", .queryConsumerOffset, fields,
                accepting: [.success, .queryNotFound])
            let known = answer.fields["offset"].flatMap { Int64($0) } ?? 0
            if offset > known { return known }
        }
        fields["commitOffset"] = "\(offset)"
        _ = try await admin.ask(address, to: wish.what, .updateConsumerOffset, fields)
        return offset
    }

    /// The first offset at a time; the end for -1.
    private static func find(
        _ wish: Wish, _ address: String, _ queue: Int32, _ admin: Admin
    ) async throws(AdminError) -> Int64 {
        let place = QueuePlace(address: address, topic: wish.topic, queue: queue)
        return wish.time < 0
            ? try await admin.end(place) : try await admin.offset(place, at: wish.time)
    }

    private static let table = TextTable(
        .left("#brokerName", 40), .left("#queueId", 40), .left("#offset", 40))

    private struct Row {
        let broker: String
        let queue: Int32
        let offset: Int64

        var json: JSON {
            .object([
                "brokerName": .string(broker), "queueId": .integer(Int64(queue)),
                "offset": .integer(offset),
            ])
        }
    }

    private struct Wish {
        let group: String
        let topic: String
        /// As it was typed.
        let text: String
        let time: Int64
        let isForced: Bool
        let place: (address: String, queue: Int32)?
        let offset: Int64?

        /// For complaints.
        var what: String { "set where \(group) goes on" }

        init(_ arguments: Arguments) throws(UsageError) {
            group = try arguments.text("group")
            topic = try arguments.text("topic")
            text = try arguments.text("timestamp")
            time = try arguments.moment("timestamp", now: TimeText.now) ?? 0
            isForced = try arguments.truth("force") ?? true
            offset = try arguments.number("offset", 0...Int64.max)
            let queue: Int32? = try arguments.number("queue", 0...Int32.max)
            switch (arguments["broker"], queue) {
            case (let address?, let queue?): place = (address, queue)
            case (nil, nil) where offset == nil: place = nil
            default:
                throw UsageError("-b (--broker) and -q (--queue) belong together, -o to both")
            }
        }

        func fields(queue: Int32? = nil, offset: Int64? = nil) -> HeaderFields {
            var fields: HeaderFields = [
                "topic": topic, "group": group, "timestamp": "\(time)", "isForce": "\(isForced)",
            ]
            if let queue { fields["queueId"] = "\(queue)" }
            if let offset { fields["offset"] = "\(offset)" }
            return fields
        }
    }
}
