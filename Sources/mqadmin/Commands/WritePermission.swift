// wipeWritePerm and addWritePerm: whether clients are told to send to a broker.

import ApusRemoting

enum WipeWritePermission: Command {
    static let name = "wipeWritePerm"
    static let summary = "Takes a broker out of what clients send to, in the NameServers."
    static let flags: [Flag] = [.required("b", "brokerName", "NAME", "the broker, by its name")]
    static let examples = ["wipeWritePerm -b broker-a -n localhost:9876"]

    static func run(_ call: Call) async throws {
        try await WritePermissionChange(
            verb: "wipe", code: .wipeWritePermOfBroker, count: "wipeTopicCount"
        ).carryOut(call)
    }
}

enum AddWritePermission: Command {
    static let name = "addWritePerm"
    static let summary = "Puts a broker back into what clients send to, in the NameServers."
    static let flags: [Flag] = [.required("b", "brokerName", "NAME", "the broker, by its name")]
    static let examples = ["addWritePerm -b broker-a -n localhost:9876"]

    static func run(_ call: Call) async throws {
        try await WritePermissionChange(
            verb: "add", code: .addWritePermOfBroker, count: "addTopicCount"
        ).carryOut(call)
    }
}

/// Either of the two.
private struct WritePermissionChange {
    let verb: String
    let code: RequestCode
    /// The field of the answer that says how many topics changed.
    let count: String

    func carryOut(_ call: Call) async throws {
        let broker = try call.arguments.text("brokerName")
        var list: [JSON] = []
        for address in try call.admin.allNameServers {
            let answer = try await call.attempt {
                try await call.admin.ask(
                    address, to: "\(verb) the write permission of the broker \(broker)", code,
                    ["brokerName": broker])
            }
            let topics = answer?.fields[count].flatMap { Int64($0) }
            let members: JSONObject = [
                "nameServer": .string(address), "isDone": .bool(answer != nil),
                "topicCount": topics.map { .integer($0) } ?? .null,
            ]
            list.append(.object(members))
            if topics == 0 {
                call.fail(
                    "\(address) has no topics of a broker \(broker); mqadmin clusterList shows the"
                        + " brokers")
            }
            if call.isJSON { continue }
            call.line(
                "\(verb) write perm of broker[\(broker)] in name server[\(address)] "
                    + (answer == nil ? "Failed" : "OK, \(topics ?? 0)"))
        }
        if call.isJSON { call.print(.array(list)) }
    }
}
