// Step 5 in the life of a message: reserve, encode, publish.
//
// The only writer of CommitLog records. An append takes the reservation lock for a place, encodes
// straight into the mapping outside it, writes its ConsumeQueue entry (or puts it off, where the
// queue is far), waits for its turn, and moves the marks. The marks obey flushed ≤ published ≤
// reserved; a reader sees nothing beyond `readable`.

import ApusFormat
import ApusSystem
import Synchronization

/// The log of all messages.
package final class CommitLog: Sendable {
    let disk: any Disk
    let directory: StoreDirectory
    let configuration: StoreConfiguration
    let time: TimeSource
    let observer: (any StoreObserver)?
    /// Nil where mappings are not guarded.
    let guards: MappingGuards?
    let segments: SegmentList
    /// Nil where records are stored through the mapping that readers use.
    let writer: PageAlignedWriter?
    let preallocator: Preallocator
    let reservation: Reservation
    let publication: Publication
    /// Of threads of the store's own, with appenders.
    let courtesy: Courtesy
    /// What the indexer has to read; a record is noted in its turn to publish.
    let keyed = KeyedRange()
    let dirtyQueues = DirtyQueues()
    let mappings = QueueMappings()
    /// Queues that are to get room before their appenders need it.
    let roomRequests = RoomRequests()
    /// Rung when the flusher has something to do before its interval is over.
    let flushWanted = Signal()
    /// Records that end at or before this are on the device. Written by `GroupCommit`, after a
    /// sync.
    let flushed = Atomic<Int64>(0)
    /// Physical offset of the first byte kept. Written by recovery and the cleaner.
    let start = Atomic<Int64>(0)
    /// Why nothing is taken at the moment. Whoever changes it tells the reservation under its lock.
    let refusal = Mutex<StoreError?>(nil)
    /// What opening left to be done when there is room. Run under the room lock.
    let pendingStart = Mutex<AppendStart?>(nil)
    /// The first sync, or mapping that is stored through, that failed. Never taken back.
    private let firstFailure = Mutex<DiskError?>(nil)
    /// Whether there was one: what an append may ask for each message.
    let isPoisoned = Atomic<Bool>(false)
    /// When a full disk was last told of, by the clock's nanoseconds.
    private let lastDiskFull = Atomic<Int64>(.min / 2)
    /// Set when the store begins to close or is let go. That may happen within a step of an agent,
    /// in a completion or an observer: what is left of the step writes nothing then, since the
    /// directory may belong to another process.
    let isEnding = Flag()
    /// Rung when blocks ahead of the writer are to be prepared.
    let zeroWanted = Signal()
    /// Whether there are, at once or as soon as nothing is appended.
    let hasZeroesToWrite = Atomic<Bool>(false)
    let zeroesAhead: Bool
    /// Held while segments or queue files are made.
    let roomLock = Mutex(())
    /// Flushed stretches that cannot be read, and whether there are any. Written by `noteDamage`,
    /// for recovery and the scrubber.
    let damaged = Mutex<[DamagedRange]>([])
    let hasDamage = Atomic<Bool>(false)

    let storeHost: HostAddress
    let storeHostNumber: StoreHostNumber
    let bodyLimit: Int
    let recordLimit: Int
    /// The longest record that `append` writes itself, when nothing about it is unusual; -1 where
    /// every record of the store is.
    let plainLimit: Int
    /// The longest record whose lines are asked for before it is written: 2 KiB or more.
    let prefetchLimit = longestPrefetchedRecord
    /// Appends after which a queue that had none of them is far.
    let nearCount: UInt32
    /// Whether the last append went to such a queue, and the next one most likely does: only then
    /// are its lines asked for early. Two that append to one queue would take them from each other.
    let lastWasFar = Atomic<Bool>(false)
    let appendsChecksum: Bool
    let isSync: Bool
    let isIndexed: Bool
    /// Whether readers see less than what was published: what was synced or written.
    let readersWait: Bool
    /// Whether something stands between an append and its acknowledgement: a sync, a write, or a
    /// look at the guarded mappings.
    let isAwaited: Bool
    /// That is not so, and there is no compression: an append is all that there is to do.
    let isPlain: Bool
    let wakesOnAppend: Bool

    init(
        disk: any Disk, directory: StoreDirectory, configuration: StoreConfiguration,
        time: TimeSource, observer: (any StoreObserver)?, guards: MappingGuards? = nil
    ) {
        self.disk = disk
        self.directory = directory
        self.configuration = configuration
        self.time = time
        self.observer = observer
        self.guards = guards
        publication = Publication()
        reservation = Reservation()
        courtesy = Courtesy(publication, reservation)
        segments = SegmentList(segmentByteCount: configuration.commitLog.segmentByteCount)
        zeroesAhead = configuration.zeroesAhead
        writer =
            configuration.writerKind == .pageAligned
            ? PageAlignedWriter(segments) : nil
        preallocator = Preallocator(
            disk: disk, directory: directory, settings: configuration.commitLog, writer: writer,
            courtesy: courtesy, time: time, observer: observer)
        nearCount = configuration.queues.nearCount
        storeHost = configuration.storeHost
        storeHostNumber = StoreHostNumber(configuration.storeHost)
        bodyLimit = configuration.limits.bodyByteCount
        recordLimit = min(
            configuration.limits.bodyByteCount + 64 << 10,
            configuration.commitLog.segmentByteCount - BlankMarker.byteCount)
        appendsChecksum = configuration.integrity.appendsRecordChecksum
        plainLimit = appendsChecksum || storeHost.isIPv6 ? -1 : min(bodyLimit, recordLimit)
        isSync = configuration.flush.mode == .sync
        isIndexed = configuration.index.isEnabled
        readersWait = isSync || writer != nil
        isAwaited = readersWait || guards != nil
        isPlain = !isAwaited && configuration.compression == nil
        wakesOnAppend = configuration.flush.wakesOnAppend
    }

    /// Records that end at or before this are whole.
    package var published: Int64 { publication.published }

    /// The cause, once one has failed: no acknowledgement from then on.
    var poisonCause: DiskError? { firstFailure.withLock { $0 } }

    /// A sync failed, or a mapping that is stored through.
    func poison(_ cause: DiskError) {
        let isFirst = firstFailure.withLock { held in
            defer { held = held ?? cause }
            return held == nil
        }
        isPoisoned.store(true, ordering: .releasing)
        refuse(.poisoned(cause: cause))
        if isFirst { observer?.storeDid(.poisoned(cause)) }
    }

    /// Tells of a full disk, at most once a second.
    func tellDiskFull(_ path: String) {
        let now = time.nanoseconds
        guard now - lastDiskFull.load(ordering: .relaxed) >= 1_000_000_000 else { return }
        lastDiskFull.store(now, ordering: .relaxed)
        observer?.storeDid(.diskFull(path: path))
    }

    /// What a reader may see: everything that may be acknowledged.
    package var readable: Int64 {
        if isSync { return flushed.load(ordering: .acquiring) }
        return writer?.written.load(ordering: .acquiring) ?? published
    }
}

