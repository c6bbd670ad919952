// Clusters, brokers and topics, as operators see and change them.

import ApusRemoting
import Testing

@testable import mqadmin

@Suite("mqadmin and topics")
struct TopicCommandTests {
    @Test("a topic is made, seen, and deleted again")
    func topics() async throws {
        try await withCluster { cluster in
            let made = try await cluster.done(
                "updateTopic", "-c", "DefaultCluster", "-t", "Orders", "-r", "2", "-w", "1")
            #expect(
                made.text == """
                    create topic to \(cluster.address) success.
                    TopicConfig [topicName=Orders, readQueueNums=2, writeQueueNums=1, perm=RW-, \
                    topicFilterType=SINGLE_TAG, topicSysFlag=0, order=false, attributes={}]

                    """)
            try await cluster.known("Orders")
            #expect(try await cluster.done("topicList").lines.contains("Orders"))
            let names = try await cluster.done("topicList", "--json").json().array
            #expect(names?.contains("Orders") == true)

            let route = try await cluster.done("topicRoute", "-t", "Orders", "-l")
            #expect(
                route.cells[0] == [
                    "#ClusterName", "#BrokerName", "#BrokerAddrs", "#ReadQueue", "#WriteQueue",
                    "#Perm",
                ])
            #expect(
                route.cells[1] == [
                    "DefaultCluster", "broker-a", "{0=\(cluster.address)}", "2", "1", "6",
                ])
            #expect(route.lines[2] == String(repeating: "-", count: 158))
            #expect(route.cells[3] == ["Total:", "1", "2", "1"])
            let json = try await cluster.done("topicRoute", "-t", "Orders", "--json").json()
            #expect(json["queueDatas"]?.array?.first?["readQueueNums"]?.int32 == 2)
            // Without flags it is JSON too, as with RocketMQ, for people to read.
            let pretty = try await cluster.done("topicRoute", "-t", "Orders")
            #expect(pretty.lines.count > 10)
            #expect(try pretty.json() == json)

            let deleted = try await cluster.done(
                "deleteTopic", "-c", "DefaultCluster", "-t", "Orders")
            #expect(
                deleted.lines == [
                    "delete topic [Orders] from cluster [DefaultCluster] success.",
                    "delete topic [Orders] from NameServer success.",
                ])
            let gone = await cluster.run("topicRoute", "-t", "Orders")
            #expect(gone.code == 2 && gone.text == "")
            #expect(gone.complaints.contains("\(cluster.nameServer) refused to tell the route"))
            #expect(gone.complaints.contains("(code 17)"))
        }
    }

    @Test("an ordered topic's queues are told to the NameServers")
    func ordered() async throws {
        try await withCluster { cluster in
            let made = try await cluster.done(
                "updateTopic", "-b", cluster.address, "-t", "Bills", "-w", "3", "-o", "true", "-p",
                "2", "-a", "+message.type=FIFO")
            #expect(
                made.lines[1]
                    == "set broker orderConf. isOrder=true, orderConf=[broker-a:3]")
            #expect(made.text.contains("perm=-W-") && made.text.contains("{+message.type=FIFO}"))
            let answer = try await cluster.client.invoke(
                .request(
                    .getKvConfig, fields: ["namespace": "ORDER_TOPIC_CONFIG", "key": "Bills"]),
                on: cluster.nameServer)
            #expect(answer.fields["value"] == "broker-a:3")
            let again = try await cluster.done(
                "updateTopic", "-c", "DefaultCluster", "-t", "Bills", "-o", "true", "--json")
            #expect(
                again.text == """
                    {"brokers":["\(cluster.address)"],"topicConfig":{"attributes":"","order":true,\
                    "perm":6,"readQueueNums":8,"topicFilterType":"SINGLE_TAG","topicName":"Bills",\
                    "topicSysFlag":0,"writeQueueNums":8}}

                    """)
        }
    }

    @Test("the offsets of a topic's queues are listed")
    func status() async throws {
        try await withCluster { cluster in
            try await cluster.make("Orders")
            try await cluster.done(
                "sendMessage", "-t", "Orders", "-p", "x", "-b", "broker-a", "-i", "1")
            let status = try await cluster.done("topicStatus", "-t", "Orders")
            #expect(
                status.cells[0] == [
                    "#Broker", "Name", "#QID", "#Min", "Offset", "#Max", "Offset", "#Last",
                    "Updated",
                ])
            #expect(status.cells[1] == ["broker-a", "0", "0", "0"])
            #expect(status.cells[2].prefix(4) == ["broker-a", "1", "0", "1"])
            #expect(status.cells[2].count == 6)
            #expect(status.lines[3].hasPrefix("Topic Put TPS: "))
            let json = try await cluster.done("topicStatus", "-t", "Orders", "--json").json()
            #expect(json["topic"] == "Orders")
            #expect(json["queues"]?.array?.map { $0["maxOffset"]?.int64 } == [0, 1])
            let byCluster = try await cluster.done(
                "topicStatus", "-t", "Orders", "-c", "DefaultCluster")
            #expect(byCluster.cells.prefix(3) == status.cells.prefix(3))
            #expect(await cluster.run("topicStatus", "-t", "Nothing").code == 2)
        }
    }

    @Test("clusters are listed with their brokers, and topics with who consumes them")
    func clusters() async throws {
        try await withCluster { cluster in
            try await cluster.make("Orders")
            try await cluster.connect()
            let list = try await cluster.done("clusterList")
            #expect(list.lines.count == 2)
            #expect(
                list.cells[1].prefix(5)
                    == ["DefaultCluster", "broker-a", "0", cluster.address, "V5_3_3"])
            #expect(list.cells[1].last == "true")
            let json = try await cluster.done("clusterList", "-c", "DefaultCluster", "--json")
                .json()
            #expect(json.array?.first?["brokerAddr"]?.string == cluster.address)
            #expect(json.array?.first?["activated"]?.bool == true)
            try await cluster.done(
                "sendMessage", "-t", "Orders", "-p", "x", "-b", "broker-a", "-i", "1")
            let more = try await cluster.done("clusterList", "-m")
            #expect(
                more.cells == [
                    [
                        "#Cluster", "Name", "#Broker", "Name", "#InTotalYest", "#OutTotalYest",
                        "#InTotalToday", "#OutTotalToday",
                    ], ["DefaultCluster", "broker-a", "0", "0", "1", "0"],
                ])
            #expect(await cluster.run("clusterList", "-c", "Nothing").code == 2)

            let topics = try await cluster.done("topicList", "-c")
            #expect(topics.cells.contains(["DefaultCluster", "Orders", "readers"]))
            let groups = try await cluster.done("topicList", "-c", "--json").json().array ?? []
            let orders = groups.first { $0["topic"] == "Orders" }
            #expect(orders?["consumerGroups"] == ["readers"])
        }
    }

    @Test("a broker tells how it is, and its settings")
    func brokers() async throws {
        try await withCluster { cluster in
            let status = try await cluster.done("brokerStatus", "-b", cluster.address)
            #expect(status.cells.contains(["brokerVersionDesc", ":", "V5_3_3"]))
            let all = try await cluster.done("brokerStatus", "-c", "DefaultCluster")
            #expect(all.cells.contains([cluster.address, "brokerVersionDesc", ":", "V5_3_3"]))
            let json = try await cluster.done("brokerStatus", "-b", cluster.address, "--json")
                .json()
            #expect(json[cluster.address]?["brokerActive"] == "true")

            let settings = try await cluster.done("getBrokerConfig", "-b", cluster.address)
            #expect(settings.lines[0] == "============\(cluster.address)============")
            #expect(settings.cells.contains(["brokerName", "=", "broker-a"]))
            let master = try await cluster.done("getBrokerConfig", "-c", "DefaultCluster")
            #expect(master.lines[0] == "============Master: \(cluster.address)============")
            let values = try await cluster.done("getBrokerConfig", "-b", cluster.address, "--json")
            #expect(try values.json()[cluster.address]?["brokerName"] == "broker-a")
        }
    }

    @Test("a broker is taken out of the routes, and put back")
    func permissions() async throws {
        try await withCluster { cluster in
            try await cluster.make("Orders")
            let wiped = try await cluster.done("wipeWritePerm", "-b", "broker-a")
            #expect(
                wiped.text.hasPrefix(
                    "wipe write perm of broker[broker-a] in name server[\(cluster.nameServer)] OK, "
                ))
            let route = try await cluster.done("topicRoute", "-t", "Orders", "-l")
            #expect(route.cells[1].last == "4")
            let refused = await cluster.run("sendMessage", "-t", "Orders", "-p", "x")
            #expect(refused.code == 2)
            #expect(refused.complaints.contains("mqadmin topicRoute -t Orders"))
            let added = try await cluster.done("addWritePerm", "-b", "broker-a", "--json").json()
            #expect(added.array?.first?["isDone"] == true)
            #expect(try await cluster.done("topicRoute", "-t", "Orders", "-l").cells[1].last == "6")
        }
    }

    @Test("key-value configuration is set and deleted on every NameServer")
    func keyValues() async throws {
        try await withCluster { cluster in
            let set = try await cluster.done("updateKvConfig", "-s", "N", "-k", "K", "-v", "V")
            #expect(set.text == "create or update kv config to namespace success.\n")
            func value() async throws -> String? {
                try await cluster.client.invoke(
                    .request(.getKvConfig, fields: ["namespace": "N", "key": "K"]),
                    on: cluster.nameServer
                ).fields["value"]
            }
            #expect(try await value() == "V")
            let deleted = try await cluster.done("deleteKvConfig", "-s", "N", "-k", "K", "--json")
            #expect(deleted.text == "{\"nameServers\":[\"\(cluster.nameServer)\"]}\n")
            #expect(try await value() == nil)
        }
    }
}
