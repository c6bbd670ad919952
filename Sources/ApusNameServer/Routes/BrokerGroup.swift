// The brokers that share a name: a master with id 0 and its slaves.

import ApusRemoting
import ApusServer

/// Where a broker is. RocketMQ tells brokers apart by these two.
struct BrokerPlace: Hashable, Sendable {
    let cluster: String
    /// As the broker says it and clients dial it: `10.0.0.1:10911`.
    let address: String
}

/// The brokers of one name by their ids.
struct BrokerGroup: Hashable, Sendable {
    /// The id of a master.
    static let masterID: Int64 = 0

    /// Not empty while the group is in the table.
    var members: [Int64: BrokerPlace] = [:]
    /// Whether the slave with the lowest id acts for a master that is gone.
    var actsForMaster = false
    /// Where the broker that registered last stands, for clients that stay in their zone.
    var zone: String?

    var lowestID: Int64? { members.keys.min() }

    /// The cluster of the member with the lowest id. All members name the same, unless someone
    /// configured them apart.
    var cluster: String? { lowestID.flatMap { members[$0]?.cluster } }

    var addresses: [Int64: String] { members.mapValues(\.address) }
}

/// What the table knows of one broker: present from its registration until it unregisters, falls
/// silent, loses its connection or gives its place to another.
struct Broker: Hashable, Sendable {
    /// What tells one connection from all others of this process.
    typealias ConnectionID = UInt64

    let name: String
    let id: Int64
    /// Milliseconds of a clock that never steps back.
    var lastSeen: Int64
    /// How long it may be silent, in milliseconds.
    let timeout: Int64
    let version: DataVersion
    /// Where it registered.
    let connection: ConnectionID
    /// Where its slaves read from.
    let replicationAddress: String?
    /// RocketMQ's filter servers, which no release since 5.0 starts.
    var filterServers: [String]

    /// By subtraction, so that a timeout near the end of all integers does not overflow.
    func isSilent(at now: Int64) -> Bool { now - lastSeen > timeout }
}
