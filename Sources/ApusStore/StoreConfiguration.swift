// Every setting of the store, in groups. Each says what it means, its default, and RocketMQ's key.

public import ApusFormat

/// How the store behaves. The defaults are RocketMQ's.
public struct StoreConfiguration: Hashable, Sendable {
    public var commitLog = CommitLogSettings()
    public var flush = FlushSettings()
    public var queues = QueueSettings()
    public var index = IndexSettings()
    public var limits = LimitSettings()
    public var integrity = IntegritySettings()
    public var scrub = ScrubSettings()
    public var recovery = RecoverySettings()
    public var retention = RetentionSettings()
    /// Compresses bodies before they are stored; nil stores them as they are.
    public var compression: CompressionSettings?
    /// The address that records carry as their store host, and message ids with them.
    public var storeHost = HostAddress.loopback(port: 10911)
    /// Whether the process survives files that are cut short under the open store, and pages that a
    /// device does not give, false. Off, such a page ends the process (SIGBUS); on, reads of that
    /// file fail with `.mappingFailed`, and appends too when it is being written to. Installs a
    /// handler of SIGBUS for the whole process when a store is first opened with it: one that was
    /// there is called for all other faults, and one that comes later must do the same for ours.
    public var guardsMappings = false
    /// Who runs the store's background work.
    public var threads = ThreadSettings.own

    public init() {}

    /// RocketMQ's defaults with small files: a first message costs about 9 MiB of disk.
    public static var small: StoreConfiguration {
        var small = StoreConfiguration()
        small.commitLog.segmentByteCount = 8 << 20
        small.queues.fileByteCount = 20 * 10_000
        small.index.slotCount = 20_000
        small.index.entryCapacity = 80_000
        return small
    }
}

/// The CommitLog's files.
public struct CommitLogSettings: Hashable, Sendable {
    /// Bytes of one file, all of them allocated when it is made. `mappedFileSizeCommitLog`, 1 GiB.
    public var segmentByteCount = 1 << 30
    /// Where the files are, when not in `commitlog` under the root. `storePathCommitLog`.
    public var path: String?
    /// Bytes ahead of the writer whose pages are brought in before they are written, 16 MiB. With
    /// the mapped writer at least so many: 150 ms of its pace, and up to 8 times as many.
    public var populateAheadByteCount = 16 << 20
    /// Brings in a whole file when it is prepared: a burst of work, then no fault in that file.
    /// The nearest meaning of `warmMapedFileEnable`, false.
    public var populatesWholeSegment = false
    /// How records get into the files; nil: page-aligned in a SYNC_FLUSH store, else mapped.
    public var writer: WriterKind?
    /// Whether zeros are written ahead of the page-aligned writer: a sync that comes to new blocks
    /// takes about two thirds of the time then, and the device writes every byte twice. While
    /// nothing is appended they go 256 MiB ahead. nil: in a SYNC_FLUSH store that has this writer.
    public var zeroesAhead: Bool?
}

/// How records get into the files. What is in them is the same.
public enum WriterKind: String, CaseIterable, Hashable, Sendable {
    /// Stored through the mapping that readers use: in the page cache at once.
    case mapped
    /// Encoded in memory of the process and written as whole pages: before each sync, and without
    /// one before each acknowledgement, since it must survive the process. Syncs cost less, appends
    /// that wait for none cost more. The nearest meaning of `transientStorePoolEnable`.
    case pageAligned = "page-aligned"
}

/// When bytes reach the device, and what an append waits for.
public struct FlushSettings: Hashable, Sendable {
    public enum Mode: Hashable, Sendable {
        /// An append returns when its bytes are in the page cache: they survive the process.
        case async
        /// An append returns when a successful sync covers it: it survives power loss.
        case sync
    }

    /// `flushDiskType`, ASYNC_FLUSH.
    public var mode = Mode.async
    /// How often an ASYNC_FLUSH store looks for pages to flush. `flushIntervalCommitLog`, 500.
    public var intervalMilliseconds: Int64 = 500
    /// Pages of 4 KiB that must be waiting for a flush at an interval. `flushCommitLogLeastPages`,
    /// 4.
    public var leastPages = 4
    /// After this long everything is flushed. `flushCommitLogThoroughInterval`, 10 000.
    public var thoroughIntervalMilliseconds: Int64 = 10_000
    /// How long a SYNC_FLUSH append waits before it answers `.flushTimedOut`; the message stays.
    /// `syncFlushTimeout`, 5 000.
    public var syncTimeoutMilliseconds: Int64 = 5_000
    /// Whether an append wakes the flusher of an ASYNC_FLUSH store. `wakeFlushWhenPutMessage`,
    /// false.
    public var wakesOnAppend = false
    /// How often the durable mark is synced, 1 000. Behind the mark, damage is told from a torn
    /// tail.
    public var markIntervalMilliseconds: Int64 = 1_000
}

