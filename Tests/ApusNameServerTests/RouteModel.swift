// The plain model of the route table: a list of brokers and a list of rows, gone through whole.

@testable import ApusNameServer
import ApusServer

/// What a RouteTable should hold, without an index anywhere.
struct RouteModel {
    struct Member {
        var name: String
        var id: Int64
        var place: BrokerPlace
        var lastSeen: Int64
        var timeout: Int64
        var version: DataVersion
        var connection: UInt64
    }
    struct Row: Hashable {
        let topic: String
        let name: String
    }

    var members: [Member] = []
    var rows: [Row: TopicQueues] = [:]
    /// The last word of a name's brokers.
    var acts: [String: Bool] = [:]

    func group(_ name: String) -> [Member] {
        members.filter { $0.name == name }.sorted { $0.id < $1.id }
    }

    mutating func register(_ wanted: BrokerRegistration, _ connection: UInt64, _ now: Int64) {
        let holder = members.first { $0.name == wanted.name && $0.id == wanted.id }
        if let holder, holder.place.address != wanted.place.address,
            holder.version.stateVersion > wanted.content.version.stateVersion
        {
            return drop { $0.place == wanted.place }
        }
        if holder == nil, wanted.content.topics.count == 1 { return }
        let before = members.first { $0.place == wanted.place }
        let isSame = before.map { $0.name == wanted.name && $0.id == wanted.id } ?? false
        if !isSame { drop { $0.place == wanted.place } }
        members.removeAll { $0.name == wanted.name && $0.id == wanted.id }
        members.append(
            Member(
                name: wanted.name, id: wanted.id, place: wanted.place, lastSeen: now,
                timeout: wanted.timeout, version: wanted.content.version, connection: connection))
        acts[wanted.name] = wanted.actsForMaster ?? false
        let isLowest = group(wanted.name).first?.id == wanted.id
        guard wanted.id == 0 || wanted.actsForMaster != nil && isLowest else { return }
        let isNews = !isSame || before?.version != wanted.content.version
        for (topic, queues) in wanted.content.topics {
            let row = Row(topic: topic, name: wanted.name)
            guard isNews || rows[row] == nil else { continue }
            rows[row] = queues
            if wanted.id != 0, wanted.actsForMaster == true {
                rows[row]?.permission.remove(.write)
            }
        }
    }

    /// Takes members away, one after the other.
    mutating func drop(where isGone: (Member) -> Bool) {
        for gone in members.filter(isGone) {
            members.removeAll { $0.place == gone.place }
            let rest = group(gone.name)
            if rest.isEmpty {
                rows = rows.filter { $0.key.name != gone.name }
                acts[gone.name] = nil
            } else if acts[gone.name] == true, rest.allSatisfy({ $0.id != 0 }) {
                for row in rows.keys where row.name == gone.name {
                    rows[row]?.permission.remove(.write)
                }
            }
        }
    }

    mutating func registerTopic(_ topic: String, _ queues: [String: TopicQueues]) {
        guard queues.keys.allSatisfy({ !group($0).isEmpty }) else { return }
        for (name, queues) in queues { rows[Row(topic: topic, name: name)] = queues }
    }

    mutating func removeTopic(_ topic: String, cluster: String?) {
        rows = rows.filter { row, _ in
            row.topic != topic
                || cluster.map { cluster in
                    !group(row.name).contains { $0.place.cluster == cluster }
                } ?? false
        }
    }
}
