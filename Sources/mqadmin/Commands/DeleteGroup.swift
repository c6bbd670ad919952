// deleteSubGroup: deletes a consumer group.

import ApusFormat
import ApusRemoting

enum DeleteGroup: Command {
    static let name = "deleteSubGroup"
    static let summary = "Deletes a consumer group."
    static let flags: [Flag] = [
        .valued("b", "brokerAddr", "ADDRESS", "on this broker"),
        .valued("c", "clusterName", "NAME", "on the masters of this cluster, with its topics"),
        .required("g", "groupName", "NAME", "the group"),
        .valued("r", "removeOffset", "BOOL", "whether it is forgotten how far it was, false"),
    ]
    static let examples = ["deleteSubGroup -c DefaultCluster -g readers -r true"]

    static func run(_ call: Call) async throws {
        let target = try call.arguments.target()
        let group = try call.arguments.text("groupName")
        let forgets = try call.arguments.truth("removeOffset") ?? false
        let masters = try await call.admin.masters(target)
        var done: [JSON] = []
        for address in masters {
            let answer = try await call.attempt {
                try await call.admin.ask(
                    address, to: "delete the group \(group)", .deleteSubscriptiongroup,
                    ["groupName": group, "cleanOffset": "\(forgets)"])
            }
            if answer == nil { continue }
            done.append(.string(address))
            if call.isJSON { continue }
            let place = if case .cluster(let name) = target { " in cluster [\(name)]" } else { "" }
            call.line(
                "delete subscription group [\(group)] from broker [\(address)]\(place) success.")
        }
        if case .cluster(let name) = target {
            let topics = [TopicName.retryTopic(of: group), TopicName.deadLetterTopic(of: group)]
            // A broker that has the group still needs them.
            if done.count < masters.count {
                call.fail(
                    "\(topics.joined(separator: " and ")) stay, since not all brokers have deleted"
                        + " the group \(group); delete it again")
            }
            for topic in topics where done.count == masters.count {
                _ = try await DeleteTopic.delete(topic, from: name, masters, call)
            }
        }
        if call.isJSON {
            call.print(.object(["groupName": .string(group), "brokers": .array(done)]))
        }
    }
}
