// Step 4 in the life of a message: the front door. Check, append, await durability; read.
//
// Nothing in here suspends; `MessageStore+Async.swift` is the overlay for callers that do.

import ApusFormat
package import ApusSystem
import Synchronization

/// A message store in a directory of its own, in RocketMQ's format.
///
/// All methods may be called from any thread. An append runs on the calling thread from start to
/// end. Close the store when done; one that is merely let go counts as killed and is recovered when
/// it is opened again.
public final class MessageStore: Sendable {
    let log: CommitLog
    let table: ConsumeQueueTable
    let commit: GroupCommit
    let index: MessageIndex?
    let flusher: Flusher
    let committer: Committer
    let cleaner: Cleaner
    let scrubber: Scrubber
    let checkpoint: Checkpoint
    private let lockFile: any DiskFile
    /// Empty when the embedder steps the agents.
    private let runners: Mutex<[AgentRunner]>
    private let isClosed = Flag()
    let waiterIDs = Atomic<UInt64>(0)

    /// Opens the store in `directory`, making it when it is not there, and recovers it when it was
    /// not closed. A directory of a Java broker opens in place.
    ///
    /// Fails with `StoreError.locked` when another process, a Java broker included, has it open;
    /// with `.unknownDirectoryLayout`, `.wrongFileLength` or `.fileSizeDiffers` when the files are
    /// not what the configuration says; with `.damagedLog` as `RecoverySettings.onUnmarkedDamage`
    /// says. On a full disk the store opens for
    /// reading and refuses appends until there is room. A directory that is refused is left as it
    /// was, but for the file `lock`.
    public static func open(
        _ directory: String, _ configuration: StoreConfiguration = StoreConfiguration(),
        observer: (any StoreObserver)? = nil
    ) throws(StoreError) -> MessageStore {
        try open(
            directory, configuration, observer: observer, disk: SystemDisk(), time: .system)
    }

    /// The same on a disk and a clock of the caller's.
    package static func open(
        _ directory: String, _ configuration: StoreConfiguration,
        observer: (any StoreObserver)?, disk: any Disk, time: TimeSource
    ) throws(StoreError) -> MessageStore {
        try configuration.validate()
        let guards = configuration.guardsMappings ? MappingGuards() : nil
        let disk = guards.map { disk.guarded(by: $0) } ?? disk
        let paths = StoreDirectory(root: directory, commitLog: configuration.commitLog.path)
        try SegmentLoader(
            disk: disk, directory: paths, length: configuration.commitLog.segmentByteCount
        ).checkLayout()
        let lockFile = try StoreLock.take(disk, paths)
        let log = CommitLog(
            disk: disk, directory: paths, configuration: configuration, time: time,
            observer: observer, guards: guards)
        let loader = QueueLoader(log: log)
        let table = ConsumeQueueTable(
            disk: disk, directory: paths, settings: configuration.queues, mappings: log.mappings
        ) { (queue) throws(StoreError) in try loader.load(queue) }
        var recovery = Recovery(log: log, table: table, loader: loader)
        let checkpoint: Checkpoint
        do throws(StoreError) {
            let last = try recovery.run()
            checkpoint = last.checkpoint
            try log.start(last, hasMessages: !recovery.isFresh)
        } catch {
            // At once: closing the file does not do it while a fork has it too.
            StoreLock.release(lockFile)
            throw error
        }
        let store = MessageStore(
            log: log, table: table, checkpoint: checkpoint, lockFile: lockFile,
            index: configuration.index.isEnabled
                ? MessageIndex(
                    log: log, files: recovery.indexFiles, durable: recovery.indexDurable) : nil)
        try store.start()
        return store
    }

    private init(
        log: CommitLog, table: ConsumeQueueTable, checkpoint: Checkpoint, lockFile: any DiskFile,
        index: MessageIndex?
    ) {
        self.log = log
        self.table = table
        self.checkpoint = checkpoint
        self.lockFile = lockFile
        self.index = index
        commit = GroupCommit(log: log)
        committer = Committer(commit)
        flusher = Flusher(
            log: log, commit: commit, index: index, checkpoint: checkpoint, table: table)
        cleaner = Cleaner(
            log: log, table: table, index: index, flusher: flusher, checkpoint: checkpoint)
        scrubber = Scrubber(log)
        runners = Mutex([])
    }

