// Servers that are gone, and servers that answer nonsense: what the tool says then.

import ApusRemoting
import NIOCore
import NIOPosix
import Testing

@testable import mqadmin

/// Runs `body` with the address of a server that `processor` answers for.
func withServer(
    _ processor: some RequestProcessor, _ body: (String) async throws -> Void
) async throws {
    let server = RemotingServer(
        processor: processor, logger: .quiet, group: MultiThreadedEventLoopGroup.singleton)
    let port = try #require(try await server.start(host: "127.0.0.1", port: 0).port)
    try await body("127.0.0.1:\(port)")
    await server.stop()
}

/// Answers each code with a body; others with code 3.
struct Bodies: RequestProcessor {
    let bodies: [Int32: String]

    func process(_ request: borrowing Request, on connection: Connection) {
        let answer =
            bodies[request.code.rawValue].map { Response(.success, body: Array($0.utf8)) }
            ?? .unsupported(request.code)
        connection.respond(to: request.replyKey, answer)
    }
}

@Suite("mqadmin and servers that fail")
struct FailureTests {
    /// Nobody listens there.
    private static let nobody = "127.0.0.1:1"

    @Test("without a NameServer it says how to name one")
    func noNameServer() async {
        let run = await mqadmin(["topicList"])
        #expect(run.code == 2 && run.text == "")
        #expect(
            run.complaints == """
                mqadmin: no NameServer is known: give -n HOST:PORT, or set NAMESRV_ADDR

                """)
    }

    @Test("a server that is gone is named, with what was asked of it")
    func gone() async throws {
        let run = await mqadmin(["topicRoute", "-t", "Orders", "-n", Self.nobody])
        #expect(run.code == 2)
        #expect(
            run.complaints.hasPrefix(
                "mqadmin: could not tell the route of the topic Orders: connecting to "
                    + "\(Self.nobody) failed"))
        #expect(run.complaints.hasSuffix("see whether a server listens there\n"))
        let broker = await mqadmin(["brokerStatus", "-b", Self.nobody])
        #expect(broker.code == 2 && broker.complaints.contains(Self.nobody))
        let address = await mqadmin(["brokerStatus", "-b", "localhost"])
        #expect(address.code == 2 && address.complaints.contains("write host:port"))
    }

    @Test("the next NameServer is asked when one is gone")
    func nextNameServer() async throws {
        try await withServer(Bodies(bodies: [206: #"{"topicList":["B","A"]}"#])) { address in
            let run = await mqadmin(["topicList", "-n", "\(Self.nobody);\(address)"])
            #expect(run.code == 0 && run.text == "A\nB\n")
        }
    }

    @Test("what can be done is done when one broker of several is gone, and the rest is said")
    func oneOfTwo() async throws {
        let table = #"{"table":{"brokerActive":"true","brokerVersionDesc":"V5_3_3"}}"#
        try await withServer(Bodies(bodies: [28: table, 17: "", 26: "a=1\nb=2"])) { broker in
            let info = """
                {"brokerAddrTable":{"a":{"brokerAddrs":{0:"\(Self.nobody)"},"brokerName":"a",\
                "cluster":"C"},"b":{"brokerAddrs":{0:"\(broker)"},"brokerName":"b","cluster":"C"}},\
                "clusterAddrTable":{"C":["b","a"]}}
                """
            try await withServer(Bodies(bodies: [106: info])) { names in
                let list = await mqadmin(["clusterList", "-n", names])
                #expect(list.code == 2 && list.complaints.contains("could not tell how it is"))
                #expect(list.cells.count == 3)
                #expect(list.cells[1].prefix(4) == ["C", "a", "0", Self.nobody])
                #expect(list.cells[1].last == "false" && list.cells[2].last == "true")
                let made = await mqadmin(["updateTopic", "-t", "T", "-c", "C", "-n", names])
                #expect(made.code == 2 && made.lines[0] == "create topic to \(broker) success.")
                #expect(made.complaints.contains(Self.nobody))
                let settings = await mqadmin(
                    ["getBrokerConfig", "-c", "C", "-n", names, "--json"])
                #expect(settings.code == 2)
                let told = try settings.json()
                #expect(told.object?.count == 1 && told[broker]?["b"] == "2")
                let status = await mqadmin(["brokerStatus", "-c", "C", "-n", names])
                #expect(
                    status.code == 2
                        && status.cells.contains([
                            broker, "brokerActive", ":", "true",
                        ]))
            }
        }
    }

    @Test("an answer that cannot be read is said to be one")
    func malformed() async throws {
        try await withServer(Bodies(bodies: [206: "no JSON", 105: "[]"])) { address in
            let run = await mqadmin(["topicList", "-n", address])
            #expect(run.code == 2)
            #expect(
                run.complaints.contains("\(address) was asked to list the topics, and answered"))
            let route = await mqadmin(["topicStatus", "-t", "T", "-n", address])
            #expect(route.code == 2 && route.complaints.contains("has no queues"))
            let old = await mqadmin(["clusterList", "-n", address])
            #expect(old.code == 2 && old.complaints.contains("request type 106 not supported"))
        }
    }
}
