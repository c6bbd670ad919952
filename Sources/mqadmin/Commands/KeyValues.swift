// updateKvConfig and deleteKvConfig: the key-value configuration of NameServers.

import ApusRemoting

enum UpdateKeyValue: Command {
    static let name = "updateKvConfig"
    static let summary = "Sets a key of the NameServers' key-value configuration."
    static let flags: [Flag] = [
        .required("s", "namespace", "NAME", "the namespace"),
        .required("k", "key", "NAME", "the key"),
        .required("v", "value", "TEXT", "its value"),
    ]
    static let examples = ["updateKvConfig -s ORDER_TOPIC_CONFIG -k Orders -v 'broker-a:4'"]

    static func run(_ call: Call) async throws {
        let arguments = call.arguments
        try await KeyValueChange.carryOut(call, "create or update kv config to namespace success.")
        {
            try await call.admin.put(
                try arguments.text("namespace"), try arguments.text("key"),
                try arguments.text("value"), on: $0)
        }
    }
}

enum DeleteKeyValue: Command {
    static let name = "deleteKvConfig"
    static let summary = "Deletes a key of the NameServers' key-value configuration."
    static let flags: [Flag] = [
        .required("s", "namespace", "NAME", "the namespace"),
        .required("k", "key", "NAME", "the key"),
    ]
    static let examples = ["deleteKvConfig -s ORDER_TOPIC_CONFIG -k Orders"]

    static func run(_ call: Call) async throws {
        let (namespace, key) = (
            try call.arguments.text("namespace"), try call.arguments.text("key")
        )
        try await KeyValueChange.carryOut(call, "delete kv config from namespace success.") {
            _ = try await call.admin.ask(
                $0, to: "delete the key \(key) of \(namespace)", .deleteKvConfig,
                ["namespace": namespace, "key": key])
        }
    }
}

/// A change that all NameServers are told.
enum KeyValueChange {
    static func carryOut(
        _ call: Call, _ success: String, _ change: (String) async throws -> Void
    ) async throws {
        var done: [JSON] = []
        for address in try call.admin.allNameServers {
            let changed: Void? = try await call.attempt { try await change(address) }
            if changed != nil { done.append(.string(address)) }
        }
        if call.isJSON { return call.print(.object(["nameServers": .array(done)])) }
        if call.tally.failures == 0 { call.line(success) }
    }
}

extension Admin {
    /// Sets a key on one NameServer.
    func put(
        _ namespace: String, _ key: String, _ value: String, on address: String
    ) async throws(AdminError) {
        _ = try await ask(
            address, to: "set the key \(key) of \(namespace)", .putKvConfig,
            ["namespace": namespace, "key": key, "value": value])
    }
}

extension Call {
    /// Sets a key on all NameServers. Answers whether all did.
    func put(_ namespace: String, _ key: String, _ value: String) async throws -> Bool {
        var isDone = true
        for address in try admin.allNameServers {
            let done: Void? = try await attempt {
                try await admin.put(namespace, key, value, on: address)
            }
            if done == nil { isDone = false }
        }
        return isDone
    }
}
