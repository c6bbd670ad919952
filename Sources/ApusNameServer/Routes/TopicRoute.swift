// The answer to a client that asks where a topic is: RocketMQ's TopicRouteData.

import ApusRemoting

/// Where the queues of a topic are.
struct TopicRoute: Equatable, Sendable {
    struct Group: Equatable, Sendable {
        var name: String
        var cluster: String
        /// By broker id.
        var addresses: [Int64: String]
        var actsForMaster: Bool
        var zone: String?
    }

    /// By broker name.
    var queues: [String: TopicQueues] = [:]
    /// Sorted by name.
    var groups: [Group] = []
    /// By broker address.
    var filterServers: [String: [String]] = [:]
    /// By broker name.
    var mappings: [String: JSON] = [:]
    /// Queues of an ordered topic, from the key-value configuration: `broker-a:4;broker-b:4`.
    var orderConfiguration: String?

    /// Keeps what is in a zone, and groups without a master, since their queues can only be read,
    /// from wherever it may be.
    func inZone(_ zone: String) -> TopicRoute {
        var kept = self
        kept.groups = groups.filter {
            $0.addresses[BrokerGroup.masterID] == nil
                || $0.zone?.lowercased() == zone.lowercased()
        }
        let names = Set(kept.groups.map(\.name))
        for group in groups where !names.contains(group.name) {
            kept.queues[group.name] = nil
            for address in group.addresses.values { kept.filterServers[address] = nil }
        }
        return kept
    }

    var json: JSON {
        var fields = JSONObject()
        fields.append("brokerDatas", .array(groups.map(\.json)))
        fields.append(
            "filterServerTable",
            .object(filterServers) { .array($0.map { .string($0) }) })
        if let orderConfiguration {
            fields.append("orderTopicConf", .string(orderConfiguration))
        }
        fields.append(
            "queueDatas",
            .array(
                queues.sorted { $0.key < $1.key }.map { $0.value.json(brokerName: $0.key) }))
        if !mappings.isEmpty {
            fields.append("topicQueueMappingByBroker", .object(mappings) { $0 })
        }
        return .object(fields)
    }
}

extension TopicRoute.Group {
    init(name: String, _ group: BrokerGroup) {
        self.init(
            name: name, cluster: group.cluster ?? "", addresses: group.addresses,
            actsForMaster: group.actsForMaster, zone: group.zone)
    }

    var json: JSON {
        var fields = JSONObject()
        fields.append("brokerAddrs", addresses.json)
        fields.append("brokerName", .string(name))
        fields.append("cluster", .string(cluster))
        fields.append("enableActingMaster", .bool(actsForMaster))
        if let zone { fields.append("zoneName", .string(zone)) }
        return .object(fields)
    }
}

extension [Int64: String] {
    /// Addresses by broker id: the integer keys that old clients want without quotes.
    var json: JSON {
        var fields = JSONObject()
        for (id, address) in sorted(by: { $0.key < $1.key }) {
            fields.append(Int(id), .string(address))
        }
        return .object(fields)
    }
}

extension JSON {
    /// An object with sorted keys.
    static func object<Value>(
        _ entries: [String: Value], _ convert: (Value) -> JSON
    ) -> JSON {
        var fields = JSONObject()
        for (name, value) in entries.sorted(by: { $0.key < $1.key }) {
            fields.append(name, convert(value))
        }
        return .object(fields)
    }
}
