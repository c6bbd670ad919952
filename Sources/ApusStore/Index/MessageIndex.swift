// The index by key and unique id: files, the work of the indexer, and queries.
//
// Off the append path: publication only notes the stretch of the log that holds keyed records. The
// indexer, or a query that is in more of a hurry, reads that stretch and puts each key. A query
// sees everything that was published before it began.

import ApusFormat
import ApusSystem
import Synchronization

/// The index of a store.
final class MessageIndex: Sendable {
    /// What the files are known to hold on the device.
    struct Durable: Sendable {
        /// Keys of all records up to this physical offset.
        var end: Int64
        /// The file being written, 0 for none, and the next entry in it.
        var fileName: Int64
        var entryCount: Int32
        var timestamp: Int64
    }

    struct State: Sendable {
        /// Oldest first.
        var files: [IndexFile] = []
        var durable: Durable
    }

    let log: CommitLog
    let settings: IndexSettings
    let state: Mutex<State>

    /// `files` are those of recovery, oldest first; everything up to `end` is in them.
    init(log: CommitLog, files: [IndexFile], durable: Durable) {
        self.log = log
        settings = log.configuration.index
        state = Mutex(State(files: files, durable: durable))
    }

    var durable: Durable { state.withLock { $0.durable } }

    /// Indexes everything that was published before the call.
    func catchUp() throws(StoreError) {
        try state.withLock { state throws(StoreError) in try catchUp(&state) }
    }

    /// Everything indexed so far to the device.
    func flush() throws(StoreError) {
        try state.withLock { state throws(StoreError) in
            let (end, timestamp) = log.inTurn {
                (log.published, log.publication.newestTimestamp)
            }
            try catchUp(&state)
            if let last = state.files.last {
                try last.sync()
                state.durable.fileName = last.name
                state.durable.entryCount = last.header.nextEntry
            }
            state.durable.end = max(end, state.durable.end)
            state.durable.timestamp = timestamp
        }
    }

    private func catchUp(_ state: inout State) throws(StoreError) {
        guard let range = log.keyed.take() else { return }
        // A record is noted just before it is published.
        while log.published < range.upperBound { SystemThread.yield() }
        var done = range.lowerBound
        do throws(StoreError) {
            try log.scan(range, checks: .position) { (record) throws(StoreError) in
                try put(record, &state)
                done = record.physicalEnd
            }
        } catch {
            log.keyed.putBack(done..<range.upperBound)
            if case .poisoned(let cause) = error { log.poison(cause) }
            throw error
        }
        state.files.last?.storeHeader()
    }

    private func put(_ record: RecordView, _ state: inout State) throws(StoreError) {
        guard record.systemFlag.transaction != .rollback else { return }
        let properties = record.properties
        let scan = PropertyScan(properties)
        guard scan.isKeyed else { return }
        if !scan.uniqueKey.isEmpty {
            try put(properties.extracting(scan.uniqueKey), record, &state)
        }
        if !scan.keys.isEmpty {
            let keys = properties.extracting(scan.keys)
            for word in KeyWords.ranges(in: keys) {
                try put(keys.extracting(word), record, &state)
            }
        }
    }

    private func put(
        _ key: RawSpan, _ record: RecordView, _ state: inout State
    ) throws(StoreError) {
        let file = try writable(&state)
        try file.put(
            hash: IndexKey.hash(topic: record.topic, key: key),
            physicalOffset: record.physicalOffset, timestamp: record.storeTimestamp)
    }

    private func writable(_ state: inout State) throws(StoreError) -> IndexFile {
        if let last = state.files.last {
            if !last.isFull { return last }
            try last.sync()
        }
        let directory = log.directory.index
        do throws(DiskError) {
            try log.disk.createDirectories(directory)
        } catch {
            throw StoreError(error)
        }
        let name = nextName(behind: state.files.last?.name ?? 0)
        let file = try IndexFile(
            log.disk, path: "\(directory)/\(IndexFileName.name(number: name) ?? "")", name: name,
            settings: settings, creates: true)
        state.files.append(file)
        return file
    }

    /// The time as a name, later than the name before it.
    private func nextName(behind last: Int64) -> Int64 {
        let now = TimeSource.localCalendar(milliseconds: log.time.wallMilliseconds)
        let name = IndexFileName.name(
            year: now.year, month: now.month, day: now.day, hour: now.hour, minute: now.minute,
            second: now.second, millisecond: now.millisecond)
        return max(IndexFileName.number(name) ?? 0, last + 1)
    }

    /// Takes out the files whose records the log no longer holds, for the cleaner to remove.
    func takeFiles(endingBefore logStart: Int64) -> [IndexFile] {
        state.withLock { state in
            let gone = state.files.dropLast().prefix { $0.header.endPhysicalOffset < logStart }
            state.files.removeFirst(gone.count)
            return Array(gone)
        }
    }
}

/// The words of the property KEYS.
enum KeyWords {
    /// Where they stand: words are separated by spaces.
    static func ranges(in keys: RawSpan) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var start = 0
        for offset in 0...keys.byteCount {
            let isEnd = offset == keys.byteCount || keys.loadBigEndian(UInt8.self, at: offset) == 32
            guard isEnd else { continue }
            if offset > start { ranges.append(start..<offset) }
            start = offset + 1
        }
        return ranges
    }
}

/// Indexes what was published, in the background.
final class Indexer: Agent {
    private let index: MessageIndex

    init(_ index: MessageIndex) { self.index = index }

    var roleName: String { "index" }
    /// Where all processors are busy it would fall behind without end.
    var standing: ThreadStanding { .usual }
    var signal: Signal { index.log.keyed.signal }
    /// After a failure (a full disk) it is tried again; otherwise publication rings.
    var idleNanoseconds: Int64? { 1_000_000_000 }
    /// Appenders ring for the first key of a round only: longer rounds, fewer wake-ups.
    var restNanoseconds: Int64 { 2_000_000 }

    func doWork() -> Int {
        guard index.log.poisonCause == nil, index.log.keyed.first != nil else { return 0 }
        do throws(StoreError) {
            try index.catchUp()
        } catch {
            index.log.observer?.storeDid(.delayed(task: "indexing keys", error: error))
            return 0
        }
        return 1
    }
}
