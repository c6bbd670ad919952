// Reading: by queue offset, physical offset, time, key and unique id.

public import ApusFormat
import ApusSystem
import Synchronization

/// Which of the messages around a moment is meant.
public enum TimeBoundary: Hashable, Sendable {
    /// The first message stored at the moment or later.
    case lower
    /// The last message stored at the moment or before.
    case upper
}

extension MessageStore {
    /// The queues that have files or were used since the store was opened, sorted.
    public func queues() throws(StoreError) -> [QueueName] {
        try checkOpen()
        return try table.names()
    }

    /// Records that end at or before this physical offset are whole. In the page cache, which
    /// survives the process, is what was acknowledged.
    public var published: Int64 { log.published }
    /// Records that end at or before this physical offset are on the device.
    public var flushed: Int64 { log.flushed.load(ordering: .acquiring) }
    /// Syncs since the store was opened that brought records to the device: how many share one.
    public var syncCount: Int { commit.syncCount.load(ordering: .relaxed) }
    /// Physical offset of the first byte that is kept.
    public var physicalMinimum: Int64 { log.start.load(ordering: .acquiring) }
    /// Stretches below the durable mark that recovery or the scrubber found damaged. They are kept,
    /// never served.
    public var damagedRanges: [DamagedRange] { log.damaged.withLock { $0 } }

    /// What the scrubber has done since the store was opened.
    public var scrubbing: ScrubProgress { scrubber.progress }

    /// The lowest offset of the queue whose message is kept.
    public func minimumOffset(_ queue: MessageQueue) throws(StoreError) -> Int64 {
        try checkOpen()
        return try log.withMappings { () throws(StoreError) in
            try queue.queue.minimumOffset(logStart: physicalMinimum)
        }
    }

    /// The offset that the next readable message will have. In SYNC_FLUSH mode a message is
    /// readable when it is on the device.
    public func maximumOffset(_ queue: MessageQueue) throws(StoreError) -> Int64 {
        try checkOpen()
        return try log.readableEnd(of: queue.queue)
    }

    /// Up to `count` messages of a queue from `offset` on, and no more than `byteCount` bytes of
    /// records, but at least one when there is one.
    ///
    /// At most `scanLimit` entries are looked at for those that match: a batch without messages may
    /// end before the queue does, and `nextOffset` says where to go on.
    ///
    /// At the end of the queue the batch is empty. Fails with `.offsetOutOfRange` outside of it. A
    /// damaged record ends the batch before it; it fails with `.damagedRecord` when it is the
    /// first.
    public func read(
        _ queue: MessageQueue, from offset: Int64, count: Int = 32, byteCount: Int = 256 << 10,
        filter: TagFilter = .all, scanLimit: Int = 16_000
    ) throws(StoreError) -> MessageBatch {
        try checkOpen()
        let reader = QueueReader(log: log, queue: queue.queue)
        return try log.withMappings { () throws(StoreError) in
            try reader.read(
                from: offset, count: count, byteCount: byteCount, filter: filter,
                scanLimit: scanLimit)
        }
    }

    /// The message whose record begins at a physical offset.
    public func message(at physicalOffset: Int64) throws(StoreError) -> StoredMessage {
        try checkOpen()
        return try log.record(at: physicalOffset).message()
    }

    /// The message that an offset message id names.
    public func message(id: OffsetMessageID) throws(StoreError) -> StoredMessage {
        try message(at: id.physicalOffset)
    }

    /// The offset in a queue that belongs to a moment, in milliseconds since 1970.
    ///
    /// `.lower`: the first message stored then or later, or the end of the queue. `.upper`: the
    /// last one stored then or before, or the start of the queue.
    public func offset(
        in queue: MessageQueue, at milliseconds: Int64, boundary: TimeBoundary = .lower
    ) throws(StoreError) -> Int64 {
        let low = try minimumOffset(queue)
        let high = max(low, try maximumOffset(queue))
        let log = log
        let found = try log.withMappings { () throws(StoreError) in
            try queue.queue.partitionMessages(low..<high) { (unit) throws(StoreError) in
                guard let time = try log.storeTimestamp(ofRecordAt: unit.physicalOffset) else {
                    return true
                }
                if Mutant.missesBoundary.isPlanted { return time <= milliseconds }
                return boundary == .lower ? time < milliseconds : time <= milliseconds
            }
        }
        return boundary == .lower ? found : max(low, found - 1)
    }

    /// The newest messages of a topic with a key, at most `limit`, in the order of the log.
    ///
    /// `times` bounds the store timestamp, milliseconds since 1970. The key is one word of KEYS or
    /// the unique id. Hashes collide, so each message's own keys are compared. Empty when the index
    /// is off.
    public func messages(
        topic: String, key: String, limit: Int = 64, between times: ClosedRange<Int64> = 0...(.max)
    ) throws(StoreError) -> [StoredMessage] {
        try query(topic: topic, key: key, limit: limit, between: times, isUnique: false)
    }

    /// The newest message of a topic with this unique id (UNIQ_KEY).
    public func message(topic: String, uniqueKey: String) throws(StoreError) -> StoredMessage? {
        try query(topic: topic, key: uniqueKey, limit: 1, between: 0...(.max), isUnique: true).last
    }

    private func query(
        topic: String, key: String, limit: Int, between times: ClosedRange<Int64>, isUnique: Bool
    ) throws(StoreError) -> [StoredMessage] {
        var found: [StoredMessage] = []
        for lease in try find(
            topic: topic, key: key, limit: limit, between: times, isUnique: isUnique
        ) { found.append(try lease.message()) }
        return found
    }

    /// The records of a topic with a key, in the order of the log.
    func find(
        topic: String, key: String, limit: Int, between times: ClosedRange<Int64>, isUnique: Bool
    ) throws(StoreError) -> [RecordLease] {
        try checkOpen()
        guard let index else { return [] }
        let behind = try index.catchUpForQuery()
        let found = try index.find(
            topic: topic, key: key, between: times, limit: limit, isUnique: isUnique, behind: behind
        )
        return found.sorted { left, right in
            left.withRecord { $0.physicalOffset } < right.withRecord { $0.physicalOffset }
        }
    }
}

extension CommitLog {
    /// The time of a record; nil for one that was deleted, which is older than all that is kept.
    fileprivate func storeTimestamp(ofRecordAt offset: Int64) throws(StoreError) -> Int64? {
        do throws(StoreError) {
            return try record(at: offset).withRecord { $0.storeTimestamp }
        } catch {
            guard case .physicalOffsetOutOfRange(let requested, let minimum, _) = error,
                requested < minimum
            else { throw error }
            return nil
        }
    }
}
