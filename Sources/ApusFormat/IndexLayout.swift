// The layout of an IndexFile: a header, the slots of a hash table, and the entries, chained.
//
//     0                          40                    40 + 4 s              40 + 4 s + 20 n
//     +--------------------------+---------------------+---------------------+
//     | header                   | s slots of 4 bytes  | n entries of 20     |
//     +--------------------------+---------------------+---------------------+
//
//     Header
//     0              8              16             24             32         36         40
//     +--------------+--------------+--------------+--------------+----------+----------+
//     | first store  | last store   | first physi- | last physi-  | slots in | next     |
//     | timestamp    | timestamp    | cal offset   | cal offset   | use      | entry    |
//     +--------------+--------------+--------------+--------------+----------+----------+
//
//     Entry
//     0          4                  12         16         20
//     +----------+------------------+----------+----------+
//     | hash of  | physical offset  | seconds  | entry    |
//     | the key  |                  |          | before   |
//     +----------+------------------+----------+----------+
//
// There is no magic and no checksum: slots, numbers and chains are to be checked against the
// counts.

/// Where the parts of an IndexFile stand. A slot is one big-endian `Int32`: the number of the
/// newest entry of its chain, 0 for none.
public enum IndexLayout: Sendable {
    /// Bytes of the header.
    @inlinable public static var headerByteCount: Int { 40 }
    /// Bytes of a slot.
    @inlinable public static var slotByteCount: Int { 4 }
    /// Bytes of an entry.
    @inlinable public static var entryByteCount: Int { 20 }

    /// Bytes of a file; neither count may be negative.
    @inlinable public static func byteCount(slotCount: Int32, entryCapacity: Int32) -> Int {
        entryOffset(entryCapacity, slotCount: slotCount)
    }

    /// Where a slot stands in its file. `slot` is not checked.
    @inlinable public static func slotOffset(_ slot: Int32) -> Int {
        headerByteCount &+ Int(slot) &* slotByteCount
    }

    /// Where an entry stands in its file. Entry 0 is never used. `number` is not checked.
    @inlinable public static func entryOffset(_ number: Int32, slotCount: Int32) -> Int {
        slotOffset(slotCount) &+ Int(number) &* entryByteCount
    }
}

/// The header of an IndexFile. Times are milliseconds since 1970.
public struct IndexHeader: Hashable, Sendable {
    /// Store timestamp of the first message.
    public var beginTimestamp: Int64
    /// Store timestamp of the last message.
    public var endTimestamp: Int64
    /// Physical offset of the first message.
    public var beginPhysicalOffset: Int64
    /// Physical offset of the last message.
    public var endPhysicalOffset: Int64
    /// How many slots are not empty.
    public var slotsInUse: Int32
    /// The number of the entry that is written next: 1 in an empty file.
    public var nextEntry: Int32

    @inlinable public init(
        beginTimestamp: Int64 = 0, endTimestamp: Int64 = 0, beginPhysicalOffset: Int64 = 0,
        endPhysicalOffset: Int64 = 0, slotsInUse: Int32 = 0, nextEntry: Int32 = 1
    ) {
        self.beginTimestamp = beginTimestamp
        self.endTimestamp = endTimestamp
        self.beginPhysicalOffset = beginPhysicalOffset
        self.endPhysicalOffset = endPhysicalOffset
        self.slotsInUse = slotsInUse
        self.nextEntry = nextEntry
    }

    @inlinable static var beginTimestampField: Field<Int64> { Field(at: 0) }
    @inlinable static var endTimestampField: Field<Int64> { Field(at: 8) }
    @inlinable static var beginPhysicalOffsetField: Field<Int64> { Field(at: 16) }
    @inlinable static var endPhysicalOffsetField: Field<Int64> { Field(at: 24) }
    @inlinable static var slotsInUseField: Field<Int32> { Field(at: 32) }
    @inlinable static var nextEntryField: Field<Int32> { Field(at: 36) }

    /// Reads the header at the start of `bytes`; traps unless 40 bytes are there.
    @inlinable public init(loadingFrom bytes: RawSpan) {
        self.init(
            beginTimestamp: Self.beginTimestampField.load(from: bytes),
            endTimestamp: Self.endTimestampField.load(from: bytes),
            beginPhysicalOffset: Self.beginPhysicalOffsetField.load(from: bytes),
            endPhysicalOffset: Self.endPhysicalOffsetField.load(from: bytes),
            slotsInUse: Self.slotsInUseField.load(from: bytes),
            nextEntry: Self.nextEntryField.load(from: bytes))
    }

    /// Writes the header to the start of `bytes`; traps unless 40 bytes are there.
    @inlinable public func store(into bytes: inout MutableRawSpan) {
        Self.beginTimestampField.store(beginTimestamp, into: &bytes)
        Self.endTimestampField.store(endTimestamp, into: &bytes)
        Self.beginPhysicalOffsetField.store(beginPhysicalOffset, into: &bytes)
        Self.endPhysicalOffsetField.store(endPhysicalOffset, into: &bytes)
        Self.slotsInUseField.store(slotsInUse, into: &bytes)
        Self.nextEntryField.store(nextEntry, into: &bytes)
    }
}

/// One entry of an IndexFile: a message that may have the key, and the entry before it in its slot.
public struct IndexEntry: Hashable, Sendable {
    /// The hash of `topic#key` without its sign: `IndexKey.hash`.
    public var hash: Int32
    /// Where the record starts in the CommitLog.
    public var physicalOffset: Int64
    /// Seconds from the header's first store timestamp to this record's. Not to be relied on in the
    /// first entry of a file, which RocketMQ counts from the file before.
    public var seconds: Int32
    /// The number of the next older entry in the same slot; 0 for none.
    public var previous: Int32

    @inlinable public init(hash: Int32, physicalOffset: Int64, seconds: Int32, previous: Int32) {
        self.hash = hash
        self.physicalOffset = physicalOffset
        self.seconds = seconds
        self.previous = previous
    }

    @inlinable static var hashField: Field<Int32> { Field(at: 0) }
    @inlinable static var physicalOffsetField: Field<Int64> { Field(at: 4) }
    @inlinable static var secondsField: Field<Int32> { Field(at: 12) }
    @inlinable static var previousField: Field<Int32> { Field(at: 16) }

    /// Reads the entry at `offset`; traps unless 20 bytes are there.
    @inlinable public init(loadingFrom bytes: RawSpan, at offset: Int) {
        self.init(
            hash: Self.hashField.load(from: bytes, at: offset),
            physicalOffset: Self.physicalOffsetField.load(from: bytes, at: offset),
            seconds: Self.secondsField.load(from: bytes, at: offset),
            previous: Self.previousField.load(from: bytes, at: offset))
    }

    /// Writes the entry at `offset`; traps unless 20 bytes are there.
    @inlinable public func store(into bytes: inout MutableRawSpan, at offset: Int) {
        Self.hashField.store(hash, into: &bytes, at: offset)
        Self.physicalOffsetField.store(physicalOffset, into: &bytes, at: offset)
        Self.secondsField.store(seconds, into: &bytes, at: offset)
        Self.previousField.store(previous, into: &bytes, at: offset)
    }
}