    private func start() throws(StoreError) {
        try cleaner.removeLeftovers()
        log.startAccepting()
        if log.configuration.threads == .own {
            var started: [AgentRunner] = []
            do throws(StoreError) {
                for agent in agents { started.append(try AgentRunner(agent)) }
            } catch {
                for runner in started { runner.stop() }
                throw error
            }
            runners.withLock { $0 = started }
        }
        log.observer?.storeDid(.opened(guarantee: guarantee))
    }

    /// Whether zeros are being written ahead, or will be once nothing is appended.
    package var isZeroing: Bool { log.hasZeroesToWrite.load(ordering: .relaxed) }

    /// Whether pages are being brought in ahead of what is appended, or will be at once: for who
    /// measures without that.
    package var isPreparing: Bool { log.preallocator.isPreparing }

    /// The background work, for whoever steps it by hand.
    package var agents: [any Agent] {
        var all: [any Agent] = [
            log.preallocator, log.preallocator.maker, QueueExtender(log), flusher, cleaner,
        ]
        if log.isSync { all += [committer, Teller(commit)] as [any Agent] }
        if let index { all.append(Indexer(index)) }
        if log.zeroesAhead, let writer = log.writer { all.append(ZeroAhead(log, writer)) }
        if log.configuration.scrub.isEnabled { all.append(scrubber) }
        return all
    }

    deinit {
        log.end()
        for runner in runners.withLock({ $0 }) { runner.stop() }
        StoreLock.release(lockFile)
    }

    /// Refuses further appends, brings everything to the device, and marks the directory as closed.
    /// Reads of messages that were read before stay valid. A second call does nothing.
    ///
    /// Fails with `.poisoned` when a sync fails or has failed: the directory is then left as after
    /// a kill, to be recovered by the next open.
    public func close() throws(StoreError) {
        guard isClosed.set() else { return }
        let poisoned = log.poisonCause
        log.end()
        log.refuse(.closed)
        // Who is making room finishes, and who has a place publishes.
        log.roomLock.withLock { _ in }
        log.inTurn {}
        for runner in runners.withLock({ $0 }) { runner.stop() }
        defer {
            commit.settle()
            for queue in table.known { queue.wakeWaiters(readableEnd: .max) }
            StoreLock.release(lockFile)
            log.observer?.storeDid(.closed)
        }
        if let poisoned { throw .poisoned(cause: poisoned) }
        log.preallocator.maker.discardReady()
        try flusher.flushForClose()
        // Still as it was found: the disk was full all the time.
        guard checkpoint.hasBegun else { return }
        do throws(DiskError) {
            try log.disk.unlink(log.directory.abort)
            try log.disk.syncDirectory(log.directory.root)
        } catch {
            throw StoreError(error)
        }
    }

    /// Brings everything that was appended so far to the device: the log, the queues and the index.
    public func flush() throws(StoreError) {
        try checkOpen()
        try flusher.flushAll()
    }

    var isClosedNow: Bool { isClosed.isSet }

    func checkOpen() throws(StoreError) {
        if isClosed.isSet { throw .closed }
    }
}

/// The lock that keeps a second process out.
enum StoreLock {
    /// Takes it for as long as the file stays open.
    static func take(_ disk: any Disk, _ paths: StoreDirectory) throws(StoreError) -> any DiskFile {
        let isLocked: Bool
        let file: any DiskFile
        do throws(DiskError) {
            try disk.createDirectories(paths.root)
            file = try disk.open(paths.lock, .create)
            isLocked = try file.lockFirstByte()
            // RocketMQ writes the word too; the lock, not the text, is what counts.
            // Without room for it too.
            if isLocked, try file.byteCount() == 0 {
                do throws(DiskError) {
                    try file.write(Array("lock".utf8).rawSpan, at: 0)
                } catch {
                    guard error.isOutOfSpace else { throw error }
                }
            }
        } catch {
            throw StoreError(error)
        }
        guard isLocked else { throw .locked(path: paths.lock) }
        return file
    }

    static func release(_ file: any DiskFile) {
        file.unlockFirstByte()
        file.close()
    }
}
