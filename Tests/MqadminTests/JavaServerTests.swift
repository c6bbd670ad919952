// What Java's servers, 5.3.3, answered Java's mqadmin: a server that gives the same answers, and our
// tool, which reads them.

import ApusFormat
import ApusRemoting
import Foundation
import Testing

@testable import mqadmin

/// Answers what Java's server answered, but for addresses, which lead here.
private struct Recorded: RequestProcessor {
    private struct Exchange: Decodable {
        struct Answer: Decodable {
            let code: Int32
            let body: String
        }
        let code: Int32
        let fields: [String: String]
        let answer: Answer
    }

    private let exchanges: [Exchange]
    /// Where the broker is: the address that everyone asked is asked at.
    static let place = "127.0.0.1:10911"

    init() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Golden/java-admin.ndjson")
        exchanges = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
            try JSONDecoder().decode(Exchange.self, from: Data($0.utf8))
        }
    }

    func process(_ request: borrowing Request, on connection: Connection) {
        let command = request.command
        let found = exchanges.first { exchange in
            exchange.code == command.code
                && exchange.fields.allSatisfy { command.fields[$0.key] == $0.value }
        }
        guard let found else {
            return connection.respond(to: request.replyKey, .unsupported(command.requestCode))
        }
        let body = found.answer.body.replacing(
            Self.place, with: connection.localAddress.description)
        connection.respond(
            to: request.replyKey,
            Response(ResponseCode(found.answer.code), body: Array(body.utf8)))
    }
}

@Suite("mqadmin and Java's servers")
struct JavaServerTests {
    @Test("their clusters, offsets and progress are read as Java's mqadmin reads them")
    func conversation() async throws {
        try await withServer(try Recorded()) { address in
            let list = await mqadmin(["clusterList", "-n", address])
            #expect(list.code == 0, "\(list.complaints)")
            #expect(
                list.cells[1].prefix(5)
                    == ["DefaultCluster", "broker-a", "0", address, "V5_3_3"])
            // putTps is 0.1998…, getTransferredTps 1.9988…, as Java's table rounds them.
            #expect(
                list.text.contains("     0.20(0,0ms)")
                    && list.text.contains("     2.00(0,0ms|0,0ms)"))
            #expect(list.text.contains("0-0(0.0w, 0.0, 0.0)") && list.cells[1].last == "true")
            let more = await mqadmin(["clusterList", "-m", "-n", address])
            #expect(more.cells[1] == ["DefaultCluster", "broker-a", "0", "0", "463", "240"])

            let status = await mqadmin(["topicStatus", "-t", "GoldA", "-n", address, "--json"])
            let queues = try status.json()["queues"]?.array
            #expect(queues?.map { $0["queueId"]?.int32 } == [0, 1, 2, 3])
            #expect(queues?.map { $0["maxOffset"]?.int64 } == [40, 40, 41, 41])
            #expect(queues?.first?["lastUpdateTimestamp"] == 1_795_350_738_614)
            #expect(try status.json()["topicPutTps"]?.double == 8.1)

            let progress = await mqadmin(["consumerProgress", "-g", "golden_cg", "-n", address])
            #expect(progress.code == 0, "\(progress.complaints)")
            #expect(
                progress.cells[1].prefix(7)
                    == ["GoldOrder", "broker-a", "0", "7", "7", "0", "0"])
            #expect(progress.cells[4] == ["GoldOrder", "broker-a", "3", "0", "0", "0", "0", "N/A"])
            #expect(progress.lines.suffix(3).first == "Consume TPS: 1.00")
        }
    }
}
