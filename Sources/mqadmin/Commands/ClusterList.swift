// clusterList: the brokers of each cluster, and how they are.

import ApusRemoting
import ApusServer

enum ClusterList: Command {
    static let name = "clusterList"
    static let summary = "Lists clusters with their brokers."
    static let flags: [Flag] = [
        .plain("m", "moreStats", "how many messages came and went, yesterday and today"),
        .valued("i", "interval", "SECONDS", "print again and again"),
        .valued("c", "clusterName", "NAME", "this cluster only"),
    ]
    static let examples = ["clusterList -n localhost:9876", "clusterList -m -i 5"]

    static func run(_ call: Call) async throws {
        let interval: Int64? = try call.arguments.number("interval", 1...86_400)
        while true {
            try await once(call)
            guard let interval else { return }
            try await Task.sleep(for: .seconds(interval))
        }
    }

    private static func once(_ call: Call) async throws {
        let rows = try await rows(call)
        if call.isJSON { return call.print(.array(rows.map(\.json))) }
        let isMore = call.arguments.has("moreStats")
        call.line((isMore ? more : basic).heading)
        for row in rows { call.line(isMore ? more.line(row.totals) : basic.line(row.state)) }
    }

    private static func rows(_ call: Call) async throws -> [BrokerRow] {
        let clusters = try await call.admin.clusters()
        var names = clusters.names.keys.sorted()
        if let wanted = call.arguments["clusterName"] {
            _ = try call.admin.members(of: wanted, in: clusters)
            names = [wanted]
        }
        var rows: [BrokerRow] = []
        for name in names {
            for broker in clusters.members(of: name) {
                for (id, address) in broker.sorted {
                    let status = try await call.attempt {
                        try await call.admin.runtimeInformation(address)
                    }
                    rows.append(
                        BrokerRow(
                            cluster: name, broker: broker.name, id: id, address: address,
                            status: BrokerStatusTable(status ?? [:])))
                }
            }
        }
        return rows
    }

    private static let basic = TextTable(
        .left("#Cluster Name", 22), .left("#Broker Name", 22), .left("#BID", 4),
        .left("#Addr", 22, gap: 1), .left("#Version", 16), .right("#InTPS(LOAD)", 16),
        .right("#OutTPS(LOAD)", 30), .left("#Timer(Progress)", 22), .right("#PCWait(ms)", 11),
        .left("#Hour", 12), .left("#SPACE", 8), .right("#ACTIVATED", 10))

    private static let more = TextTable(
        .left("#Cluster Name", 16), .left("#Broker Name", 32, gap: 1),
        .right("#InTotalYest", 14, gap: 1), .right("#OutTotalYest", 14, gap: 1),
        .right("#InTotalToday", 14, gap: 1), .right("#OutTotalToday", 14))
}

/// A line of the list.
private struct BrokerRow {
    let cluster: String
    let broker: String
    let id: Int64
    let address: String
    let status: BrokerStatusTable

    var state: [String] {
        let load = { (name: String) in
            "\(status[name + "ThreadPoolQueueSize"]),"
                + "\(status[name + "ThreadPoolQueueHeadWaitTimeMills"])ms"
        }
        let timer =
            "\(status.number("timerReadBehind"))-\(status.number("timerOffsetBehind"))"
            + "(\((Double(status.number("timerCongestNum")) / 10_000).text(1))w, "
            + "\(status.rate("timerEnqueueTps").text(1)), "
            + "\(status.rate("timerDequeueTps").text(1)))"
        return [
            cluster, broker, "\(id)", address, status["brokerVersionDesc"],
            "\(status.rate("putTps").text(2).padded(before: 9))(\(load("send")))",
            "\(status.rate("getTransferredTps").text(2).padded(before: 9))"
                + "(\(load("pull"))|\(load("ack")))",
            timer, status["pageCacheLockTimeMills"], hours.text(2), space.text(4), "\(isActive)",
        ]
    }

    var totals: [String] {
        [cluster, broker, "\(yesterday("Put"))", "\(yesterday("Get"))", "\(today("Put"))"]
            + ["\(today("Get"))"]
    }

    /// Hours since the first message that is kept was stored.
    private var hours: Double {
        let first = status.number("earliestMessageTimeStamp")
        return first > 0 ? Double(TimeText.now - first) / 3_600_000 : 0
    }

    private var space: Double { status.rate("commitLogDiskRatio") }
    private var isActive: Bool { status["brokerActive"] == "true" }

    private func yesterday(_ what: String) -> Int64 {
        status.number("msg\(what)TotalTodayMorning")
            .saturatingSubtract(status.number("msg\(what)TotalYesterdayMorning"))
    }

    private func today(_ what: String) -> Int64 {
        status.number("msg\(what)TotalTodayNow")
            .saturatingSubtract(status.number("msg\(what)TotalTodayMorning"))
    }

    var json: JSON {
        let members: JSONObject = [
            "clusterName": .string(cluster), "brokerName": .string(broker),
            "brokerId": .integer(id), "brokerAddr": .string(address),
            "version": .string(status["brokerVersionDesc"]),
            "inTps": .double(status.rate("putTps")),
            "outTps": .double(status.rate("getTransferredTps")),
            "hour": .double(hours), "space": .double(space),
            "inTotalYesterday": .integer(yesterday("Put")),
            "outTotalYesterday": .integer(yesterday("Get")),
            "inTotalToday": .integer(today("Put")), "outTotalToday": .integer(today("Get")),
            "activated": .bool(isActive),
        ]
        return .object(members)
    }
}

/// What a broker tells of itself. What it does not tell is 0, or the `N` of RocketMQ's tools.
struct BrokerStatusTable: Sendable {
    let values: [String: String]
    init(_ values: [String: String]) { self.values = values }

    subscript(name: String) -> String {
        values[name] ?? (name.hasPrefix("ack") ? "N" : "")
    }

    func number(_ name: String) -> Int64 { values[name].flatMap { Int64($0) } ?? 0 }

    /// The first of numbers that blanks divide: those of the last ten seconds.
    func rate(_ name: String) -> Double {
        values[name]?.split(separator: " ").first.flatMap { Double($0) } ?? 0
    }
}

extension Admin {
    func runtimeInformation(_ address: String) async throws(AdminError) -> [String: String] {
        let json = try await askForJSON(address, to: "tell how it is", .getBrokerRuntimeInfo)
        var table: [String: String] = [:]
        for member in json["table"]?.object?.members ?? [] {
            table[member.name] = member.value.string
        }
        return table
    }
}
