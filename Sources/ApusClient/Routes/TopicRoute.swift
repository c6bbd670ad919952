// Where the queues of a topic are: RocketMQ's TopicRouteData, as a client reads it.

internal import ApusFormat
internal import ApusRemoting

/// The queues of a topic, and the brokers that they are on.
struct TopicRoute: Sendable, Equatable {
    /// A master and its replicas.
    struct Group: Sendable, Equatable {
        let broker: String
        /// `host:port` by broker id; 0 is the master.
        let addresses: [Int64: String]

        var master: String? { addresses[0] }

        /// All addresses, in the order in which to try to read: `first`, the master, the replicas.
        func readable(from first: Int64) -> [String] {
            addresses.sorted { one, other in
                if (one.key == first) != (other.key == first) { return one.key == first }
                return one.key < other.key
            }.map(\.value)
        }

        /// The master's, or that of the first replica.
        var anyAddress: String? {
            master ?? addresses.min { $0.key < $1.key }.map(\.value)
        }
    }

    /// How many queues a broker has of the topic.
    struct Queues: Sendable, Equatable {
        let broker: String
        let readQueues, writeQueues: Int32
        /// Bits: 2 write, 4 read.
        let permission: Int32

        var isReadable: Bool { permission & 4 != 0 }
        var isWritable: Bool { permission & 2 != 0 }
    }

    let topic: String
    var groups: [Group] = []
    var queues: [Queues] = []
    /// Of a topic whose order is global: `broker-a:4;broker-b:4`.
    var order: String?

    /// Queues of one broker that are believed.
    private static let queueLimit: Int32 = 65_536

    /// Of what a NameServer says; throws the words for what it should be and is not.
    init(topic: String, json: JSON) throws(RouteProblem) {
        self.topic = topic
        for entry in json["brokerDatas"]?.array ?? [] {
            guard let broker = entry["brokerName"]?.string,
                let members = entry["brokerAddrs"]?.object?.members
            else { throw RouteProblem(text: "a broker without a name or addresses") }
            var addresses: [Int64: String] = [:]
            for member in members {
                guard let id = Int64(member.name), let address = member.value.string else {
                    throw RouteProblem(text: "an address of \(broker) that is none")
                }
                addresses[id] = address
            }
            groups.append(Group(broker: broker, addresses: addresses))
        }
        for entry in json["queueDatas"]?.array ?? [] {
            guard let broker = entry["brokerName"]?.string,
                let read = entry["readQueueNums"]?.int32,
                let write = entry["writeQueueNums"]?.int32, let permission = entry["perm"]?.int32,
                0...Self.queueLimit ~= read, 0...Self.queueLimit ~= write
            else { throw RouteProblem(text: "queues without a broker, a number or rights") }
            queues.append(
                Queues(
                    broker: broker, readQueues: read, writeQueues: write, permission: permission))
        }
        queues.sort { $0.broker.isBefore($1.broker) }
        order = json["orderTopicConf"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    init(topic: String, groups: [Group], queues: [Queues], order: String? = nil) {
        self.topic = topic
        self.groups = groups
        self.queues = queues.sorted { $0.broker.isBefore($1.broker) }
        self.order = order
    }

    func group(_ broker: String) -> Group? { groups.first { $0.broker == broker } }

    /// The queues that can be sent to: those of brokers with a master.
    var writable: [MessageQueue] {
        if let order { return ordered(order) }
        return queues.flatMap { entry -> [MessageQueue] in
            guard entry.isWritable, group(entry.broker)?.master != nil else { return [] }
            return numbered(entry.broker, entry.writeQueues)
        }
    }

    /// The queues that can be read.
    var readable: [MessageQueue] {
        queues.flatMap { $0.isReadable ? numbered($0.broker, $0.readQueues) : [] }
    }

    private func numbered(_ broker: String, _ count: Int32) -> [MessageQueue] {
        (0..<count).map { MessageQueue(topic: topic, broker: broker, id: $0) }
    }

    private func ordered(_ text: String) -> [MessageQueue] {
        text.split(separator: ";").flatMap { part -> [MessageQueue] in
            let pieces = part.split(separator: ":")
            guard pieces.count == 2, let count = Int32(pieces[1].description.trimmed),
                0...Self.queueLimit ~= count
            else { return [] }
            return numbered(pieces[0].description.trimmed, count)
        }
    }

    /// The same for a topic that does not exist yet, by the route of the one that brokers make
    /// topics by: at most `limit` queues on each.
    func template(for topic: String, limit: Int32) -> TopicRoute {
        let queues = queues.map { entry in
            let count = min(limit, min(entry.readQueues, entry.writeQueues))
            return Queues(
                broker: entry.broker, readQueues: count, writeQueues: count,
                permission: entry.permission)
        }
        return TopicRoute(topic: topic, groups: groups, queues: queues)
    }

    /// All brokers, masters first.
    var allAddresses: [String] {
        groups.compactMap(\.master)
            + groups.flatMap { $0.addresses.filter { $0.key != 0 }.sorted { $0.key < $1.key } }
            .map(\.value)
    }
}

/// What a NameServer's answer should not be.
struct RouteProblem: Error {
    let text: String
}
