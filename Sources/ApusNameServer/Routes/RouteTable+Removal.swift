// A broker goes: it says so, it falls silent, or its connection closes.

extension RouteTable {
    /// A broker unregisters. Nothing happens when another name or id is on record at its place.
    mutating func unregister(name: String, id: Int64, _ place: BrokerPlace) -> [LowestIDChange] {
        guard let broker = brokers[place], broker.name == name, broker.id == id else { return [] }
        return remove(place)
    }

    /// Removes what registered over a connection.
    mutating func connectionClosed(
        _ connection: Broker.ConnectionID
    ) -> (removed: [BrokerPlace], announcements: [LowestIDChange]) {
        removeAll { $0.connection == connection }
    }

    /// Removes who has been silent for too long. Answers them with their connections, which are of
    /// no more use.
    mutating func sweep(
        at now: Int64
    ) -> (removed: [BrokerPlace: Broker], announcements: [LowestIDChange]) {
        let silent = brokers.filter { $0.value.isSilent(at: now) }
        let (_, announcements) = removeAll { $0.isSilent(at: now) }
        return (silent, announcements)
    }

    private mutating func removeAll(
        where isGone: (Broker) -> Bool
    ) -> (removed: [BrokerPlace], announcements: [LowestIDChange]) {
        let places = brokers.filter { isGone($0.value) }.keys
            .sorted { ($0.cluster, $0.address) < ($1.cluster, $1.address) }
        // Of several changes in one group the last one counts.
        var changes: [String: LowestIDChange] = [:]
        for place in places {
            guard let name = brokers[place]?.name else { continue }
            for change in remove(place) { changes[name] = change }
            if groups[name] == nil { changes[name] = nil }
        }
        return (places, changes.keys.sorted().compactMap { changes[$0] })
    }

    /// Removes one broker, and with the last of its name what stands under the name.
    mutating func remove(_ place: BrokerPlace) -> [LowestIDChange] {
        guard let broker = brokers.removeValue(forKey: place), var group = groups[broker.name]
        else { return [] }
        let wasLowest = group.lowestID == broker.id
        group.members[broker.id] = nil
        if !group.members.values.contains(where: { $0.cluster == place.cluster }) {
            leave(place.cluster, broker.name)
        }
        guard !group.members.isEmpty else {
            groups[broker.name] = nil
            for topic in topics.keys { removeQueues(of: topic, at: broker.name) }
            for topic in mappings.keys { removeMapping(of: topic, at: broker.name) }
            return []
        }
        groups[broker.name] = group
        if group.actsForMaster, group.members[BrokerGroup.masterID] == nil {
            _ = wipeWritePermission(of: broker.name)
        }
        guard wasLowest, group.actsForMaster else { return [] }
        return announcement(in: group, without: place.address)
    }

    /// The last member of a group in a cluster has gone.
    mutating func leave(_ cluster: String, _ name: String) {
        clusters[cluster]?.remove(name)
        if clusters[cluster]?.isEmpty == true { clusters[cluster] = nil }
    }
}
