// consumerProgress: how far groups are.

import ApusFormat
import ApusRemoting
import ApusServer

enum ConsumerProgress: Command {
    static let name = "consumerProgress"
    static let summary = "Prints how far consumer groups are."
    static let flags: [Flag] = [
        .valued("g", "groupName", "NAME", "this group, queue by queue; all groups without it"),
        .valued("t", "topicName", "NAME", "in this topic only"),
        .valued("s", "showClientIP", "BOOL", "which client has each queue, false"),
        .valued("c", "cluster", "NAME", "taken for RocketMQ's sake; without effect"),
    ]
    static let examples = ["consumerProgress -g readers", "consumerProgress -g readers -s true"]

    static func run(_ call: Call) async throws {
        guard let group = call.arguments["groupName"] else { return try await all(call) }
        let showsClients = try call.arguments.truth("showClientIP") ?? false
        let topic = call.arguments["topicName"]
        let statistics = try await call.admin.consumeStatistics(group: group, topic: topic)
        statistics.failures.forEach(call.fail)
        if statistics.rows.isEmpty, statistics.failures.isEmpty {
            throw AdminError.absent(
                "nobody knows how far the group \(group) is",
                advice: "it has committed nothing, or broadcasts: see mqadmin consumerConnection")
        }
        var clients: [QueueKey: String] = [:]
        if showsClients {
            clients = try await call.attempt { try await call.admin.clients(byQueue: group) } ?? [:]
        }
        if call.isJSON {
            return call.print(json(group, statistics, showsClients ? clients : nil))
        }
        show(statistics, showsClients ? clients : nil, call)
    }

    private static func show(
        _ statistics: ConsumeStatistics, _ clients: [QueueKey: String]?, _ call: Call
    ) {
        let table = clients == nil ? table : tableWithClients
        call.line(table.heading)
        for row in statistics.rows {
            let time = row.lastTimestamp == 0 ? "N/A" : TimeText().text(row.lastTimestamp)
            var cells = [
                row.queue.topic, row.queue.broker, "\(row.queue.id)", "\(row.brokerOffset)",
                "\(row.consumerOffset)",
            ]
            if let clients { cells.append(clients[row.queue] ?? "N/A") }
            cells += ["\(row.difference)", "\(row.inFlight)", time]
            call.line(table.line(cells))
        }
        call.line()
        call.line("Consume TPS: \(statistics.rate.text(2))")
        call.line("Consume Diff Total: \(statistics.difference)")
        call.line("Consume Inflight Total: \(statistics.inFlight)")
    }

    private static func json(
        _ group: String, _ statistics: ConsumeStatistics, _ clients: [QueueKey: String]?
    ) -> JSON {
        let queues = statistics.rows.map { row -> JSON in
            var members: JSONObject = [
                "topic": .string(row.queue.topic), "brokerName": .string(row.queue.broker),
                "queueId": .integer(Int64(row.queue.id)),
                "brokerOffset": .integer(row.brokerOffset),
                "consumerOffset": .integer(row.consumerOffset),
                "diff": .integer(row.difference), "inflight": .integer(row.inFlight),
                "lastTimestamp": .integer(row.lastTimestamp),
            ]
            if let clients {
                members.append("clientIP", clients[row.queue].map { .string($0) } ?? .null)
            }
            return .object(members)
        }
        let members: JSONObject = [
            "groupName": .string(group), "queues": .array(queues),
            "consumeTps": .double(statistics.rate), "diffTotal": .integer(statistics.difference),
            "inflightTotal": .integer(statistics.inFlight),
        ]
        return .object(members)
    }

    private static let table = TextTable(
        .left("#Topic", 64), .left("#Broker Name", 32), .left("#QID", 4),
        .left("#Broker Offset", 20), .left("#Consumer Offset", 20), .left("#Diff", 20, gap: 1),
        .left("#Inflight", 20, gap: 1), .left("#LastTime", 0))

