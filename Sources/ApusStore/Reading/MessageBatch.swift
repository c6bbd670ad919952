// What a read answers: records in place, kept mapped for as long as the batch lives.

import ApusFormat
import ApusSystem

/// Records of one queue, in order, as views over the mapped log. The bytes stay valid while the
/// batch is there, whatever is deleted meanwhile.
public struct MessageBatch: Sendable {
    struct Entry: Sendable {
        let segment: Int
        let position: Int
        let frame: RecordFrame
    }

    private var segments: [Segment] = []
    private var entries: [Entry] = []
    /// Bytes of all records in the batch.
    public private(set) var byteCount = 0
    /// The queue offset to read from next: behind the last entry looked at, matching or not.
    public internal(set) var nextOffset: Int64
    /// The queue's lowest and its next free offset when it was read.
    public let offsets: Range<Int64>

    /// `count` is how many records there may be.
    init(nextOffset: Int64, offsets: Range<Int64>, count: Int) {
        self.nextOffset = nextOffset
        self.offsets = offsets
        entries.reserveCapacity(min(count, 64, offsets.count))
    }

    public var count: Int { entries.count }
    public var isEmpty: Bool { entries.isEmpty }

    mutating func append(_ lease: RecordLease) {
        if segments.last !== lease.segment { segments.append(lease.segment) }
        entries.append(
            Entry(segment: segments.count - 1, position: lease.position, frame: lease.frame))
        byteCount += lease.frame.totalSize
    }

    /// The segment of the last record.
    var lastSegment: Segment? { segments.last }

    /// Adds a record of that segment.
    @inline(__always)
    mutating func append(_ frame: RecordFrame, at position: Int) {
        entries.append(Entry(segment: segments.count &- 1, position: position, frame: frame))
        byteCount += frame.totalSize
    }

    /// Visits each record in place.
    public func forEach<Failure: Error>(
        _ visit: (RecordView) throws(Failure) -> Void
    ) throws(Failure) {
        for entry in entries {
            let bytes = segments[entry.segment].bytes
            try visit(RecordView(bytes.bytes, at: entry.position, frame: entry.frame))
        }
    }

    /// Fails with `.mappingFailed` when something that was seen of the records so far was not the
    /// file's. To be called behind `forEach`, before what it saw counts, where
    /// `StoreConfiguration.guardsMappings` is on: a file that is cut short reads as zeros from then
    /// on. `messages` does it.
    public func checkMappings() throws(StoreError) {
        for segment in segments { try segment.mappingGuard.check() }
    }

    /// Copies of all messages, decoded.
    public func messages() throws(StoreError) -> [StoredMessage] {
        var all: [StoredMessage] = []
        all.reserveCapacity(count)
        try forEach { (record) throws(StoreError) in all.append(try StoredMessage(record)) }
        try checkMappings()
        return all
    }
}
