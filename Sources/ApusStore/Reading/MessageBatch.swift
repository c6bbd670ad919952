// What a read answers: records in place, kept mapped for as long as the batch lives.

public import ApusFormat
public import ApusSystem

/// Records of one queue, in order, as views over the mapped log. The bytes stay valid while the
/// batch is there, whatever is deleted meanwhile.
public struct MessageBatch: Sendable {
    @usableFromInline struct Entry: Sendable {
        @usableFromInline let segment: Int
        @usableFromInline let position: Int
        @usableFromInline let frame: RecordFrame

        @inline(__always) init(segment: Int, position: Int, frame: RecordFrame) {
            self.segment = segment
            self.position = position
            self.frame = frame
        }
    }

    /// The first segment and the first record are here, others in arrays: a read that finds one
    /// message, which is most reads at the end of a queue, allocates nothing.
    @usableFromInline private(set) var firstSegment: Segment?
    @usableFromInline private(set) var moreSegments: [Segment] = []
    @usableFromInline private(set) var first: Entry?
    @usableFromInline private(set) var more: [Entry] = []
    private let limit: Int
    public private(set) var count = 0
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
        limit = min(count, 64, offsets.count)
    }

    public var isEmpty: Bool { count == 0 }

    mutating func append(_ lease: RecordLease) {
        append(lease.frame, at: lease.position, in: lease.segment)
    }

    /// Adds a record of a segment, most often that of the record before.
    @inline(__always)
    mutating func append(_ frame: RecordFrame, at position: Int, in segment: Segment) {
        if firstSegment == nil {
            firstSegment = segment
        } else if moreSegments.isEmpty ? firstSegment !== segment : moreSegments.last !== segment {
            moreSegments.append(segment)
        }
        let entry = Entry(segment: moreSegments.count, position: position, frame: frame)
        if count == 0 {
            first = entry
        } else {
            if count == 1 { more.reserveCapacity(limit) }
            more.append(entry)
        }
        count &+= 1
        byteCount &+= frame.totalSize
    }

    /// Visits each record in place.
    ///
    /// Inlinable: what `visit` does is less than it takes to be called as an unknown function.
    @inlinable public func forEach<Failure: Error>(
        _ visit: (RecordView) throws(Failure) -> Void
    ) throws(Failure) {
        // Inlined, nothing but this holds segments until the last visit is over.
        defer { withExtendedLifetime(self) {} }
        guard let first, let firstSegment else { return }
        var bytes = firstSegment.bytes
        try visit(RecordView(bytes.bytes, at: first.position, frame: first.frame))
        var number = 0
        for entry in more {
            if entry.segment != number {
                number = entry.segment
                bytes = moreSegments[number &- 1].bytes
            }
            try visit(RecordView(bytes.bytes, at: entry.position, frame: entry.frame))
        }
    }

    /// Fails with `.mappingFailed` when something that was seen of the records so far was not the
    /// file's. To be called behind `forEach`, before what it saw counts, where
    /// `StoreConfiguration.guardsMappings` is on: a file that is cut short reads as zeros from then
    /// on. `messages` does it.
    public func checkMappings() throws(StoreError) {
        try firstSegment?.mappingGuard.check()
        for segment in moreSegments { try segment.mappingGuard.check() }
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
