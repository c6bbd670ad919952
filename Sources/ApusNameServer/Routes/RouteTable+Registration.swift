// A broker comes, or says again what it has.

package import ApusRemoting
package import ApusServer

/// What a broker says of itself and its topics.
struct BrokerRegistration: Sendable {
    /// Two minutes: how long a broker may be silent that does not say so itself.
    static let standardTimeout: Int64 = 120_000

    var name: String
    var id: Int64
    var place: BrokerPlace
    var replicationAddress: String?
    /// Milliseconds.
    var timeout = Self.standardTimeout
    /// nil from brokers older than 5.0, whose slaves say nothing of topics.
    var actsForMaster: Bool?
    var zone: String?
    var content = RegisteredTopics()
}

/// The body of a registration.
package struct RegisteredTopics: Hashable, Sendable {
    package var version = DataVersion()
    /// All topics of the broker, or the one that is new.
    package var topics: [String: TopicQueues] = [:]
    /// By topic: the broker that a mapping stands under, and the mapping.
    package var mappings: [String: Mapping] = [:]
    /// nil leaves those on record alone.
    package var filterServers: [String]? = []

    package struct Mapping: Hashable, Sendable {
        package let brokerName: String
        package let json: JSON

        // A mapping has its place in no set.
        package func hash(into hasher: inout Hasher) { hasher.combine(brokerName) }
    }
}

/// What came of a registration.
enum RegistrationOutcome: Hashable, Sendable {
    /// The broker is on record. A slave is told its master, when there is one.
    case registered(master: Master?, announcements: [LowestIDChange])
    /// Another broker with a later state version has the place. What was on record of this one is
    /// gone.
    case outdated
    /// A single topic of a broker that has not registered; nothing changed.
    case unknownBroker

    struct Master: Hashable, Sendable {
        let address: String
        let replicationAddress: String?
    }
}

extension RouteTable {
    /// Takes in what a broker says over `connection`.
    mutating func register(
        _ registration: BrokerRegistration, over connection: Broker.ConnectionID, at now: Int64
    ) -> RegistrationOutcome {
        let (name, id, place) = (registration.name, registration.id, registration.place)
        if let outcome = refusal(of: registration) {
            if outcome == .outdated { _ = remove(place) }
            return outcome
        }
        let oldLowestID = groups[name]?.lowestID
        let oldBroker = brokers[place]
        // An address belongs to one broker: a slave that became a master leaves its old id.
        let hasMoved = oldBroker.map { $0.name != name || $0.id != id } ?? false
        if hasMoved { _ = remove(place) }
        let isFirst = seat(registration) || hasMoved
        let isUnchanged = !isFirst && oldBroker?.version == registration.content.version
        announceTopics(registration, isUnchanged: isUnchanged)
        brokers[place] = Broker(
            name: name, id: id, lastSeen: now, timeout: registration.timeout,
            version: registration.content.version, connection: connection,
            replicationAddress: registration.replicationAddress,
            filterServers: registration.content.filterServers ?? oldBroker?.filterServers ?? [])
        return .registered(
            master: master(for: registration),
            announcements: announcements(of: registration, oldLowestID: oldLowestID))
    }

    /// Why a registration changes nothing; nil when it is taken.
    private func refusal(of registration: BrokerRegistration) -> RegistrationOutcome? {
        let holder = groups[registration.name]?.members[registration.id]
        if let holder, holder.address != registration.place.address,
            let version = brokers[holder]?.version,
            version.stateVersion > registration.content.version.stateVersion
        {
            return .outdated
        }
        // One topic is how a broker says that it is new. It counts for nothing before the broker
        // has said all of them.
        let isSettled = holder != nil
        return !isSettled && registration.content.topics.count == 1 ? .unknownBroker : nil
    }

    /// Puts the broker into its group and its cluster. Answers whether it was not there.
    private mutating func seat(_ registration: BrokerRegistration) -> Bool {
        let (name, place) = (registration.name, registration.place)
        var group = groups[name] ?? BrokerGroup()
        let replaced = group.members.updateValue(place, forKey: registration.id)
        group.actsForMaster = registration.actsForMaster ?? false
        group.zone = registration.zone
        groups[name] = group
        if let replaced, replaced != place {
            brokers[replaced] = nil
            if !group.members.values.contains(where: { $0.cluster == replaced.cluster }) {
                leave(replaced.cluster, name)
            }
        }
        clusters[place.cluster, default: []].insert(name)
        return replaced == nil
    }

    /// The queues of a master, or of the slave that speaks for it, become the group's.
    private mutating func announceTopics(_ registration: BrokerRegistration, isUnchanged: Bool) {
        let (name, content) = (registration.name, registration.content)
        let isMaster = registration.id == BrokerGroup.masterID
        let speaks =
            isMaster
            || registration.actsForMaster != nil && registration.id == groups[name]?.lowestID
        guard speaks else { return }
        if rules.removesUnnamedTopics, content.mappings.isEmpty {
            for topic in topics.keys
            where topics[topic]?[name] != nil && content.topics[topic] == nil {
                removeQueues(of: topic, at: name)
            }
        }
        let isReadOnly = !isMaster && registration.actsForMaster == true
        for (topic, queues) in content.topics where !isUnchanged || topics[topic]?[name] == nil {
            var queues = queues
            if isReadOnly { queues.permission.remove(.write) }
            topics[topic, default: [:]][name] = queues
        }
        guard !isUnchanged else { return }
        for (topic, mapping) in content.mappings where groups[mapping.brokerName] != nil {
            mappings[topic, default: [:]][mapping.brokerName] = mapping.json
        }
    }

    private func master(for registration: BrokerRegistration) -> RegistrationOutcome.Master? {
        guard registration.id != BrokerGroup.masterID,
            let place = groups[registration.name]?.members[BrokerGroup.masterID],
            let broker = brokers[place]
        else { return nil }
        return .init(address: place.address, replicationAddress: broker.replicationAddress)
    }
}
