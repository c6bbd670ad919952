// The route table against its plain model, from seeds.

import ApusRemoting
import ApusServer
import TestSupport
import Testing

@testable import ApusNameServer

/// Runs the same random steps on both.
private struct Run {
    var table: RouteTable
    var model = RouteModel()
    var numbers: SeededNumbers
    var now: Int64 = 1_000
    /// Kept only when a run that failed is run again.
    var steps: [String]?

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &numbers)]
    }

    private mutating func place() -> BrokerPlace {
        BrokerPlace(
            cluster: pick(["C1", "C1", "C1", "C2"]), address: pick(["a", "b", "c", "d"]))
    }

    private mutating func randomRegistration() -> BrokerRegistration {
        var made = BrokerRegistration(
            name: pick(["x", "y", "z"]), id: pick([0, 0, 1, 2]), place: place())
        made.actsForMaster = pick([nil, false, true])
        made.timeout = pick([10, 100, 1_000, .max, -5])
        made.content.version = DataVersion(
            stateVersion: pick([0, 0, 0, 1]), counter: pick([1, 2]))
        for topic in ["s", "t", "u", "v"] where pick([true, true, false]) {
            made.content.topics[topic] = TopicQueues(
                readQueueCount: pick([1, 4]), permission: pick([.readWrite, .read]))
        }
        return made
    }

    mutating func step() {
        switch Int.random(in: 0..<20, using: &numbers) {
        case 0..<8:
            let (wanted, connection) = (randomRegistration(), pick([1, 2, 3] as [UInt64]))
            steps?.append("register \(wanted) over \(connection) at \(now)")
            _ = table.register(wanted, over: connection, at: now)
            model.register(wanted, connection, now)
        case 8, 9:
            let (name, id, place) = (pick(["x", "y", "z"]), pick([0, 1, 2] as [Int64]), place())
            steps?.append("unregister \(name) \(id) \(place)")
            _ = table.unregister(name: name, id: id, place)
            model.drop { $0.name == name && $0.id == id && $0.place == place }
        case 10:
            let connection = pick([1, 2, 3] as [UInt64])
            steps?.append("close \(connection)")
            _ = table.connectionClosed(connection)
            model.drop { $0.connection == connection }
        case 11, 12:
            now += pick([1, 10, 11, 100, 1_001])
            steps?.append("sweep at \(now)")
            _ = table.sweep(at: now)
            let moment = now
            model.drop { moment - $0.lastSeen > $0.timeout }
        case 13, 14:
            let place = place()
            steps?.append("heartbeat \(place) at \(now)")
            table.heartbeat(place, at: now)
            for index in model.members.indices where model.members[index].place == place {
                model.members[index].lastSeen = now
            }
        default: administer()
        }
    }

    private mutating func administer() {
        let (topic, name) = (pick(["s", "t", "u", "v"]), pick(["x", "y", "z"]))
        switch Int.random(in: 0..<4, using: &numbers) {
        case 0:
            steps?.append("wipe \(name)")
            let count = table.wipeWritePermission(of: name)
            let rows = model.rows.keys.filter { $0.name == name }
            #expect(count == rows.count)
            for row in rows { model.rows[row]?.permission.remove(.write) }
        case 1:
            steps?.append("add \(name)")
            _ = table.addWritePermission(of: name)
            for row in model.rows.keys where row.name == name {
                model.rows[row]?.permission = .readWrite
            }
        case 2:
            let cluster = pick([nil, "C1", "C2"])
            steps?.append("remove \(topic) \(cluster ?? "everywhere")")
            table.removeTopic(topic, cluster: cluster)
            model.removeTopic(topic, cluster: cluster)
        default:
            var wanted = [name: queues(3)]
            wanted[pick(["x", "y"])] = queues(5)
            steps?.append("register topic \(topic) \(wanted)")
            _ = table.registerTopic(topic, wanted)
            model.registerTopic(topic, wanted)
        }
    }

    /// What differs; nil when nothing does.
    func difference() -> String? {
        var rows: [RouteModel.Row: TopicQueues] = [:]
        for (topic, queues) in table.topics {
            if queues.isEmpty { return "topic \(topic) has no queues" }
            for (name, value) in queues { rows[.init(topic: topic, name: name)] = value }
        }
        if rows != model.rows { return "rows \(rows) instead of \(model.rows)" }
        let names = Set(model.members.map(\.name))
        if Set(table.groups.keys) != names { return "groups \(table.groups.keys)" }
        for name in names {
            let wanted = Dictionary(
                uniqueKeysWithValues: model.group(name).map { ($0.id, $0.place) })
            if table.groups[name]?.members != wanted { return "members of \(name)" }
            if table.groups[name]?.actsForMaster != model.acts[name] { return "acts of \(name)" }
        }
        var clusters: [String: Set<String>] = [:]
        for member in model.members {
            clusters[member.place.cluster, default: []].insert(member.name)
        }
        if table.clusters != clusters { return "clusters \(table.clusters)" }
        if table.brokers.count != model.members.count { return "brokers \(table.brokers)" }
        for member in model.members {
            guard let broker = table.brokers[member.place], broker.name == member.name,
                broker.id == member.id, broker.lastSeen == member.lastSeen,
                broker.version == member.version, broker.connection == member.connection
            else { return "broker at \(member.place)" }
        }
        return nil
    }
}

/// Runs one seed. Answers what differs, with the steps where they were wanted.
private func differenceAfter(seed: UInt64, tracing: Bool) -> String? {
    var run = Run(
        table: RouteTable(), numbers: SeededNumbers(seed: seed), steps: tracing ? [] : nil)
    for _ in 0..<60 {
        run.step()
        if let difference = run.difference() {
            return ([difference] + (run.steps ?? [])).joined(separator: "\n")
        }
    }
    return nil
}

@Test("the table holds what a plain model holds, whatever brokers and operators do")
func tableFollowsModel() {
    var seeds = SeededNumbers.printed()
    for _ in 0..<200 {
        let seed = seeds.next()
        guard differenceAfter(seed: seed, tracing: false) != nil else { continue }
        Issue.record("seed \(seed): \(differenceAfter(seed: seed, tracing: true) ?? "")")
        return
    }
}
