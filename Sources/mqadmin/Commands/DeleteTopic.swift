// deleteTopic: takes a topic from the brokers of a cluster, and from the routes.

import ApusRemoting

enum DeleteTopic: Command {
    static let name = "deleteTopic"
    static let summary = "Deletes a topic from brokers and NameServers."
    static let flags: [Flag] = [
        .required("t", "topic", "NAME", "the topic"),
        .required("c", "clusterName", "NAME", "the cluster that it is deleted from"),
    ]
    static let examples = ["deleteTopic -c DefaultCluster -t Orders"]

    static func run(_ call: Call) async throws {
        let topic = try call.arguments.text("topic")
        let cluster = try call.arguments.text("clusterName")
        let brokers = try await call.admin.masters(of: cluster)
        let done = try await delete(topic, from: cluster, brokers, call)
        if call.isJSON {
            let members: JSONObject = [
                "topic": .string(topic), "clusterName": .string(cluster),
                "brokers": .array(done.brokers.map { .string($0) }),
                "nameServers": .array(done.nameServers.map { .string($0) }),
            ]
            return call.print(.object(members))
        }
        if done.brokers.count == brokers.count {
            call.line("delete topic [\(topic)] from cluster [\(cluster)] success.")
        }
        if done.nameServers.count == call.admin.nameServers.count {
            call.line("delete topic [\(topic)] from NameServer success.")
        }
    }

    /// Deletes the topic from brokers and all NameServers, and answers from which.
    static func delete(
        _ topic: String, from cluster: String, _ brokers: [String], _ call: Call
    ) async throws -> (brokers: [String], nameServers: [String]) {
        var done: (brokers: [String], nameServers: [String]) = ([], [])
        for address in brokers {
            let answer = try await call.attempt {
                try await call.admin.ask(
                    address, to: "delete the topic \(topic)", .deleteTopicInBroker,
                    ["topic": topic])
            }
            if answer != nil { done.brokers.append(address) }
        }
        for address in try call.admin.allNameServers {
            let answer = try await call.attempt {
                try await call.admin.ask(
                    address, to: "delete the route of the topic \(topic)", .deleteTopicInNamesrv,
                    ["topic": topic, "clusterName": cluster])
            }
            if answer != nil { done.nameServers.append(address) }
        }
        return done
    }
}
