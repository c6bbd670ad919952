// cloneGroupOffset: gives a group the offsets of another one.

import ApusRemoting

enum CloneGroupOffset: Command {
    static let name = "cloneGroupOffset"
    static let summary = "Gives a group the offsets that another one has in a topic."
    static let flags: [Flag] = [
        .required("s", "srcGroup", "NAME", "the group that has them"),
        .required("d", "destGroup", "NAME", "the group that gets them"),
        .required("t", "topic", "NAME", "the topic"),
        .valued(
            "o", "offline", "BOOL", "also when the first group does not subscribe to it, false"),
    ]
    static let examples = ["cloneGroupOffset -s readers -d copies -t Orders"]

    static func run(_ call: Call) async throws {
        let source = try call.arguments.text("srcGroup")
        let target = try call.arguments.text("destGroup")
        let topic = try call.arguments.text("topic")
        let isOffline = try call.arguments.truth("offline") ?? false
        let masters = try await call.admin.route(of: topic).brokers.compactMap(\.master)
        if masters.isEmpty {
            throw AdminError.absent(
                "no master has the topic \(topic)",
                advice: "mqadmin topicRoute -t \(topic) shows its brokers")
        }
        var done: [JSON] = []
        for address in masters {
            let answer = try await call.attempt {
                try await call.admin.ask(
                    address, to: "give \(target) the offsets of \(source)", .cloneGroupOffset,
                    [
                        "srcGroup": source, "destGroup": target, "topic": topic,
                        "offline": "\(isOffline)",
                    ])
            }
            if answer != nil { done.append(.string(address)) }
        }
        if call.isJSON { return call.print(.object(["brokers": .array(done)])) }
        if call.tally.failures == 0 {
            call.line(
                "clone group offset success. srcGroup[\(source)], destGroup=[\(target)],"
                    + " topic[\(topic)]")
        }
    }
}
