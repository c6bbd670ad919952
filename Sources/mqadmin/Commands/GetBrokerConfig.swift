// getBrokerConfig: a broker's settings.

import ApusRemoting
import ApusServer

enum GetBrokerConfig: Command {
    static let name = "getBrokerConfig"
    static let summary = "Prints the settings of brokers."
    static let flags: [Flag] = [
        .valued("b", "brokerAddr", "ADDRESS", "this broker"),
        .valued("c", "clusterName", "NAME", "all brokers of this cluster"),
    ]
    static let examples = [
        "getBrokerConfig -b localhost:10911", "getBrokerConfig -c DefaultCluster",
    ]

    static func run(_ call: Call) async throws {
        var json = JSONObject()
        for (heading, address) in try await brokers(call) {
            let found = try await call.attempt { try await settings(address, call.admin) }
            guard let settings = found else { continue }
            json.append(address, .object(JSONObject(settings.map { ($0.key, .string($0.value)) })))
            if call.isJSON { continue }
            call.line(heading)
            for (key, value) in settings { call.line("\(key.padded(50))=  \(value)") }
            call.line()
        }
        if call.isJSON { call.print(.object(json)) }
    }

    private static func brokers(_ call: Call) async throws -> [(heading: String, address: String)] {
        switch try call.arguments.target() {
        case .broker(let address): return [("============\(address)============", address)]
        case .cluster(let name):
            return try await call.admin.members(of: name).flatMap { broker in
                broker.sorted.map { id, address in
                    id == 0
                        ? ("============Master: \(address)============", address)
                        : (
                            "============My Master: \(broker.master ?? "none")=====Slave:"
                                + " \(address)============", address
                        )
                }
            }
        }
    }

    private static func settings(
        _ address: String, _ admin: Admin
    ) async throws(AdminError) -> [(key: String, value: String)] {
        let wish = "tell its settings"
        let answer = try await admin.ask(address, to: wish, .getBrokerConfig)
        do throws(JavaPropertiesError) {
            return try JavaProperties(parsing: answer.body).entries.map { ($0.key, $0.value) }
                .sorted { $0.0 < $1.0 }
        } catch {
            throw .malformed(wish, address: address, reason: "\(error)")
        }
    }
}