// MARK: - Appending one message

extension CommitLog {
    /// Appends one message and publishes it; durability is waited for elsewhere.
    ///
    /// Inlined: what it is given would go through memory once more. What is unusual about a message
    /// is looked at elsewhere, so that nothing here depends on it.
    @inline(__always)
    func append(
        to queue: ConsumeQueue, body: RawSpan, properties: RawSpan, attributes: MessageAttributes
    ) throws(StoreError) -> AppendResult {
        if lastWasFar.load(ordering: .relaxed) {
            prefetchForWriting(queue, byteCount: ConsumeQueue.hotByteCount)
        }
        let summary = PropertySummary(properties)
        // Copies: a span must not be taken through an object that may go.
        let topic = queue.topic.bytes
        let frame = RecordFrame(
            plain: attributes.systemFlag, bodyLength: body.byteCount,
            topicLength: topic.count, propertiesLength: properties.byteCount)
        guard frame.totalSize <= plainLimit, queue.topic.isPlain, attributes.isPlain,
            frame.propertiesLength <= RecordLayout.maximumPropertiesLength,
            !summary.flags.contains(.checksum)
        else {
            return try appendAny(
                to: queue, body: body, properties: properties, attributes: attributes)
        }
        let now = time.wallMilliseconds
        let bodyChecksum = CRC32.stored(body)
        let place = try reserve(size: frame.totalSize, count: 1, queue: queue, now: now)
        let fields = RecordFields(
            queueID: queue.queueID, flag: attributes.flag, queueOffset: place.queueOffset,
            physicalOffset: place.physicalOffset, systemFlag: frame.systemFlag,
            bornTimestamp: attributes.bornTimestamp ?? now, bornHost: attributes.bornHost.asIPv4,
            storeTimestamp: place.storeTimestamp, storeHost: storeHost.asIPv4,
            reconsumeTimes: attributes.reconsumeTimes,
            preparedTransactionOffset: attributes.preparedTransactionOffset,
            bodyChecksum: bodyChecksum)
        let mapped = place.segment
        prefetch(behind: place, size: frame.totalSize)
        var segment = mapped.mutableBytes
        RecordEncoder.encodePlain(
            fields, frame: frame, topic: topic.bytes, properties: properties, body: body,
            into: &segment, at: place.position)
        let unit = ConsumeQueueUnit(
            physicalOffset: place.physicalOffset &+ (Mutant.shiftsEntry.isPlanted ? 1 : 0),
            size: Int32(truncatingIfNeeded: frame.totalSize),
            tagsCode: Int64(summary.tagsHash))
        let end = place.physicalOffset &+ Int64(frame.totalSize)
        let isKeyed = isIndexed && summary.flags.contains(.keyed)
        let isFar = queue.isFar(place.ticket, nearCount: nearCount)
        if isFar != lastWasFar.load(ordering: .relaxed) {
            lastWasFar.store(isFar, ordering: .relaxed)
        }
        if isFar {
            let entry = DeferredEntry(
                window: place.window, unit: unit, queueOffset: place.queueOffset, queue: queue)
            publishLater(
                entry, ticket: place.ticket, upTo: end, storeTimestamp: place.storeTimestamp,
                isKeyed: isKeyed)
        } else {
            place.window.store(unit, at: place.queueOffset)
            publish(
                place, upTo: end, queue: queue, queueEnd: place.queueOffset &+ 1,
                isKeyed: isKeyed)
        }
        return AppendResult(
            physicalOffset: place.physicalOffset, queueOffset: place.queueOffset,
            storeTimestamp: place.storeTimestamp, byteCount: frame.totalSize,
            storeHost: storeHostNumber, status: .stored)
    }

    /// Where a record will most likely go soon: its lines come in while this one is written, so
    /// that the lock of the next append, which waits for all stores before it, does not wait for
    /// memory.
    @inline(__always)
    func prefetch(behind place: Place, size: Int) {
        // Not those right behind, which the next append writes too soon. Of a long record all: its
        // copy is as slow as its lines come in. Beyond a page they would not stay until then.
        if size <= 2048 {
            place.segment.prefetchForWriting(at: place.position &+ size &+ 512, length: size)
        } else if size <= prefetchLimit {
            place.segment.prefetchForWriting(
                at: place.position &+ size &+ 2048, length: min(size, 4608))
        }
    }

    /// A place in the log, after making room when there is none.
    @inline(__always)
    func reserve(
        size: Int, count: Int64, queue: ConsumeQueue, now: Int64
    ) throws(StoreError) -> Place {
        while true {
            if let place = reservation.reserve(size: size, count: count, queue: queue, now: now) {
                return place
            }
            try makeRoom(size: size, count: count, queue: queue)
        }
    }
}
