// What a broker knows besides messages, and the directory that it is kept in: `config` under the
// store's root, as with RocketMQ.

/// The tables of a broker.
public struct BrokerState: Sendable {
    public let topics: TopicTable
    public let groups: GroupTable
    public let offsets: OffsetTable
    public let delayOffsets: DelayOffsetTable
}
