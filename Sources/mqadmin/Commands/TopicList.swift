// topicList: the topics that NameServers know.

import ApusFormat
import ApusRemoting

enum TopicList: Command {
    static let name = "topicList"
    static let summary = "Lists the topics."
    static let flags: [Flag] = [
        .plain("c", "clusterModel", "with their clusters and the groups that consume them")
    ]
    static let examples = ["topicList -n localhost:9876", "topicList -c"]

    static func run(_ call: Call) async throws {
        let topics = try await call.admin.topics()
        guard call.arguments.has("clusterModel") else {
            if call.isJSON { return call.print(.array(topics.map { .string($0) })) }
            for topic in topics { call.line(topic) }
            return
        }
        var list: [JSON] = []
        if !call.isJSON { call.line(table.heading) }
        for topic in topics where !TopicName.isOfGroup(topic) {
            let found = try await call.attempt {
                let route = try await call.admin.route(of: topic)
                let groups = try await call.admin.groups(consuming: topic, route)
                return (cluster: route.brokers.first?.cluster ?? "", groups: groups)
            }
            guard let (cluster, groups) = found else { continue }
            let members: JSONObject = [
                "clusterName": .string(cluster), "topic": .string(topic),
                "consumerGroups": .array(groups.map { .string($0) }),
            ]
            list.append(.object(members))
            if call.isJSON { continue }
            for group in groups.isEmpty ? [""] : groups {
                call.line(table.line([cluster, topic, group]))
            }
        }
        if call.isJSON { call.print(.array(list)) }
    }

    private static let table = TextTable(
        .left("#Cluster Name", 20), .left("#Topic", 64), .left("#Consumer Group", 64))
}
