// What the tests register, and how bodies are made.

import ApusFormat
import ApusRemoting
import ApusServer

@testable import ApusNameServer

/// A registration with some topics; the rest as a 5.x broker says it.
func registration(
    _ name: String = "broker-a", id: Int64 = 0, cluster: String = "DefaultCluster",
    address: String = "10.0.0.1:10911", actsForMaster: Bool? = false,
    topics: [String: TopicQueues] = ["TBW102": TopicQueues(), "Orders": queues(4)],
    version: Int64 = 1
) -> BrokerRegistration {
    var made = BrokerRegistration(
        name: name, id: id, place: BrokerPlace(cluster: cluster, address: address),
        replicationAddress: "\(address)0")
    made.actsForMaster = actsForMaster
    made.content.topics = topics
    made.content.version = DataVersion(timestamp: 1_700_000_000_000, counter: version)
    return made
}

func queues(_ count: Int32, _ permission: Permission = .readWrite) -> TopicQueues {
    TopicQueues(readQueueCount: count, writeQueueCount: count, permission: permission)
}

/// The text of a body.
func text(_ json: JSON, _ dialect: JSONDialect = .standard) -> String {
    String(decoding: json.bytes(dialect), as: UTF8.self)
}

/// The body of a compressed registration, as a broker makes it.
func compressedBody(
    version: String = #"{"counter":7,"stateVersion":0,"timestamp":5}"#, topics: [String],
    servers: String = "[]", mappings: [String]? = []
) throws -> [UInt8] {
    var plain: [UInt8] = []
    func append(_ number: Int) {
        plain += withUnsafeBytes(of: UInt32(number).bigEndian) { Array($0) }
    }
    func append(_ text: String) {
        append(text.utf8.count)
        plain += Array(text.utf8)
    }
    append(version)
    append(topics.count)
    for topic in topics { append(topic) }
    append(servers)
    if let mappings {
        append(mappings.count)
        for mapping in mappings { append(mapping) }
    }
    return try BodyCompression.encode(plain.rawSpan, codec: .zlib)
}

extension RouteTable {
    /// Registers over connection 1 at time 0, and answers the outcome.
    @discardableResult
    mutating func take(
        _ registration: BrokerRegistration, over connection: UInt64 = 1, at now: Int64 = 0
    ) -> RegistrationOutcome {
        register(registration, over: connection, at: now)
    }
}
