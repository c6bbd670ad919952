// Which member of a group gets which queues. Each member decides for itself, from the same lists in
// the same order, so that all come to the same; Java's members among them.

/// Divides the queues of a topic among the members of a group.
public protocol AllocationStrategy: Sendable {
    /// What RocketMQ calls it.
    var name: String { get }

    /// The queues of `member`. Both lists are in RocketMQ's order, and `member` is one of
    /// `members`. Over all members each queue is somebody's, and nobody else's.
    func queues(
        of member: String, among members: [String], _ queues: [MessageQueue]
    ) -> [MessageQueue]
}

/// A stretch of queues for each, the first members one more when they do not divide evenly (AVG).
public struct AverageAllocation: AllocationStrategy {
    public let name = "AVG"

    public init() {}

    public func queues(
        of member: String, among members: [String], _ queues: [MessageQueue]
    ) -> [MessageQueue] {
        guard let place = members.firstIndex(of: member) else { return [] }
        let rest = queues.count % members.count
        let each = queues.count / members.count
        let start = place * each + min(place, rest)
        return Array(queues[start..<start + each + (place < rest ? 1 : 0)])
    }
}

/// One queue for each in turn (AVG_BY_CIRCLE).
public struct CircleAllocation: AllocationStrategy {
    public let name = "AVG_BY_CIRCLE"

    public init() {}

    public func queues(
        of member: String, among members: [String], _ queues: [MessageQueue]
    ) -> [MessageQueue] {
        guard let place = members.firstIndex(of: member) else { return [] }
        return stride(from: place, to: queues.count, by: members.count).map { queues[$0] }
    }
}

/// The same queues always, whoever else is there (CONFIG). The members of a group must be given
/// different ones, and all of them together.
public struct FixedAllocation: AllocationStrategy {
    public let name = "CONFIG"
    private let own: Set<MessageQueue>

    public init(_ queues: [MessageQueue]) { own = Set(queues) }

    /// Of topics for which nothing is fixed, such as the group's retry topic, everyone would have
    /// none: they are shared out evenly.
    public func queues(
        of member: String, among members: [String], _ queues: [MessageQueue]
    ) -> [MessageQueue] {
        guard let topic = queues.first?.topic, own.contains(where: { $0.topic == topic }) else {
            return AverageAllocation().queues(of: member, among: members, queues)
        }
        return queues.filter { own.contains($0) }
    }
}

/// Only queues of brokers in some machine rooms: their names begin with `room@` (MACHINE_ROOM).
public struct MachineRoomAllocation: AllocationStrategy {
    public let name = "MACHINE_ROOM"
    private let rooms: Set<String>

    public init(rooms: [String]) { self.rooms = Set(rooms) }

    /// A stretch for each, and what is left over one by one to the first members.
    public func queues(
        of member: String, among members: [String], _ queues: [MessageQueue]
    ) -> [MessageQueue] {
        guard let place = members.firstIndex(of: member) else { return [] }
        let near = queues.filter { queue in
            let parts = queue.broker.split(separator: "@", omittingEmptySubsequences: false)
            return parts.count == 2 && rooms.contains(String(parts[0]))
        }
        let each = near.count / members.count
        var own = Array(near[place * each..<(place + 1) * each])
        let left = each * members.count + place
        if left < near.count { own.append(near[left]) }
        return own
    }
}