    private static let tableWithClients = TextTable(
        .left("#Topic", 64), .left("#Broker Name", 32), .left("#QID", 4),
        .left("#Broker Offset", 20), .left("#Consumer Offset", 20), .left("#Client IP", 20, gap: 1),
        .left("#Diff", 20, gap: 1), .left("#Inflight", 20, gap: 1), .left("#LastTime", 0))

    // MARK: All groups

    /// Each group that has a retry topic.
    private static func all(_ call: Call) async throws {
        var list: [JSON] = []
        if !call.isJSON { call.line(groupTable.heading) }
        for group in try await call.admin.topics().compactMap(TopicName.group(ofRetryTopic:)) {
            let found = try await call.attempt { try await row(group, call) }
            guard let row = found else { continue }
            list.append(row.json)
            if !call.isJSON { call.line(groupTable.line(row.cells)) }
        }
        if call.isJSON { call.print(.array(list)) }
    }

    /// A group that never committed has no statistics, one that is not there no clients.
    private static func row(
        _ group: String, _ call: Call
    ) async throws(AdminError) -> GroupRow {
        let statistics = try await answer { () async throws(AdminError) in
            try await call.admin.consumeStatistics(group: group)
        }
        statistics?.failures.forEach(call.fail)
        let clients = try await answer { () async throws(AdminError) in
            try await call.admin.consumers(of: group)
        }
        return GroupRow(group, statistics, clients)
    }

    /// Nil when a server refuses; what cannot be asked is an error.
    private static func answer<Value>(
        _ body: () async throws(AdminError) -> Value
    ) async throws(AdminError) -> Value? {
        do throws(AdminError) { return try await body() } catch {
            if case .refused = error { return nil }
            throw error
        }
    }

    private static let groupTable = TextTable(
        .left("#Group", 64), .left("#Count", 6), .left("#Version", 24, gap: 1), .left("#Type", 5),
        .left("#Model", 14), .left("#TPS", 7), .left("#Diff Total", 0))
}

/// A group in the list of all.
private struct GroupRow {
    let name: String
    let count: Int
    let version: String
    let type: String
    let model: String
    let rate: Double
    let difference: Int64

    init(_ name: String, _ statistics: ConsumeStatistics?, _ clients: JSON?) {
        self.name = name
        let connections = clients?["connectionSet"]?.array ?? []
        count = connections.count
        let lowest = connections.compactMap { $0["version"]?.int32 }.min()
        version = lowest.map(Release.name) ?? "OFFLINE"
        let isPulling = clients?["consumeType"]?.string == "CONSUME_ACTIVELY"
        type = connections.isEmpty ? "" : isPulling ? "PULL" : "PUSH"
        model = type == "PUSH" ? clients?["messageModel"]?.string ?? "" : ""
        rate = statistics?.rate ?? 0
        difference = statistics?.difference ?? 0
    }

    var cells: [String] {
        [name, "\(count)", version, type, model, rate.text(0), "\(difference)"]
    }

    var json: JSON {
        let members: JSONObject = [
            "groupName": .string(name), "count": .integer(Int64(count)),
            "version": .string(version), "type": .string(type), "model": .string(model),
            "consumeTps": .double(rate), "diffTotal": .integer(difference),
        ]
        return .object(members)
    }
}

extension Admin {
    /// The addresses of a group's clients, by the queues that they have.
    func clients(byQueue group: String) async throws(AdminError) -> [QueueKey: String] {
        let addresses = try await route(of: TopicName.retryTopic(of: group)).readable
        let consumers = try await consumers(of: group)
        var found: [QueueKey: String] = [:]
        for client in consumers["connectionSet"]?.array ?? [] {
            guard let id = client["clientId"]?.string else { continue }
            let running = try await askFirst(
                addresses, to: "ask the client \(id) what it does", .getConsumerRunningInfo,
                ["consumerGroup": group, "clientId": id, "jstackEnable": "false"])
            for (queue, _) in running["mqTable"]?.byQueue ?? [] {
                found[queue] = id.split(separator: "@").first.map(String.init)
            }
        }
        return found
    }
}
