// What a client reads out of a NameServer's answer.

import ApusFormat
import ApusRemoting
import Testing

@testable import ApusClient

/// As a NameServer of RocketMQ 5 writes it, with keys of fastjson without quotes.
private let twoBrokers = """
    {"brokerDatas":[{"brokerAddrs":{0:"10.0.0.2:10911",1:"10.0.0.3:10911"},\
    "brokerName":"broker-b","cluster":"c"},\
    {"brokerAddrs":{"1":"10.0.0.4:10911"},"brokerName":"broker-a","cluster":"c"}],\
    "filterServerTable":{},\
    "queueDatas":[{"brokerName":"broker-b","perm":6,"readQueueNums":2,"topicSysFlag":0,\
    "writeQueueNums":1},\
    {"brokerName":"broker-a","perm":6,"readQueueNums":1,"topicSysFlag":0,"writeQueueNums":1}]}
    """

private func queues(_ names: [(String, Int32)]) -> [MessageQueue] {
    names.map { MessageQueue(topic: "T", broker: $0.0, id: $0.1) }
}

@Suite("Routes")
struct RouteTests {
    private func route(_ text: String) throws -> TopicRoute {
        try TopicRoute(topic: "T", json: JSON(parsing: text))
    }

    @Test("what a NameServer says is read, with quoted keys and without")
    func parsing() throws {
        let route = try route(twoBrokers)
        #expect(route.group("broker-b")?.master == "10.0.0.2:10911")
        #expect(route.group("broker-b")?.addresses[1] == "10.0.0.3:10911")
        #expect(route.group("broker-a")?.master == nil)
        #expect(route.allAddresses == ["10.0.0.2:10911", "10.0.0.3:10911", "10.0.0.4:10911"])
    }

    @Test("all queues are read, and only those of a master are written")
    func queuesOfTwo() throws {
        let route = try route(twoBrokers)
        #expect(route.writable == queues([("broker-b", 0)]))
        #expect(route.readable == queues([("broker-a", 0), ("broker-b", 0), ("broker-b", 1)]))
    }

    @Test("queues without the right to be written or read are not")
    func rights() throws {
        let readOnly = try route(twoBrokers.replacing("\"perm\":6", with: "\"perm\":4"))
        #expect(readOnly.writable.isEmpty && readOnly.readable.count == 3)
        let writeOnly = try route(twoBrokers.replacing("\"perm\":6", with: "\"perm\":2"))
        #expect(writeOnly.writable.count == 1 && writeOnly.readable.isEmpty)
    }

    @Test("a topic of global order has the queues that its order names")
    func order() throws {
        let text = twoBrokers.replacing(
            "\"filterServerTable\"", with: "\"orderTopicConf\":\"broker-b:2\",\"filterServerTable\""
        )
        #expect(try route(text).writable == queues([("broker-b", 0), ("broker-b", 1)]))
    }

    @Test(
        "an answer that is none is refused in words",
        arguments: [
            ("\"brokerName\":\"broker-b\",\"cluster\"", "\"cluster\""),
            ("{0:\"10.0.0.2:10911\"", "{x:\"10.0.0.2:10911\""),
            ("\"readQueueNums\":2", "\"readQueueNums\":-2"),
            ("\"writeQueueNums\":1}", "\"writeQueueNums\":70000}"),
        ])
    func refused(part: (String, String)) throws {
        let json = try JSON(parsing: twoBrokers.replacing(part.0, with: part.1))
        #expect(throws: RouteProblem.self) { try TopicRoute(topic: "T", json: json) }
    }

    @Test("a topic that does not exist yet has at most four queues of the template")
    func template() throws {
        let text = twoBrokers.replacing("\"writeQueueNums\":1", with: "\"writeQueueNums\":8")
            .replacing("\"readQueueNums\":2", with: "\"readQueueNums\":8")
        let template = try route(text).template(for: "T", limit: Routes.createdQueues)
        #expect(template.writable == queues((0..<4).map { ("broker-b", $0) }))
    }

    @Test("reading begins at the broker that was suggested, and goes on at the master")
    func reading() {
        let group = TopicRoute.Group(broker: "b", addresses: [0: "m", 1: "r1", 2: "r2"])
        #expect(group.readable(from: 0) == ["m", "r1", "r2"])
        #expect(group.readable(from: 2) == ["r2", "m", "r1"])
        #expect(group.readable(from: 9) == ["m", "r1", "r2"])
    }

    @Test("names are sorted as Java sorts them, by UTF-16")
    func javaOrder() {
        let names = ["broker-\u{FFEE}", "broker-\u{1F600}", "a", "B"]
        #expect(
            names.sorted { $0.isBefore($1) }
                == ["B", "a", "broker-\u{1F600}", "broker-\u{FFEE}"])
    }
}
