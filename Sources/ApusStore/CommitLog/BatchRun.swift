// What two passes over a batch tell each other.

import ApusFormat

/// What the first pass over a batch found out about messages that have the same lengths and
/// tags, one behind the other.
struct BatchRun {
    var count: UInt32 = 0
    var bodyLength: UInt32 = 0
    var propertiesLength: UInt16 = 0
    var tagsHash: Int32 = 0

    /// Bytes of each message's frame in the batch.
    @inline(__always)
    var frameByteCount: Int {
        ClientBatch.byteCount(
            bodyLength: Int(bodyLength), propertiesLength: Int(propertiesLength))
    }

    /// Bytes of each message's record, where it is a plain one.
    @inline(__always)
    func recordByteCount(topicLength: Int) -> Int {
        RecordFrame(
            plain: [], bodyLength: Int(bodyLength), topicLength: topicLength,
            propertiesLength: Int(propertiesLength)
        ).totalSize
    }
}

/// The first runs of a batch, on the stack: messages behind them are looked at twice.
typealias BatchRuns = InlineArray<32, BatchRun>

/// How far a batch is written.
struct BatchProgress {
    var count = 0
    /// Bytes of the batch.
    var offset = 0
    /// Bytes of the log.
    var byteCount = 0

    @inline(__always)
    mutating func advance(by messages: Int, of run: BatchRun, topicLength: Int) {
        count &+= messages
        offset &+= messages &* run.frameByteCount
        byteCount &+= messages &* run.recordByteCount(topicLength: topicLength)
    }
}
