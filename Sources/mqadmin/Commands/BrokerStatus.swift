// brokerStatus: what a broker tells of itself, name by name.

import ApusRemoting

enum BrokerStatus: Command {
    static let name = "brokerStatus"
    static let summary = "Prints what brokers tell of how they are."
    static let flags: [Flag] = [
        .valued("b", "brokerAddr", "ADDRESS", "this broker"),
        .valued("c", "clusterName", "NAME", "all brokers of this cluster"),
    ]
    static let examples = ["brokerStatus -b localhost:10911", "brokerStatus -c DefaultCluster"]

    static func run(_ call: Call) async throws {
        var json = JSONObject()
        switch try call.arguments.target() {
        case .broker(let address):
            let table = try await call.admin.runtimeInformation(address)
            show(table, of: nil, call)
            json.append(address, object(table))
        case .cluster(let name):
            for broker in try await call.admin.members(of: name) {
                for (_, address) in broker.sorted {
                    let found = try await call.attempt {
                        try await call.admin.runtimeInformation(address)
                    }
                    guard let table = found else { continue }
                    show(table, of: address, call)
                    json.append(address, object(table))
                }
            }
        }
        if call.isJSON { call.print(.object(json)) }
    }

    private static func show(_ table: [String: String], of address: String?, _ call: Call) {
        if call.isJSON { return }
        for (name, value) in table.sorted(by: { $0.key < $1.key }) {
            let place = address.map { "\($0.padded(24)) " } ?? ""
            call.line("\(place)\(name.padded(32)): \(value)")
        }
    }

    private static func object(_ table: [String: String]) -> JSON {
        .object(JSONObject(table.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }
}
