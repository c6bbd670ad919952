// The durable mark: how far syncs have reached, in a slot of `checkpoint` that RocketMQ ignores.
//
//     0          8      12         20         28         36         44         52     56     60
//     +----------+------+----------+----------+----------+----------+----------+------+------+
//     | APUSMARK | ver- | genera-  | log      | queues   | index    | index    | its  | flags|
//     |          | sion | tion     | durable  | durable  | durable  | file     | entr.|      |
//     +----------+------+----------+----------+----------+----------+----------+------+------+
//     60         68     72                    112        120    124                          512
//     +----------+------+---------------------+----------+------+----------------------------+
//     | log      | queue| copy of RocketMQ's  | epoch    | CRC- | zero                       |
//     | minimum  | count| fields (5 x i64)    |          | 32   |                            |
//     +----------+------+---------------------+----------+------+----------------------------+
//
// The CRC-32, all 32 bits of it, covers bytes 0 to 119.
//
// Order of writing: the slot that is not in use, with a copy of the fields as they are going to be;
// sync; the fields; sync. So a slot counts only while its copy equals the fields. A crash in
// between leaves the fields as they were, and the other slot still matches them.

/// How far a store's syncs have reached: what is below is on disk. It may be behind, never ahead.
/// All offsets are physical ones.
public struct DurableMark: Hashable, Sendable {
    /// One more at each write; of two slots that count, the one with the higher one is the mark.
    public var generation: Int64
    /// The CommitLog is on disk up to here.
    public var logDurable: Int64
    /// The ConsumeQueue entries of all records up to here are on disk.
    public var queuesDurable: Int64
    /// The keys of all records up to here are on disk.
    public var indexDurable: Int64
    /// The IndexFile that was being written, its name as a number; 0 for none.
    public var indexFileName: Int64
    /// The number of entries in that file.
    public var indexEntryCount: Int32
    /// Whether the store was shut down cleanly.
    public var isClean: Bool
    /// Whether every record from `logDurable` on is written with a checksum over all of it.
    public var hasRecordChecksums: Bool
    /// Where the oldest record that is kept starts.
    public var logMinimum: Int64
    /// The number of queues.
    public var queueCount: Int32
    /// RocketMQ's fields as they stand in the file beside this mark.
    public var javaFields: CheckpointFields
    /// Which opening of the store wrote this; `AbortMarker` has the same number.
    public var epoch: Int64

    public init(
        generation: Int64, logDurable: Int64, queuesDurable: Int64, indexDurable: Int64,
        indexFileName: Int64, indexEntryCount: Int32, isClean: Bool,
        hasRecordChecksums: Bool = false, logMinimum: Int64, queueCount: Int32,
        javaFields: CheckpointFields, epoch: Int64
    ) {
        self.generation = generation
        self.logDurable = logDurable
        self.queuesDurable = queuesDurable
        self.indexDurable = indexDurable
        self.indexFileName = indexFileName
        self.indexEntryCount = indexEntryCount
        self.isClean = isClean
        self.hasRecordChecksums = hasRecordChecksums
        self.logMinimum = logMinimum
        self.queueCount = queueCount
        self.javaFields = javaFields
        self.epoch = epoch
    }

    /// The slot that this mark belongs in, 0 or 1: they are written in turn.
    public var slot: Int { Int(generation & 1) }
}

extension DurableMark {
    private static let magicValue: UInt64 = 0x4150_5553_4D41_524B  // "APUSMARK"
    private static let versionValue: Int32 = 1
    private static let cleanFlag: Int32 = 1
    private static let recordChecksumsFlag: Int32 = 2

    private static let magicField = Field<UInt64>(at: 0)
    private static let versionField = Field<Int32>(at: 8)
    private static let generationField = Field<Int64>(at: 12)
    private static let logDurableField = Field<Int64>(at: 20)
    private static let queuesDurableField = Field<Int64>(at: 28)
    private static let indexDurableField = Field<Int64>(at: 36)
    private static let indexFileNameField = Field<Int64>(at: 44)
    private static let indexEntryCountField = Field<Int32>(at: 52)
    private static let flagsField = Field<Int32>(at: 56)
    private static let logMinimumField = Field<Int64>(at: 60)
    private static let queueCountField = Field<Int32>(at: 68)
    private static let javaFieldsOffset = 72
    private static let epochField = Field<Int64>(at: 112)
    private static let checksumField = Field<UInt32>(at: 120)

