// What NameServers know: clusters with their brokers, and routes of topics.

import ApusRemoting

/// The members of a broker's group, by id; 0 is the master's.
struct BrokerAddresses: Sendable, Hashable {
    let name: String
    let cluster: String
    let addresses: [Int64: String]

    init(_ json: JSON, name: String? = nil) {
        self.name = json["brokerName"]?.string ?? name ?? ""
        cluster = json["cluster"]?.string ?? ""
        var addresses: [Int64: String] = [:]
        for member in json["brokerAddrs"]?.object?.members ?? [] {
            guard let id = Int64(member.name), let address = member.value.string else { continue }
            addresses[id] = address
        }
        self.addresses = addresses
    }

    var master: String? { addresses[0] }
    /// The master, or else the slave with the lowest id.
    var readable: String? { sorted.first?.address }

    var sorted: [(id: Int64, address: String)] {
        addresses.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

/// Clusters, and the brokers in them.
struct Clusters: Sendable {
    /// The names of brokers by cluster.
    let names: [String: [String]]
    let brokers: [String: BrokerAddresses]

    init(_ json: JSON) {
        var names: [String: [String]] = [:]
        for member in json["clusterAddrTable"]?.object?.members ?? [] {
            names[member.name] = (member.value.array ?? []).compactMap(\.string).sorted()
        }
        var brokers: [String: BrokerAddresses] = [:]
        for member in json["brokerAddrTable"]?.object?.members ?? [] {
            brokers[member.name] = BrokerAddresses(member.value, name: member.name)
        }
        self.names = names
        self.brokers = brokers
    }

    /// The brokers of a cluster, by name.
    func members(of cluster: String) -> [BrokerAddresses] {
        (names[cluster] ?? []).compactMap { brokers[$0] }
    }
}

/// Where a topic is.
struct Route: Sendable {
    /// A broker's queues of the topic.
    struct Queues: Sendable, Hashable {
        let brokerName: String
        let read: Int32
        let write: Int32
        let permission: Int32
    }

    /// Queues that a topic may have at a broker. What a NameServer says beyond is not believed.
    private static let queueLimit: Int32 = 1 << 20

    let brokers: [BrokerAddresses]
    let queues: [Queues]
    /// As the NameServer told it.
    let json: JSON

    init(_ json: JSON) {
        self.json = json
        brokers = (json["brokerDatas"]?.array ?? []).map { BrokerAddresses($0) }
            .sorted { $0.name < $1.name }
        queues = (json["queueDatas"]?.array ?? []).map { queue in
            func count(_ name: String) -> Int32 {
                min(max(queue[name]?.int32 ?? 0, 0), Self.queueLimit)
            }
            return Queues(
                brokerName: queue["brokerName"]?.string ?? "", read: count("readQueueNums"),
                write: count("writeQueueNums"), permission: queue["perm"]?.int32 ?? 0)
        }.sorted { $0.brokerName < $1.brokerName }
    }

    /// An address of each broker, its master's before others.
    var readable: [String] { brokers.compactMap(\.readable) }

    func broker(_ name: String) -> BrokerAddresses? { brokers.first { $0.name == name } }
}

extension Admin {
    func clusters() async throws(AdminError) -> Clusters {
        Clusters(try await askNameServerForJSON(to: "list the clusters", .getBrokerClusterInfo))
    }

    /// The brokers of a cluster that exists and has some.
    func members(of cluster: String) async throws(AdminError) -> [BrokerAddresses] {
        try members(of: cluster, in: try await clusters())
    }

    func members(
        of cluster: String, in clusters: Clusters
    ) throws(AdminError) -> [BrokerAddresses] {
        let members = clusters.members(of: cluster)
        if members.isEmpty {
            throw .absent(
                "the NameServer \(nameServers.joined(separator: ";")) knows no cluster \(cluster)",
                advice: "mqadmin clusterList shows those that it knows")
        }
        return members
    }

    /// The masters of a cluster. One at least.
    func masters(of cluster: String) async throws(AdminError) -> [String] {
        let masters = try await members(of: cluster).compactMap(\.master)
        if masters.isEmpty {
            throw .absent(
                "the cluster \(cluster) has no master",
                advice: "mqadmin clusterList shows its brokers")
        }
        return masters
    }

    /// The brokers that are meant: the one, or the masters of the cluster.
    func masters(_ target: Target) async throws(AdminError) -> [String] {
        switch target {
        case .broker(let address): [address]
        case .cluster(let name): try await masters(of: name)
        }
    }

    func route(of topic: String) async throws(AdminError) -> Route {
        Route(
            try await askNameServerForJSON(
                to: "tell the route of the topic \(topic)", .getRouteinfoByTopic,
                ["topic": topic, "acceptStandardJsonOnly": "true"]))
    }

    /// The route of the first of these topics that there is.
    func route(ofAnyOf topics: [String]) async throws(AdminError) -> Route {
        var last: AdminError = .noNameServer
        for topic in topics {
            do throws(AdminError) { return try await route(of: topic) } catch {
                last = error
                if case .refused(_, _, .topicNotExist, _) = error { continue }
                throw error
            }
        }
        throw last
    }

    func topics() async throws(AdminError) -> [String] {
        let json = try await askNameServerForJSON(
            to: "list the topics", .getAllTopicListFromNameserver)
        return (json["topicList"]?.array ?? []).compactMap(\.string).sorted()
    }
}

/// Names that RocketMQ's tools have.
enum SystemName {
    /// The group that they consume as.
    static let toolsGroup = "TOOLS_CONSUMER"
}
