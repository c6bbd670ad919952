// The 20-byte entry of a ConsumeQueue.
//
//     0                  8          12                 20
//     +------------------+----------+------------------+
//     | physical offset  | record   | tags code        |
//     | in the CommitLog | size     |                  |
//     +------------------+----------+------------------+

/// One entry of a ConsumeQueue: where a message stands in the CommitLog.
public struct ConsumeQueueUnit: Hashable, Sendable, BitwiseCopyable {
    /// Where the record starts in the CommitLog.
    public var physicalOffset: Int64
    /// The record's total size in bytes.
    public var size: Int32
    /// Java's hash of the tags, sign-extended; a delivery time in `SCHEDULE_TOPIC_XXXX`; or the
    /// address of an extension when at most `lastExtensionAddress`.
    public var tagsCode: Int64

    @inlinable public init(physicalOffset: Int64, size: Int32, tagsCode: Int64) {
        self.physicalOffset = physicalOffset
        self.size = size
        self.tagsCode = tagsCode
    }

    /// Bytes of one entry.
    @inlinable public static var byteCount: Int { 20 }
    @inlinable static var physicalOffsetField: Field<Int64> { Field(at: 0) }
    @inlinable static var sizeField: Field<Int32> { Field(at: 8) }
    @inlinable static var tagsCodeField: Field<Int64> { Field(at: 12) }

    /// Fills the entries before a queue's first message when that one stands in mid-file.
    @inlinable public static var filler: ConsumeQueueUnit {
        ConsumeQueueUnit(physicalOffset: 0, size: .max, tagsCode: 0)
    }

    /// Values up to this one in `tagsCode` are addresses in a ConsumeQueueExt file.
    @inlinable public static var lastExtensionAddress: Int64 { -2_147_483_649 }

    /// Whether this is the entry that stands before a queue's first message.
    @inlinable public var isFiller: Bool { physicalOffset == 0 && size == .max }

    /// Whether something was written here: RocketMQ's rule, which the filler passes too.
    @inlinable public var isWritten: Bool { physicalOffset >= 0 && size > 0 }

    /// Reads the entry at `offset`; traps unless 20 bytes are there.
    @inlinable @inline(__always)
    public init(loadingFrom bytes: RawSpan, at offset: Int) {
        self.init(
            physicalOffset: Self.physicalOffsetField.load(from: bytes, at: offset),
            size: Self.sizeField.load(from: bytes, at: offset),
            tagsCode: Self.tagsCodeField.load(from: bytes, at: offset))
    }

    /// Writes the entry at `offset`; traps unless 20 bytes are there.
    @inlinable @inline(__always)
    public func store(into bytes: inout MutableRawSpan, at offset: Int) {
        Self.physicalOffsetField.store(physicalOffset, into: &bytes, at: offset)
        Self.sizeField.store(size, into: &bytes, at: offset)
        Self.tagsCodeField.store(tagsCode, into: &bytes, at: offset)
    }
}