/// The ConsumeQueues' files.
public struct QueueSettings: Hashable, Sendable {
    /// Bytes of one file, a multiple of 20. `mappedFileSizeConsumeQueue`, 6 000 000.
    public var fileByteCount = 6_000_000
    /// Bytes of a file that get room at first, ahead of use, 4 KiB; the steps double.
    public var extentByteCount = 4 << 10
    /// How often dirty queues are looked at. `flushIntervalConsumeQueue`, 1 000.
    public var flushIntervalMilliseconds: Int64 = 1_000
    /// Pages that must be waiting in a queue. `flushConsumeQueueLeastPages`, 2.
    public var flushLeastPages = 2
    /// After this long every dirty queue is flushed, and the mark moves: a crash reads the log
    /// again from there. `flushConsumeQueueThoroughInterval`, 60 000.
    public var thoroughIntervalMilliseconds: Int64 = 60_000
    /// Bytes of log after which every dirty queue is flushed, whatever the time, 1 GiB.
    public var thoroughByteCount = 1 << 30
    /// Queues above which idle ones give their mappings back, 32 768; half as many as the process
    /// may have descriptors or mappings, when that is less.
    public var mappedFileLimit = 32_768
    /// Bytes of a file that are mapped at least; more, and then all, as it needs them. A test sets
    /// it.
    package var leastMapping = 16 << 10
    /// Appends after which the entry of a queue that had none of them is put off. A test sets it.
    package var nearCount: UInt32 = 256
}

/// The index by key and unique id.
public struct IndexSettings: Hashable, Sendable {
    /// `messageIndexEnable`, true.
    public var isEnabled = true
    /// `maxHashSlotNum`, 5 000 000.
    public var slotCount: Int32 = 5_000_000
    /// `maxIndexNum`, 20 000 000.
    public var entryCapacity: Int32 = 20_000_000
}

/// Bounds on what is accepted.
public struct LimitSettings: Hashable, Sendable {
    /// Bytes of a body. `maxMessageSize`, 4 MiB. A record may take 64 KiB more.
    public var bodyByteCount = 4 << 20
}

/// Checksums.
public struct IntegritySettings: Hashable, Sendable {
    /// Ends each record with a checksum over all of it. `enabledAppendPropCRC`, false.
    public var appendsRecordChecksum = false
    /// Refuses records without that checksum. `forceVerifyPropCRC`, false.
    public var requiresRecordChecksum = false
    /// Checks the body's CRC-32 when recovery scans. `checkCRCOnRecover`, true.
    public var checksBodyOnRecovery = true
    /// Checks the checksums of a record each time it is read, true.
    public var checksOnRead = true
}

/// Reading what was flushed again in the background, to find damage before a consumer does.
public struct ScrubSettings: Hashable, Sendable {
    /// Whether that is done, true.
    public var isEnabled = true
    /// Bytes that are read in a second, at the most, 8 MiB.
    public var bytesPerSecond = 8 << 20
    /// Hours from the start of one pass over the whole log to that of the next, 168: a week. A pass
    /// that takes longer is followed by the next at once.
    public var intervalHours: Int64 = 168
}

/// What recovery does where nothing says what was durable.
public struct RecoverySettings: Hashable, Sendable {
    public enum Choice: Hashable, Sendable {
        /// `open` fails with `StoreError.damagedLog` and leaves the directory as it is.
        case refuse
        /// The log ends before the damage; the rest is copied to `quarantine/` first.
        case cut
    }

    /// A bad record with valid ones behind it, in a directory without a durable mark (Java's, or
    /// one that Java wrote to since).
    public var onUnmarkedDamage = Choice.refuse
}

/// When old messages are deleted.
public struct RetentionSettings: Hashable, Sendable {
    /// Whether anything is deleted at all, true.
    public var isEnabled = true
    /// Hours that a segment is kept after its last message. `fileReservedTime`, 72.
    public var reservedHours: Int64 = 72
    /// Hours of the day, local time, at which expired segments go. `deleteWhen`, "04".
    public var deleteHours: Set<Int> = [4]
    /// Above this use of the disk expired segments go at any hour. `diskMaxUsedSpaceRatio`, 75.
    public var maximumUsedPercent: Double = 75
    /// Above this the oldest segments go though they have not expired.
    /// `diskSpaceCleanForciblyRatio`, 85.
    public var forcibleUsedPercent: Double = 85
    /// Whether they do. `cleanFileForciblyEnable`, true.
    public var cleansForcibly = true
    /// Above this appends are refused as on a full disk. `diskSpaceWarningLevelRatio`, 90.
    public var warningUsedPercent: Double = 90
    /// How often the store looks. `cleanResourceInterval`, 10 000.
    public var intervalMilliseconds: Int64 = 10_000
    /// Segments that go in one round. `deleteFileBatchMax`, 10.
    public var deleteBatchLimit = 10
    /// Between two of them. `deleteCommitLogFilesInterval`, 100.
    public var deleteIntervalMilliseconds: Int64 = 100
}

/// How bodies of single messages are compressed; those of a batch stay as they are. Any RocketMQ
/// client reads the result.
public struct CompressionSettings: Hashable, Sendable {
    public var algorithm: BodyCodec
    /// The codec's own scale; nil for its default.
    public var level: Int?
    /// Bodies shorter than this stay as they are, 4 096 as RocketMQ's producers do.
    public var thresholdByteCount: Int

    public init(algorithm: BodyCodec, level: Int? = nil, thresholdByteCount: Int = 4_096) {
        self.algorithm = algorithm
        self.level = level
        self.thresholdByteCount = thresholdByteCount
    }
}

/// Who runs the store's background work.
public enum ThreadSettings: Hashable, Sendable {
    /// Threads of the store's own.
    case own
    /// Nobody: the embedder (a test) steps the agents by hand.
    case manual
}
