// What the brokers of a group are told when another one of them has the lowest id.

/// A `NOTIFY_MIN_BROKER_ID_CHANGE`, and to whom it goes.
struct LowestIDChange: Hashable, Sendable {
    let lowestID: Int64
    let lowestAddress: String
    /// Who has gone.
    let goneAddress: String?
    /// Where the one that came lets others read.
    let replicationAddress: String?
    let recipients: [String]
}

extension RouteTable {
    /// Someone has gone: all that are left are told.
    func announcement(in group: BrokerGroup, without gone: String) -> [LowestIDChange] {
        guard rules.announcesLowestID, let lowest = group.lowestID,
            let address = group.members[lowest]?.address
        else { return [] }
        return [
            LowestIDChange(
                lowestID: lowest, lowestAddress: address, goneAddress: gone,
                replicationAddress: nil, recipients: group.addresses.values.sorted())
        ]
    }

    /// Someone has come below all others: those are told.
    func announcements(
        of registration: BrokerRegistration, oldLowestID: Int64?
    ) -> [LowestIDChange] {
        guard rules.announcesLowestID, let oldLowestID, registration.id < oldLowestID,
            let group = groups[registration.name]
        else { return [] }
        let others = group.addresses.filter { $0.key != registration.id }.values.sorted()
        return [
            LowestIDChange(
                lowestID: registration.id, lowestAddress: registration.place.address,
                goneAddress: nil, replicationAddress: registration.replicationAddress,
                recipients: others.isEmpty ? [registration.place.address] : others)
        ]
    }
}
