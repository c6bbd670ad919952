// topicRoute: which brokers have a topic, and how many queues.

import ApusRemoting

enum TopicRoute: Command {
    static let name = "topicRoute"
    static let summary = "Prints which brokers have a topic."
    static let flags: [Flag] = [
        .required("t", "topic", "NAME", "the topic"),
        .plain("l", "list", "as a table"),
    ]
    static let examples = ["topicRoute -t Orders", "topicRoute -t Orders -l"]

    static func run(_ call: Call) async throws {
        let route = try await call.admin.route(of: try call.arguments.text("topic"))
        if call.isJSON { return call.print(route.json) }
        guard call.arguments.has("list") else {
            return call.print(route.json, .fastjsonPretty)
        }
        call.line(table.heading)
        for broker in route.brokers {
            let queues = route.queues.first { $0.brokerName == broker.name }
            let addresses = broker.sorted.map { "\($0.id)=\($0.address)" }.joined(separator: ", ")
            call.line(
                table.line([
                    broker.cluster, broker.name, "{\(addresses)}", "\(queues?.read ?? 0)",
                    "\(queues?.write ?? 0)", "\(queues?.permission ?? 0)",
                ]))
        }
        call.line(String(repeating: "-", count: 158))
        let read = route.queues.reduce(0) { $0 + Int($1.read) }
        let write = route.queues.reduce(0) { $0 + Int($1.write) }
        call.line(
            table.line(["Total:", "\(route.queues.count)", "", "\(read)", "\(write)", ""]))
    }

    private static let table = TextTable(
        .left("#ClusterName", 45, gap: 1), .left("#BrokerName", 32, gap: 1),
        .left("#BrokerAddrs", 50, gap: 1), .left("#ReadQueue", 10, gap: 1),
        .left("#WriteQueue", 11, gap: 1), .left("#Perm", 5))
}