    /// Writes the 512 bytes of a slot to the start of `bytes`; traps unless they are there.
    public func store(into bytes: inout MutableRawSpan) {
        for offset in stride(from: 0, to: CheckpointLayout.slotByteCount, by: 8) {
            bytes.storeBigEndian(UInt64(0), at: offset)
        }
        Self.magicField.store(Self.magicValue, into: &bytes)
        Self.versionField.store(Self.versionValue, into: &bytes)
        Self.generationField.store(generation, into: &bytes)
        Self.logDurableField.store(logDurable, into: &bytes)
        Self.queuesDurableField.store(queuesDurable, into: &bytes)
        Self.indexDurableField.store(indexDurable, into: &bytes)
        Self.indexFileNameField.store(indexFileName, into: &bytes)
        Self.indexEntryCountField.store(indexEntryCount, into: &bytes)
        Self.flagsField.store(
            (isClean ? Self.cleanFlag : 0) | (hasRecordChecksums ? Self.recordChecksumsFlag : 0),
            into: &bytes)
        Self.logMinimumField.store(logMinimum, into: &bytes)
        Self.queueCountField.store(queueCount, into: &bytes)
        javaFields.store(into: &bytes, at: Self.javaFieldsOffset)
        Self.epochField.store(epoch, into: &bytes)
        let checksum = CRC32.checksum(bytes.bytes.extracting(0..<Self.checksumField.offset))
        Self.checksumField.store(checksum, into: &bytes)
    }

    /// Reads the slot at the start of `bytes`; nil when its magic, version or CRC-32 is wrong, or
    /// fewer than 512 bytes are there.
    public init?(loadingFrom bytes: RawSpan) {
        guard bytes.byteCount >= CheckpointLayout.slotByteCount,
            Self.magicField.load(from: bytes) == Self.magicValue,
            Self.versionField.load(from: bytes) == Self.versionValue,
            Self.checksumField.load(from: bytes)
                == CRC32.checksum(bytes.extracting(0..<Self.checksumField.offset))
        else { return nil }
        self.init(
            generation: Self.generationField.load(from: bytes),
            logDurable: Self.logDurableField.load(from: bytes),
            queuesDurable: Self.queuesDurableField.load(from: bytes),
            indexDurable: Self.indexDurableField.load(from: bytes),
            indexFileName: Self.indexFileNameField.load(from: bytes),
            indexEntryCount: Self.indexEntryCountField.load(from: bytes),
            isClean: Self.flagsField.load(from: bytes) & Self.cleanFlag != 0,
            hasRecordChecksums: Self.flagsField.load(from: bytes) & Self.recordChecksumsFlag != 0,
            logMinimum: Self.logMinimumField.load(from: bytes),
            queueCount: Self.queueCountField.load(from: bytes),
            javaFields: CheckpointFields(loadingFrom: bytes, at: Self.javaFieldsOffset),
            epoch: Self.epochField.load(from: bytes))
    }

    /// The mark in a `checkpoint` file: of the valid slots whose copy of RocketMQ's fields equals
    /// the file's, the one with the highest generation. Nil when there is none or the file is
    /// short.
    public static func current(in file: RawSpan) -> DurableMark? {
        guard file.byteCount >= CheckpointLayout.fileByteCount else { return nil }
        let fields = CheckpointFields(loadingFrom: file)
        var current: DurableMark?
        for slot in 0...1 {
            let start = CheckpointLayout.slotOffset(slot)
            let bytes = file.extracting(start..<start + CheckpointLayout.slotByteCount)
            guard let mark = DurableMark(loadingFrom: bytes), mark.javaFields == fields else {
                continue
            }
            if let other = current, other.generation >= mark.generation { continue }
            current = mark
        }
        return current
    }
}
