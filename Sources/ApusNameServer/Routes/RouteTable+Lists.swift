// What operators ask: clusters, groups and lists of topics.

import ApusRemoting

/// RocketMQ's TopicList.
struct TopicList: Hashable, Sendable {
    var topics: Set<String> = []
    /// Some broker's, where system topics can be asked for.
    var brokerAddress: String?

    var json: JSON {
        var fields = JSONObject()
        if let brokerAddress { fields.append("brokerAddr", .string(brokerAddress)) }
        fields.append("topicList", .array(topics.sorted().map { .string($0) }))
        return .object(fields)
    }
}

extension RouteTable {
    /// Every topic.
    func allTopics() -> TopicList { TopicList(topics: Set(topics.keys)) }

    /// Topics that some broker of a cluster has; none for an unknown cluster.
    func topics(of cluster: String) -> TopicList {
        let names = clusters[cluster] ?? []
        return TopicList(
            topics: Set(
                topics.keys.filter { topic in
                    topics[topic]?.keys.contains { names.contains($0) } == true
                }))
    }

    /// The topics that each cluster and each broker is given: they have its name.
    func systemTopics() -> TopicList {
        var list = TopicList(topics: Set(clusters.keys).union(groups.keys))
        list.brokerAddress = groups.min { $0.key < $1.key }.flatMap { _, group in
            group.lowestID.flatMap { group.members[$0]?.address }
        }
        return list
    }

    /// Topics whose flags fit. Brokers agree on these; the first by name is asked.
    func topics(where fits: (TopicFlag) -> Bool) -> TopicList {
        TopicList(
            topics: Set(
                topics.keys.filter { topic in
                    let queues = topics[topic]?.min { $0.key < $1.key }?.value
                    return queues.map { fits($0.systemFlag) } ?? false
                }))
    }

    /// RocketMQ's ClusterInfo.
    func clusterInformation() -> JSON {
        var fields = JSONObject()
        fields.append(
            "brokerAddrTable",
            .object(
                Dictionary(
                    uniqueKeysWithValues: groups.map {
                        ($0.key, TopicRoute.Group(name: $0.key, $0.value))
                    })
            ) { $0.json })
        fields.append(
            "clusterAddrTable",
            .object(clusters) { .array($0.sorted().map { .string($0) }) })
        return .object(fields)
    }

    /// The members of a group; none for an unknown name.
    func memberGroup(cluster: String, name: String) -> JSON {
        var group = JSONObject()
        group.append("brokerAddrs", (groups[name]?.addresses ?? [:]).json)
        group.append("brokerName", .string(name))
        group.append("cluster", .string(cluster))
        var fields = JSONObject()
        fields.append("brokerMemberGroup", .object(group))
        return .object(fields)
    }
}
