// Which broker has which queues: all that a NameServer knows.
//
// A value, changed by one owner behind one lock. Time comes in from outside.
//
// What always holds: each member of a group has its entry in `brokers` under its place, with the
// group's name and the member's id, and there is no other entry. A cluster names the groups that
// have a member in it. Queues and mappings stand under names of groups only.

import ApusRemoting
import ApusServer

/// The table of routes.
struct RouteTable: Sendable {
    /// What the settings say.
    struct Rules: Hashable, Sendable {
        /// Shows the lowest slave as master where its group wishes so. `supportActingMaster`.
        var showsActingMaster = false
        /// A registration takes away the topics that it does not name.
        /// `deleteTopicWithBrokerRegistration`.
        var removesUnnamedTopics = false
        /// Tells brokers that the lowest id of their group changed. `notifyMinBrokerIdChanged`.
        var announcesLowestID = false
    }

    let rules: Rules
    /// By topic, then by broker name. No topic is without queues.
    var topics: [String: [String: TopicQueues]] = [:]
    /// By broker name.
    var groups: [String: BrokerGroup] = [:]
    /// Broker names by cluster.
    var clusters: [String: Set<String>] = [:]
    var brokers: [BrokerPlace: Broker] = [:]
    /// Where the queues of static topics are, as brokers wrote it: by topic, then by broker name.
    var mappings: [String: [String: JSON]] = [:]

    init(rules: Rules = Rules()) { self.rules = rules }

    /// A broker says that it is alive. Nothing happens when it is not on record.
    mutating func heartbeat(_ place: BrokerPlace, at now: Int64) { brokers[place]?.lastSeen = now }

    /// The version of the topics on record for a broker; nil when it is not on record.
    func version(of place: BrokerPlace) -> DataVersion? { brokers[place]?.version }

    /// Sets the queues of a topic at brokers that are on record. Changes nothing and answers the
    /// first unknown name when there is one.
    mutating func registerTopic(_ topic: String, _ queues: [String: TopicQueues]) -> String? {
        if let unknown = queues.keys.sorted().first(where: { groups[$0] == nil }) { return unknown }
        if !queues.isEmpty { topics[topic, default: [:]].merge(queues) { $1 } }
        return nil
    }

    /// Forgets a topic: at the brokers of one cluster, or everywhere.
    mutating func removeTopic(_ topic: String, cluster: String? = nil) {
        guard let cluster else {
            topics[topic] = nil
            mappings[topic] = nil
            return
        }
        for name in clusters[cluster] ?? [] { removeQueues(of: topic, at: name) }
    }

    mutating func removeQueues(of topic: String, at name: String) {
        topics[topic]?[name] = nil
        if topics[topic]?.isEmpty == true { topics[topic] = nil }
        removeMapping(of: topic, at: name)
    }

    mutating func removeMapping(of topic: String, at name: String) {
        mappings[topic]?[name] = nil
        if mappings[topic]?.isEmpty == true { mappings[topic] = nil }
    }

    /// Changes what may be done with each topic of a broker, in the routes only: the next
    /// registration with another version sets it again. Answers how many topics the broker has.
    mutating func changePermissions(
        of name: String, _ change: (Permission) -> Permission
    ) -> Int {
        var count = 0
        for topic in topics.keys {
            guard let queues = topics[topic]?[name] else { continue }
            topics[topic]?[name]?.permission = change(queues.permission)
            count += 1
        }
        return count
    }

    /// `WIPE_WRITE_PERM_OF_BROKER`.
    mutating func wipeWritePermission(of name: String) -> Int {
        changePermissions(of: name) { $0.subtracting(.write) }
    }

    /// `ADD_WRITE_PERM_OF_BROKER`. Like RocketMQ it gives both permissions and takes all others.
    mutating func addWritePermission(of name: String) -> Int {
        changePermissions(of: name) { _ in .readWrite }
    }
}
