// A record where it lies in the mapping: nothing is copied.

public import ApusFormat

/// One record, seen in place. It cannot outlive what keeps its bytes mapped.
public struct RecordView: ~Escapable {
    /// All bytes of the record.
    public let bytes: RawSpan
    /// Its lengths and its system flag.
    public let frame: RecordFrame

    /// The record of `frame` that starts at `position` in `segment`.
    @inlinable @inline(__always) @_lifetime(copy segment)
    package init(_ segment: RawSpan, at position: Int, frame: RecordFrame) {
        bytes = segment.extracting(position..<position &+ frame.totalSize)
        self.frame = frame
    }

    /// The body as stored: compressed when the system flag says so.
    @inlinable public var body: RawSpan { @_lifetime(copy self) get { frame.body(in: bytes) } }
    /// The topic's name in UTF-8.
    @inlinable public var topic: RawSpan { @_lifetime(copy self) get { frame.topic(in: bytes) } }
    /// The properties: `name 01 value 02`, repeated.
    @inlinable public var properties: RawSpan {
        @_lifetime(copy self) get { frame.properties(in: bytes) }
    }
    /// The fixed fields.
    @inlinable public var fields: RecordFields { frame.fields(in: bytes) }

    /// Where the record begins in the CommitLog, as it says itself.
    @inlinable public var physicalOffset: Int64 { RecordLayout.physicalOffset.load(from: bytes) }
    /// The message's number in its queue.
    @inlinable public var queueOffset: Int64 { RecordLayout.queueOffset.load(from: bytes) }
    @inlinable public var queueID: Int32 { RecordLayout.queueID.load(from: bytes) }
    /// Milliseconds since 1970.
    @inlinable public var storeTimestamp: Int64 { frame.storeTimestamp(in: bytes) }

    var physicalEnd: Int64 { physicalOffset &+ Int64(frame.totalSize) }
    var systemFlag: SystemFlag { frame.systemFlag }
}
