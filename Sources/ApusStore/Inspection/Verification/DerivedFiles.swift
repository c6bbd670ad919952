// What a verification knows of the files that can be made again from the log: which of them are
// wrong, and, for whoever asks, what should stand in them.

import ApusFormat

/// The derived files that a verification found wrong.
package struct DerivedFaults: Sendable {
    /// Queues whose ConsumeQueue has to be made again.
    package internal(set) var queues: Set<QueueName> = []
    /// Queues whose BatchConsumeQueue has to be made again.
    package internal(set) var batchQueues: Set<QueueName> = []
    /// Whether the index has to be made again.
    package internal(set) var isIndexWrong = false
    /// Whether an IndexFile has a shape that its length does not tell.
    package internal(set) var isIndexShapeUnknown = false
    /// The shape of IndexFiles whose chains fit it.
    package internal(set) var indexShape: IndexShape?
    /// Whether `checkpoint` says what cannot be.
    package internal(set) var isCheckpointWrong = false

    package init() {}
}

/// Takes what the queues and the index should hold, in the order of the log, while a verification
/// goes through it. Answers false once it cannot go on.
protocol DerivedSink: AnyObject {
    /// The place for the units of a queue; nil when nobody wants them. Asked once for each queue.
    func output(topic: String, queueID: Int32) -> (any QueueOutput)?
    /// The keys of a record.
    func put(hashes: [Int32], physicalOffset: Int64, end: Int64, storeTimestamp: Int64)
    /// Whether the scan is to go on.
    var goesOn: Bool { get }
}

/// Takes the units of one queue.
protocol QueueOutput: AnyObject {
    /// Whether the queue is a BatchConsumeQueue.
    var isBatch: Bool { get }
    /// The unit with this number; one that was put before gives way.
    func put(_ unit: ConsumeQueueUnit, at number: Int64)
    /// What was put so far is of an earlier life of the queue.
    func restart()
    /// The next unit of a BatchConsumeQueue.
    func append(_ unit: BatchConsumeQueueUnit)
}
