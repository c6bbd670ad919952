// statsAll: what came and went, topic by topic and group by group.

import ApusFormat
import ApusRemoting
import ApusServer

enum StatsAll: Command {
    static let name = "statsAll"
    static let summary = "Prints how much comes and goes, by topic and group."
    static let flags: [Flag] = [
        .plain("a", "activeTopic", "only where something came or went in 24 hours"),
        .valued("t", "topic", "NAME", "this topic only"),
    ]
    static let examples = ["statsAll", "statsAll -t Orders"]

    static func run(_ call: Call) async throws {
        let wanted = call.arguments["topic"]
        let topics = try await call.admin.topics().filter {
            !TopicName.isOfGroup($0) && (wanted == nil || $0 == wanted)
        }
        if let wanted, topics.isEmpty {
            throw AdminError.absent(
                "no NameServer knows the topic \(wanted)",
                advice: "mqadmin topicList shows the topics")
        }
        var list: [JSON] = []
        if !call.isJSON { call.line(table.heading) }
        for topic in topics {
            let found = try await call.attempt { try await rows(topic, call) }
            for row in found ?? [] where !call.arguments.has("activeTopic") || row.isActive {
                list.append(row.json)
                if !call.isJSON { call.line(table.line(row.cells)) }
            }
        }
        if call.isJSON { call.print(.array(list)) }
    }

    private static func rows(
        _ topic: String, _ call: Call
    ) async throws(AdminError) -> [TrafficRow] {
        let admin = call.admin
        let route = try await admin.route(of: topic)
        let masters = route.brokers.compactMap(\.master)
        let incoming = try await traffic("TOPIC_PUT_NUMS", topic, masters, admin)
        let groups = try await admin.groups(consuming: topic, route)
        var rows: [TrafficRow] = []
        for group in groups {
            let outgoing = try await traffic("GROUP_GET_NUMS", "\(topic)@\(group)", masters, admin)
            var behind = ConsumeStatistics()
            do throws(AdminError) {
                behind = try await admin.consumeStatistics(group: group, topic: topic)
                behind.failures.forEach(call.fail)
            } catch {
                // A group that is subscribed and never committed.
                guard case .refused = error else { throw error }
            }
            rows.append(
                TrafficRow(
                    topic: topic, group: group, accumulation: max(0, behind.difference),
                    incoming: incoming, outgoing: outgoing))
        }
        return rows.isEmpty
            ? [
                TrafficRow(
                    topic: topic, group: nil, accumulation: 0, incoming: incoming,
                    outgoing: Traffic())
            ] : rows
    }

    /// What brokers counted under a name. One that counted nothing refuses.
    private static func traffic(
        _ name: String, _ key: String, _ brokers: [String], _ admin: Admin
    ) async throws(AdminError) -> Traffic {
        var sum = Traffic()
        for address in brokers {
            do throws(AdminError) {
                sum.add(
                    try await admin.askForJSON(
                        address, to: "tell what it counted", .viewBrokerStatsData,
                        ["statsName": name, "statsKey": key]))
            } catch {
                guard case .refused(_, _, .systemError, _) = error else { throw error }
            }
        }
        return sum
    }

    private static let table = TextTable(
        .left("#Topic", 64), .left("#Consumer Group", 64, gap: 1),
        .right("#Accumulation", 12, gap: 1), .right("#InTPS", 11, gap: 1),
        .right("#OutTPS", 11, gap: 1), .right("#InMsg24Hour", 14, gap: 1),
        .right("#OutMsg24Hour", 14))
}

/// What was counted.
private struct Traffic {
    /// Messages a second, in the last minute.
    var rate = 0.0
    /// In the last day, or as long as there are figures.
    var day: Int64 = 0

    mutating func add(_ json: JSON) {
        rate += json["statsMinute"]?["tps"]?.double ?? 0
        // The longest that has counted something, as RocketMQ's tools take it.
        let sums = ["statsDay", "statsHour", "statsMinute"].lazy
            .compactMap { json[$0]?["sum"]?.int64 }
        day = day.saturatingAdd(sums.first { $0 != 0 } ?? 0)
    }
}

/// A line.
private struct TrafficRow {
    let topic: String
    let group: String?
    let accumulation: Int64
    let incoming: Traffic
    let outgoing: Traffic

    var isActive: Bool { incoming.day > 0 || outgoing.day > 0 }

    var cells: [String] {
        [
            topic, group ?? "", "\(accumulation)", incoming.rate.text(2),
            group == nil ? "" : outgoing.rate.text(2), "\(incoming.day)",
            group == nil ? "NO_CONSUMER" : "\(outgoing.day)",
        ]
    }

    var json: JSON {
        let members: JSONObject = [
            "topic": .string(topic), "consumerGroup": group.map { .string($0) } ?? .null,
            "accumulation": .integer(accumulation), "inTps": .double(incoming.rate),
            "outTps": .double(outgoing.rate), "inMsg24Hour": .integer(incoming.day),
            "outMsg24Hour": .integer(outgoing.day),
        ]
        return .object(members)
    }
}
