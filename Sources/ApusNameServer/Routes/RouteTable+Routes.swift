// What clients ask: where a topic is.

extension RouteTable {
    /// Topics of this prefix show the members of a group as they are.
    private static let memberTopicPrefix = "rmq_sys_SYNC_BROKER_MEMBER_"

    /// Where a topic is; nil when no broker has it.
    func route(of topic: String) -> TopicRoute? {
        guard let queues = topics[topic] else { return nil }
        var route = TopicRoute(queues: queues, mappings: mappings[topic] ?? [:])
        for name in queues.keys.sorted() {
            guard let group = groups[name] else { continue }
            route.groups.append(TopicRoute.Group(name: name, group))
            for place in group.members.values {
                guard let servers = brokers[place]?.filterServers, !servers.isEmpty else {
                    continue
                }
                route.filterServers[place.address] = servers
            }
        }
        if rules.showsActingMaster, !topic.hasPrefix(Self.memberTopicPrefix) {
            route.showActingMasters()
        }
        return route
    }
}

extension TopicRoute {
    /// Gives the lowest slave the id of the master that is gone, where queues can only be read: it
    /// then answers what only masters are asked (locks, offsets).
    fileprivate mutating func showActingMasters() {
        for index in groups.indices {
            let group = groups[index]
            guard group.actsForMaster, group.addresses[BrokerGroup.masterID] == nil,
                let lowest = group.addresses.keys.min(),
                queues[group.name]?.permission.contains(.write) == false
            else { continue }
            groups[index].addresses[BrokerGroup.masterID] =
                groups[index].addresses.removeValue(forKey: lowest)
        }
    }
}
