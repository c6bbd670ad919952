// Consumer groups and clients, as operators see and change them.

import ApusRemoting
import Logging
import NIOPosix
import Testing

@testable import mqadmin

@Suite("mqadmin and groups")
struct GroupCommandTests {
    /// A topic with three messages in its queue 1.
    private func makeOrders(_ cluster: Cluster) async throws {
        try await cluster.make("Orders")
        for _ in 0..<3 {
            try await cluster.done(
                "sendMessage", "-t", "Orders", "-p", "x", "-b", "broker-a", "-i", "1")
        }
    }

    @Test("a group is made, and deleted with its topics and offsets")
    func groups() async throws {
        try await withCluster { cluster in
            try await cluster.make("Orders")
            let made = try await cluster.done(
                "updateSubGroup", "-c", "DefaultCluster", "-g", "readers", "-r", "3", "-s", "false")
            #expect(made.lines[0] == "create subscription group to \(cluster.address) success.")
            #expect(
                made.lines[1].hasPrefix(
                    "SubscriptionGroupConfig{groupName=readers, consumeEnable=false, "))
            #expect(made.lines[1].contains("retryMaxTimes=3"))
            #expect(made.lines[1].contains("groupRetryPolicy={\"type\":\"CUSTOMIZED\"}"))
            try await cluster.ask(.getSubscriptiongroupConfig, ["group": "readers"])
            let again = try await cluster.done(
                "updateSubGroup", "-b", cluster.address, "-g", "readers", "--json")
            let json = try again.json()
            #expect(json["brokers"] == [.string(cluster.address)])
            #expect(json["subscriptionGroupConfig"]?["retryMaxTimes"] == 16)

            try await cluster.connect()
            try await cluster.commit(0)
            try await cluster.known("%RETRY%readers")
            let deleted = try await cluster.done(
                "deleteSubGroup", "-c", "DefaultCluster", "-g", "readers", "-r", "true")
            #expect(
                deleted.text == """
                    delete subscription group [readers] from broker [\(cluster.address)] in \
                    cluster [DefaultCluster] success.

                    """)
            #expect(await cluster.run("topicRoute", "-t", "%RETRY%readers").code == 2)
            #expect(await cluster.run("consumerProgress", "-g", "readers").code == 2)
        }
    }

    @Test("how far a group is, queue by queue, and in all")
    func progress() async throws {
        try await withCluster { cluster in
            try await makeOrders(cluster)
            try await cluster.connect()
            try await cluster.known("%RETRY%readers")
            try await cluster.commit(1, queue: 1)
            let progress = try await cluster.done(
                "consumerProgress", "-g", "readers", "-t", "Orders")
            #expect(
                progress.cells[0] == [
                    "#Topic", "#Broker", "Name", "#QID", "#Broker", "Offset", "#Consumer", "Offset",
                    "#Diff", "#Inflight", "#LastTime",
                ])
            #expect(progress.cells[1] == ["Orders", "broker-a", "0", "0", "0", "0", "0", "N/A"])
            #expect(
                progress.cells[2].prefix(7) == ["Orders", "broker-a", "1", "3", "1", "2", "0"])
            #expect(progress.cells[2].count == 9)
            #expect(
                progress.lines.suffix(3) == [
                    "Consume TPS: 0.00", "Consume Diff Total: 2", "Consume Inflight Total: 0",
                ])
            let json = try await cluster.done(
                "consumerProgress", "-g", "readers", "-t", "Orders", "--json"
            ).json()
            #expect(json["diffTotal"] == 2)
            #expect(json["queues"]?.array?.map { $0["consumerOffset"]?.int64 } == [0, 1])

            let all = try await cluster.done("consumerProgress")
            #expect(all.cells[1] == ["readers", "1", "V5_3_3", "PUSH", "CLUSTERING", "0", "2"])
            let list = try await cluster.done("consumerProgress", "--json").json().array
            #expect(list?.first?["groupName"] == "readers" && list?.first?["count"] == 1)
            let unknown = await cluster.run("consumerProgress", "-g", "nobody")
            #expect(unknown.code == 2 && unknown.complaints.contains("%RETRY%nobody"))
        }
    }

    @Test("a group gets another one's offsets, and all groups of a broker are listed")
    func clones() async throws {
        try await withCluster { cluster in
            try await makeOrders(cluster)
            try await cluster.done("updateSubGroup", "-c", "DefaultCluster", "-g", "readers")
            try await cluster.done("updateSubGroup", "-c", "DefaultCluster", "-g", "copies")
            try await cluster.commit(1, queue: 1)
            let clone = try await cluster.done(
                "cloneGroupOffset", "-s", "readers", "-d", "copies", "-t", "Orders")
            #expect(
                clone.text == """
                    clone group offset success. srcGroup[readers], destGroup=[copies], topic[Orders]

                    """)
            let all = try await cluster.done("brokerConsumeStats", "-b", cluster.address)
            #expect(
                all.cells[1].prefix(7) == ["Orders", "copies", "broker-a", "1", "3", "1", "2"])
            #expect(all.cells[2].prefix(2) == ["Orders", "readers"])
            #expect(all.lines.count == 4 && all.lines[3] == "Diff Total: 4")
            let far = try await cluster.done(
                "brokerConsumeStats", "-b", cluster.address, "-l", "3", "--json")
            #expect(far.text == "{\"queues\":[],\"diffTotal\":4}\n")
            let badName = await cluster.run(
                "cloneGroupOffset", "-s", "readers", "-d", "no/name", "-t", "Orders")
            #expect(badName.code == 2 && badName.text == "")
        }
    }

    @Test("which client has a queue is asked of the clients, through the broker")
    func clients() async throws {
        try await withCluster { cluster in
            try await cluster.make("Orders")
            let consumer = RemotingClient(
                requests: Consumer(), logger: .quiet, group: MultiThreadedEventLoopGroup.singleton)
            try await cluster.connect(consumer)
            try await cluster.known("%RETRY%readers")
            try await cluster.commit(0, queue: 1)
            let progress = try await cluster.done(
                "consumerProgress", "-g", "readers", "-t", "Orders", "-s", "true")
            #expect(progress.cells[0].contains("#Client"))
            #expect(progress.cells[1][5] == "N/A" && progress.cells[2][5] == "10.0.0.7")
            let sent = try await cluster.done("sendMessage", "-t", "Orders", "-p", "x", "--json")
            let id = try #require(try sent.json()["msgId"]?.string)
            let consumed = try await cluster.done(
                "queryMsgByUniqueKey", "-t", "Orders", "-i", id, "-g", "readers", "-d",
                "10.0.0.7@1")
            #expect(
                consumed.text
                    == "ConsumeMessageDirectlyResult [consumeResult=CR_SUCCESS, remark=x]\n")
            let nobody = await cluster.run(
                "queryMsgById", "-t", "Orders", "-i", id, "-g", "readers", "-d", "10.0.0.8@1")
            #expect(nobody.code == 2 && nobody.complaints.contains("<10.0.0.8@1> not online"))
            await consumer.close()
        }
    }

    @Test("who is connected, and to what")
    func connections() async throws {
        try await withCluster { cluster in
            try await cluster.make("Orders")
            let nobody = await cluster.run(
                "consumerConnection", "-g", "readers", "-b", cluster.address)
            #expect(nobody.code == 2)
            #expect(nobody.complaints.contains("\(cluster.address) refused to tell who is in"))
            #expect(nobody.complaints.contains("start a consumer of the group"))
            try await cluster.connect()
            try await cluster.known("%RETRY%readers")
            let run = try await cluster.done("consumerConnection", "-g", "readers")
            #expect(run.cells[0] == ["#ClientId", "#ClientAddr", "#Language", "#Version"])
            #expect(run.cells[1].first == "10.0.0.7@1" && run.cells[1].last == "V5_3_3")
            #expect(run.lines[2] == "Below is subscription:")
            #expect(run.cells.contains(["Orders", "*"]))
            #expect(
                run.lines.suffix(3) == [
                    "ConsumeType: CONSUME_PASSIVELY", "MessageModel: CLUSTERING",
                    "ConsumeFromWhere: CONSUME_FROM_FIRST_OFFSET",
                ])
            let json = try await cluster.done("consumerConnection", "-g", "readers", "--json")
                .json()
            #expect(json["connectionSet"]?.array?.count == 1)

            let producers = try await cluster.done(
                "producerConnection", "-g", "writers", "-t", "Orders")
            #expect(producers.cells.count == 1)
            #expect(producers.cells[0].prefix(2) == ["0001", "10.0.0.7@1"])
            let strangers = await cluster.run("producerConnection", "-g", "none", "-t", "Orders")
            #expect(strangers.code == 2)
        }
    }

    @Test("where a group goes on is set by time, and by queue")
    func reset() async throws {
        try await withCluster { cluster in
            try await makeOrders(cluster)
            let early = await cluster.run(
                "resetOffsetByTime", "-g", "readers", "-t", "Orders", "-s", "0")
            #expect(early.code == 2 && early.complaints.contains("code 26"))
            try await cluster.done("updateSubGroup", "-c", "DefaultCluster", "-g", "readers")
            let end = try await cluster.done(
                "resetOffsetByTime", "-g", "readers", "-t", "Orders", "-s", "-1")
            #expect(
                end.lines[0] == """
                    start reset consumer offset by specified, group[readers], topic[Orders], \
                    force[true], timestamp(string)[-1], timestamp(long)[-1]
                    """)
            #expect(end.cells[1] == ["#brokerName", "#queueId", "#offset"])
            #expect(
                end.cells[2] == ["broker-a", "0", "0"] && end.cells[3] == ["broker-a", "1", "3"])
            let one = try await cluster.done(
                "resetOffsetByTime", "-g", "readers", "-t", "Orders", "-s", "now", "-b",
                cluster.address, "-q", "1", "-o", "2", "--json")
            #expect(
                try one.json() == [
                    .object([
                        "brokerName": "broker-a", "queueId": 1, "offset": 2,
                    ])
                ])
            let start = try await cluster.done(
                "resetOffsetByTime", "-g", "readers", "-t", "Orders", "-s",
                "2020-01-01#00:00:00:000", "-b", cluster.address, "-q", "1")
            #expect(start.cells.last == ["broker-a", "1", "0"])
        }
    }
}

/// A consumer that tells which queue it has, and consumes what it is given.
private struct Consumer: RequestProcessor {
    func process(_ request: borrowing Request, on connection: Connection) {
        let body: String
        switch request.code {
        case .getConsumerRunningInfo:
            body = #"{"mqTable":{{"brokerName":"broker-a","queueId":1,"topic":"Orders"}:{}}}"#
        case .consumeMessageDirectly:
            let messages = (try? StoredMessage.all(in: request.command.body)) ?? []
            let text = String(decoding: messages.first?.body ?? [], as: UTF8.self)
            body = "{\"consumeResult\":\"CR_SUCCESS\",\"remark\":\"\(text)\"}"
        default: return
        }
        connection.respond(to: request.replyKey, Response(.success, body: Array(body.utf8)))
    }
}
