// What a broker says of a message that it has stored.

public import ApusFormat

/// Where a message is, and how safe.
public struct SendReceipt: Sendable, Hashable {
    /// What the broker was set up to wait for, and what came of it. The message is stored in each
    /// of these cases; whether it survives the loss of the machine is what they differ in.
    public enum Status: Sendable, Hashable {
        /// Everything that the broker waits for.
        case stored
        /// The device did not take it in time (FLUSH_DISK_TIMEOUT).
        case notFlushedInTime
        /// The replicas did not take it in time (FLUSH_SLAVE_TIMEOUT).
        case notReplicatedInTime
        /// There is no replica (SLAVE_NOT_AVAILABLE).
        case noReplica
    }

    public let status: Status
    public let queue: MessageQueue
    /// The message's number in its queue: of a batch, of the first one.
    public let queueOffset: Int64
    /// What the producer calls the message: of a batch, the first one.
    public let uniqueID: UniqueID
    /// Where the broker has it: of a batch, the first one. Nil when the broker says it in a way
    /// that is not RocketMQ's.
    public let place: OffsetMessageID?

    /// The id to write into logs: consumers see the same one.
    public var id: String { uniqueID.text }
}
