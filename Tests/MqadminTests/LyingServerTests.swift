// Servers that answer well-formed lies: the tool neither ends by them nor believes them.

import ApusFormat
import ApusRemoting
import NIOCore
import Synchronization
import Testing

@testable import mqadmin

/// NameServer and broker in one: answers what a function makes of a request and of the server's own
/// address, and what that leaves open with code 3.
struct Script: RequestProcessor {
    let answer: @Sendable (RemotingCommand, String) -> Response?

    func process(_ request: borrowing Request, on connection: Connection) {
        let command = request.command
        connection.respond(
            to: request.replyKey,
            answer(command, connection.localAddress.description)
                ?? .unsupported(command.requestCode))
    }
}

extension Response {
    /// Success with a body.
    static func text(_ body: String) -> Response { Response(.success, body: Array(body.utf8)) }

    /// A route by which one broker, `b`, has a topic.
    static func route(_ address: String, queues: Int64 = 1) -> Response { route([address], queues) }

    /// One by which brokers `b`, `b2` and so on have it.
    static func route(_ addresses: [String], _ queues: Int64 = 1) -> Response {
        let names = addresses.indices.map { $0 == 0 ? "b" : "b\($0 + 1)" }
        let brokers = zip(names, addresses).map {
            #"{"brokerAddrs":{"0":"\#($1)"},"brokerName":"\#($0)","cluster":"C"}"#
        }
        let entries = names.map {
            #"{"brokerName":"\#($0)","perm":6,"readQueueNums":\#(queues),"topicSysFlag":0,"#
                + #""writeQueueNums":\#(queues)}"#
        }
        return .text(
            #"{"brokerDatas":[\#(brokers.joined(separator: ","))],"#
                + #""queueDatas":[\#(entries.joined(separator: ","))]}"#)
    }
}

/// The largest and the least number that an answer can hold.
private let (most, least) = ("9223372036854775807", "-9223372036854775808")

/// A table by queue with two queues of the topic T, each with these numbers.
private func offsetTable(_ numbers: String) -> String {
    let rows = [0, 1].map { #"{"brokerName":"b","queueId":\#($0),"topic":"T"}:{\#(numbers)}"# }
    return "{\(rows.joined(separator: ","))}"
}

@Suite("mqadmin and servers that lie", .timeLimit(.minutes(1)))
struct LyingServerTests {
    @Test("sums of what servers say end at the ends of the numbers")
    func sums() async throws {
        let far = offsetTable(
            #""brokerOffset":\#(most),"consumerOffset":\#(least),"pullOffset":\#(most),"#
                + #""lastTimestamp":\#(most),"minOffset":\#(least),"maxOffset":\#(most),"#
                + #""lastUpdateTimestamp":\#(most)"#)
        let script = Script { command, address in
            switch command.requestCode {
            case .getRouteinfoByTopic: .route(address)
            case .getAllTopicListFromNameserver: .text(#"{"topicList":["T"]}"#)
            case .getConsumeStats, .getTopicStatsInfo: .text(#"{"offsetTable":\#(far)}"#)
            case .getBrokerConsumeStats:
                .text(#"{"consumeStatsList":[{"g":[{"offsetTable":\#(far)}]}]}"#)
            case .queryTopicConsumeByWho: .text(#"{"groupList":["g","h"]}"#)
            case .viewBrokerStatsData: .text(#"{"statsDay":{"sum":\#(most),"tps":1e308}}"#)
            case .queryConsumeQueue: .text(#"{"queueData":[{},{}]}"#)
            default: nil
            }
        }
        try await withServer(script) { address in
            let progress = await mqadmin(["consumerProgress", "-g", "g", "-n", address])
            #expect(progress.code == 0 && progress.complaints == "")
            #expect(progress.lines.suffix(2).first == "Consume Diff Total: \(most)")
            #expect(progress.lines.last == "Consume Inflight Total: \(most)")
            let all = await mqadmin(["brokerConsumeStats", "-b", address])
            #expect(all.code == 0 && all.cells[1].contains(most))
            let status = await mqadmin(["topicStatus", "-t", "T", "-n", address])
            #expect(status.code == 0 && status.cells[1].contains(least))
            let traffic = await mqadmin(["statsAll", "-n", address])
            #expect(traffic.code == 0 && traffic.cells[1].last == most)
            let entries = await mqadmin(
                ["queryCq", "-t", "T", "-q", "0", "-i", most, "-b", address])
            #expect(entries.code == 0 && entries.lines.filter { $0 == "idx: \(most)" }.count == 2)
        }
    }

    @Test("a day's traffic of several brokers, and one of no sense, end there too")
    func traffic() async throws {
        let table = [
            "msgPutTotalTodayMorning": most, "msgPutTotalYesterdayMorning": least,
            "msgPutTotalTodayNow": least, "msgGetTotalTodayMorning": least,
            "msgGetTotalTodayNow": most, "msgGetTotalYesterdayMorning": most,
            "earliestMessageTimeStamp": most, "putTps": "inf nan", "brokerActive": "true",
        ].map { #""\#($0)":"\#($1)""# }.joined(separator: ",")
        let script = Script { command, address in
            switch command.requestCode {
            case .getRouteinfoByTopic: .route([address, address])
            case .getBrokerRuntimeInfo: .text(#"{"table":{\#(table)}}"#)
            case .getAllTopicListFromNameserver: .text(#"{"topicList":["T"]}"#)
            case .queryTopicConsumeByWho: .text(#"{"groupList":[]}"#)
            case .viewBrokerStatsData: .text(#"{"statsDay":{"sum":\#(most)}}"#)
            case .getBrokerClusterInfo:
                .text(
                    #"{"brokerAddrTable":{"b":{"brokerAddrs":{0:"\#(address)"}}},"#
                        + #""clusterAddrTable":{"C":["b"]}}"#)
            default: nil
            }
        }
        try await withServer(script) { address in
            let more = await mqadmin(["clusterList", "-m", "-n", address])
            #expect(more.cells[1] == ["C", "b", most, least, least, most])
            let list = await mqadmin(["clusterList", "-n", address, "--json"])
            #expect(list.code == 0 && (try? list.json()) != nil)
            let traffic = await mqadmin(["statsAll", "-n", address])
            #expect(traffic.code == 0 && traffic.cells[1].suffix(2) == [most, "NO_CONSUMER"])
        }
    }

    @Test("a queue whose ends are the ends of the numbers is read as far as it goes")
    func ends() async throws {
        let script = Script { command, address in
            switch command.requestCode {
            case .getRouteinfoByTopic: .route(address)
            case .getMinOffset: Response(.success, fields: ["offset": least])
            case .getMaxOffset: Response(.success, fields: ["offset": most])
            case .pullMessage: Response(.pullNotFound, fields: ["nextBeginOffset": least])
            default: nil
            }
        }
        try await withServer(script) { address in
            let run = await mqadmin(["consumeMessage", "-t", "T", "-n", address])
            #expect(run.code == 0 && run.lines.count == 1 && run.text.contains("finished"))
        }
    }

    @Test("messages are printed by their tags, where a broker goes by hashes of them")
    func tags() async throws {
        // Java's hash is the same for the first two.
        let records = try ["Aa", "BB", "C"].flatMap {
            try makeRecord(topic: "T", body: $0, properties: [("TAGS", $0)])
        }
        let script = Script { command, address in
            switch command.requestCode {
            case .getRouteinfoByTopic: .route(address)
            case .getMinOffset: Response(.success, fields: ["offset": "0"])
            case .getMaxOffset: Response(.success, fields: ["offset": "3"])
            case .pullMessage:
                Response(.success, fields: ["nextBeginOffset": "3"], body: records)
            default: nil
            }
        }
        try await withServer(script) { address in
            for (expression, bodies) in [
                ("Aa", ["Aa"]), (" BB || C ", ["BB", "C"]), ("||Aa", ["Aa"]), ("D", []),
                ("*", ["Aa", "BB", "C"]),
            ] {
                let run = await mqadmin(
                    ["printMsg", "-t", "T", "-s", expression, "--json", "-n", address])
                let printed = try run.lines.map { try JSON(parsing: $0)["body"]?.string }
                #expect(run.code == 0 && printed == bodies, "\(expression)")
            }
        }
    }

    @Test("no route makes it count more queues than a topic can have")
    func queueCounts() throws {
        for (told, taken) in [
            (Int64(Int32.max), Int32(1 << 20)), (-1, 0), (1 << 20, 1 << 20), (.max, 0), (7, 7),
        ] {
            let answer = Response.route("a:1", queues: told)
            let route = Route(try JSON(parsing: answer.body.rawSpan))
            #expect(route.queues.map(\.read) == [taken] && route.queues.map(\.write) == [taken])
        }
    }
}
