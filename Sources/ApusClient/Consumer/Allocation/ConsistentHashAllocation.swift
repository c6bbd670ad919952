// A ring of hashes on which members and queues lie: when a member comes or goes, few queues change
// hands (CONSISTENT_HASH).

internal import ApusFormat

/// Gives each queue to the next member on a ring, as RocketMQ's client does it: the same ring of
/// MD5 hashes, ten places for each member.
public struct ConsistentHashAllocation: AllocationStrategy {
    public let name = "CONSISTENT_HASH"
    private let places: Int

    /// `places` is how many a member has on the ring: RocketMQ's `virtualNodeCnt`, 10.
    public init(places: Int = 10) { self.places = max(1, places) }

    public func queues(
        of member: String, among members: [String], _ queues: [MessageQueue]
    ) -> [MessageQueue] {
        let ring = ring(members)
        return queues.filter { owner(of: $0, on: ring) == member }
    }

    private func ring(_ members: [String]) -> [(hash: Int64, member: String)] {
        // One that is put on a place that is taken takes it, as in Java's map.
        var ring: [Int64: String] = [:]
        for member in members {
            for place in 0..<places { ring[Self.hash("\(member)-\(place)")] = member }
        }
        return ring.map { ($0.key, $0.value) }.sorted { $0.hash < $1.hash }
    }

    private func owner(
        of queue: MessageQueue, on ring: [(hash: Int64, member: String)]
    ) -> String? {
        let hash = Self.hash(
            "MessageQueue [topic=\(queue.topic), brokerName=\(queue.broker), queueId=\(queue.id)]")
        return (ring.first { $0.hash >= hash } ?? ring.first)?.member
    }

    /// The first four bytes of the MD5, the first one most significant.
    static func hash(_ text: String) -> Int64 {
        MD5.digest(Array(text.utf8)).prefix(4).reduce(0) { $0 << 8 | Int64($1) }
    }
}
