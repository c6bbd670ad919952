// The file `checkpoint`: RocketMQ's five fields, and behind them the two slots of the durable mark.
//
//     0              40              1024              1536              2048         4096
//     +--------------+---------------+-----------------+-----------------+------------+
//     | RocketMQ's   | zero          | slot 0          | slot 1          | zero       |
//     | fields       |               |                 |                 |            |
//     +--------------+---------------+-----------------+-----------------+------------+
//
//     Fields
//     0              8              16             24             32             40
//     +--------------+--------------+--------------+--------------+--------------+
//     | CommitLog    | ConsumeQueue | index        | master       | confirmed    |
//     | timestamp    | timestamp    | timestamp    | flushed      | physical     |
//     |              |              |              | offset       | offset       |
//     +--------------+--------------+--------------+--------------+--------------+
//
// A new mark goes to disk before the fields that it holds a copy of: see `DurableMark`.

/// Where the parts of `checkpoint` stand.
public enum CheckpointLayout: Sendable {
    /// Bytes of the file.
    @inlinable public static var fileByteCount: Int { 4096 }
    /// Bytes of a slot: a sector, so that a disk writes it whole or not at all.
    @inlinable public static var slotByteCount: Int { 512 }

    /// Where slot 0 or 1 starts in the file.
    @inlinable public static func slotOffset(_ slot: Int) -> Int { 1024 &+ slot &* slotByteCount }
}

/// RocketMQ's fields of `checkpoint`. Times are store timestamps, in milliseconds since 1970; none
/// may be ahead of what is on disk, since RocketMQ begins its scan after a kill by them.
public struct CheckpointFields: Hashable, Sendable {
    /// Of the newest record on disk.
    public var commitLogTimestamp: Int64
    /// Of the newest record whose ConsumeQueue entry is on disk.
    public var queueTimestamp: Int64
    /// Of the newest record whose keys are on disk.
    public var indexTimestamp: Int64
    /// For replication; passed through.
    public var masterFlushedOffset: Int64
    /// For replication; passed through.
    public var confirmedOffset: Int64

    /// The fields; zeros, as in a new file, where nothing is said.
    @inlinable public init(
        commitLogTimestamp: Int64 = 0, queueTimestamp: Int64 = 0, indexTimestamp: Int64 = 0,
        masterFlushedOffset: Int64 = 0, confirmedOffset: Int64 = 0
    ) {
        self.commitLogTimestamp = commitLogTimestamp
        self.queueTimestamp = queueTimestamp
        self.indexTimestamp = indexTimestamp
        self.masterFlushedOffset = masterFlushedOffset
        self.confirmedOffset = confirmedOffset
    }

    /// Bytes of the fields.
    @inlinable public static var byteCount: Int { 40 }
    @inlinable static var commitLogTimestampField: Field<Int64> { Field(at: 0) }
    @inlinable static var queueTimestampField: Field<Int64> { Field(at: 8) }
    @inlinable static var indexTimestampField: Field<Int64> { Field(at: 16) }
    @inlinable static var masterFlushedOffsetField: Field<Int64> { Field(at: 24) }
    @inlinable static var confirmedOffsetField: Field<Int64> { Field(at: 32) }

    /// The time from which RocketMQ scans after a kill: three seconds before the smaller of the
    /// first two, and not before 1970.
    @inlinable public var scanTimestamp: Int64 {
        let smaller = min(commitLogTimestamp, queueTimestamp)
        return smaller > 3000 ? smaller - 3000 : 0
    }

    /// Reads the fields from the start of `bytes`; traps unless 40 bytes are there.
    @inlinable public init(loadingFrom bytes: RawSpan) { self.init(loadingFrom: bytes, at: 0) }

    @inlinable init(loadingFrom bytes: RawSpan, at offset: Int) {
        self.init(
            commitLogTimestamp: Self.commitLogTimestampField.load(from: bytes, at: offset),
            queueTimestamp: Self.queueTimestampField.load(from: bytes, at: offset),
            indexTimestamp: Self.indexTimestampField.load(from: bytes, at: offset),
            masterFlushedOffset: Self.masterFlushedOffsetField.load(from: bytes, at: offset),
            confirmedOffset: Self.confirmedOffsetField.load(from: bytes, at: offset))
    }

    /// Writes the fields to the start of `bytes`; traps unless 40 bytes are there.
    @inlinable public func store(into bytes: inout MutableRawSpan) { store(into: &bytes, at: 0) }

    @inlinable func store(into bytes: inout MutableRawSpan, at offset: Int) {
        Self.commitLogTimestampField.store(commitLogTimestamp, into: &bytes, at: offset)
        Self.queueTimestampField.store(queueTimestamp, into: &bytes, at: offset)
        Self.indexTimestampField.store(indexTimestamp, into: &bytes, at: offset)
        Self.masterFlushedOffsetField.store(masterFlushedOffset, into: &bytes, at: offset)
        Self.confirmedOffsetField.store(confirmedOffset, into: &bytes, at: offset)
    }
}
