// The 46-byte entry of a BatchConsumeQueue, for topics whose records hold several messages each.
//
//     0                 8        12                20                28
//     +-----------------+--------+-----------------+-----------------+-----------------+
//     | physical offset | record | tags code       | store timestamp | first queue     |
//     |                 | size   |                 |                 | offset          |
//     +-----------------+--------+-----------------+-----------------+-----------------+
//     36       38        42        46
//     +--------+---------+---------+
//     | number | com-    | zero    |
//     | of msg | pacted  |         |
//     +--------+---------+---------+

/// One entry of a BatchConsumeQueue: where a record with several messages stands in the CommitLog.
public struct BatchConsumeQueueUnit: Hashable, Sendable {
    /// Where the record starts in the CommitLog.
    public var physicalOffset: Int64
    /// The record's total size in bytes.
    public var size: Int32
    /// Java's hash of the tags, sign-extended.
    public var tagsCode: Int64
    /// The record's store timestamp, in milliseconds since 1970.
    public var storeTimestamp: Int64
    /// The queue offset of the record's first message.
    public var firstQueueOffset: Int64
    /// How many messages the record holds.
    public var messageCount: Int16
    /// The record's place in a compacted log; -1 for none.
    public var compactedOffset: Int32

    @inlinable public init(
        physicalOffset: Int64, size: Int32, tagsCode: Int64, storeTimestamp: Int64,
        firstQueueOffset: Int64, messageCount: Int16, compactedOffset: Int32 = -1
    ) {
        self.physicalOffset = physicalOffset
        self.size = size
        self.tagsCode = tagsCode
        self.storeTimestamp = storeTimestamp
        self.firstQueueOffset = firstQueueOffset
        self.messageCount = messageCount
        self.compactedOffset = compactedOffset
    }

    /// Bytes of one entry.
    @inlinable public static var byteCount: Int { 46 }
    @inlinable static var physicalOffsetField: Field<Int64> { Field(at: 0) }
    @inlinable static var sizeField: Field<Int32> { Field(at: 8) }
    @inlinable static var tagsCodeField: Field<Int64> { Field(at: 12) }
    @inlinable static var storeTimestampField: Field<Int64> { Field(at: 20) }
    @inlinable static var firstQueueOffsetField: Field<Int64> { Field(at: 28) }
    @inlinable static var messageCountField: Field<Int16> { Field(at: 36) }
    @inlinable static var compactedOffsetField: Field<Int32> { Field(at: 38) }
    @inlinable static var reservedField: Field<Int32> { Field(at: 42) }

    /// Whether something was written here, by RocketMQ's rule.
    @inlinable public var isWritten: Bool {
        physicalOffset >= 0 && size > 0 && firstQueueOffset >= 0 && messageCount > 0
    }

    /// Reads the entry at `offset`; traps unless 46 bytes are there.
    @inlinable public init(loadingFrom bytes: RawSpan, at offset: Int) {
        self.init(
            physicalOffset: Self.physicalOffsetField.load(from: bytes, at: offset),
            size: Self.sizeField.load(from: bytes, at: offset),
            tagsCode: Self.tagsCodeField.load(from: bytes, at: offset),
            storeTimestamp: Self.storeTimestampField.load(from: bytes, at: offset),
            firstQueueOffset: Self.firstQueueOffsetField.load(from: bytes, at: offset),
            messageCount: Self.messageCountField.load(from: bytes, at: offset),
            compactedOffset: Self.compactedOffsetField.load(from: bytes, at: offset))
    }

    /// Writes the entry at `offset`; traps unless 46 bytes are there.
    @inlinable public func store(into bytes: inout MutableRawSpan, at offset: Int) {
        Self.physicalOffsetField.store(physicalOffset, into: &bytes, at: offset)
        Self.sizeField.store(size, into: &bytes, at: offset)
        Self.tagsCodeField.store(tagsCode, into: &bytes, at: offset)
        Self.storeTimestampField.store(storeTimestamp, into: &bytes, at: offset)
        Self.firstQueueOffsetField.store(firstQueueOffset, into: &bytes, at: offset)
        Self.messageCountField.store(messageCount, into: &bytes, at: offset)
        Self.compactedOffsetField.store(compactedOffset, into: &bytes, at: offset)
        Self.reservedField.store(0, into: &bytes, at: offset)
    }
}
