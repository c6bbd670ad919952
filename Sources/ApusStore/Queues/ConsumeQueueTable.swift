// All queues of the store: looked up by name, read from disk when first asked for.

import ApusFormat
import ApusSystem
import Synchronization

/// The queues of a store.
final class ConsumeQueueTable: Sendable {
    private struct Entry {
        let topic: Topic
        var queues: [Int32: ConsumeQueue] = [:]
    }

    private let directory: StoreDirectory
    /// What each of them has a reference to.
    private let common: QueueCommon
    private let entries = Mutex<[String: Entry]>([:])
    private let mappings: QueueMappings
    /// Brings a queue's marks up from what is on disk. Set once, before anything is looked up.
    private let load: @Sendable (ConsumeQueue) throws(StoreError) -> Void

    init(
        disk: any Disk, directory: StoreDirectory, settings: QueueSettings,
        mappings: QueueMappings,
        load: @escaping @Sendable (ConsumeQueue) throws(StoreError) -> Void
    ) {
        self.directory = directory
        common = QueueCommon(
            disk: disk, directory: directory.consumeQueue, settings: settings)
        self.mappings = mappings
        self.load = load
    }

    private var disk: any Disk { common.disk }
    /// How many queues have a directory. Set by recovery; a queue that makes its own counts itself.
    var directoryCount: Counter { common.directoryCount }

    /// The queue, made when it is not there: its first file is made by the first append.
    func queue(topic name: String, id: Int32) throws(StoreError) -> ConsumeQueue {
        try entries.withLock { entries throws(StoreError) in
            if let found = entries[name]?.queues[id] { return found }
            try StoreDirectory.validate(topic: name, queueID: id)
            if entries[name] == nil { try refuseBatchQueues(name) }
            let topic = entries[name]?.topic ?? Topic(name: name)
            let queue = ConsumeQueue(topic: topic, queueID: id, common: common)
            try load(queue)
            entries[name, default: Entry(topic: topic)].queues[id] = queue
            mappings.add(queue)
            return queue
        }
    }

    /// The queue, when there are files of it or it was used before.
    func existing(topic: String, id: Int32) throws(StoreError) -> ConsumeQueue? {
        if let found = entries.withLock({ $0[topic]?.queues[id] }) { return found }
        let path = try directory.queue(topic: topic, queueID: id)
        do throws(DiskError) {
            guard try disk.status(path)?.isDirectory == true else { return nil }
        } catch {
            throw StoreError(error)
        }
        return try queue(topic: topic, id: id)
    }

    /// The names of all queues, on disk or new, sorted.
    func names() throws(StoreError) -> [QueueName] {
        var names = Set<QueueName>()
        do throws(DiskError) {
            for name in try Self.names(on: disk, under: directory.consumeQueue) {
                names.insert(name)
            }
        } catch {
            throw StoreError(error)
        }
        let known = entries.withLock { $0.values.flatMap { $0.queues.values.map(\.name) } }
        return names.union(known).sorted()
    }

    /// The queues that were looked up so far.
    var known: [ConsumeQueue] {
        entries.withLock { $0.values.flatMap { Array($0.queues.values) } }
    }

    /// The names of the queues under a directory; what is not named like a queue is passed over.
    static func names(on disk: any Disk, under path: String) throws(DiskError) -> [QueueName] {
        guard try disk.status(path)?.isDirectory == true else { return [] }
        var names: [QueueName] = []
        for topic in try disk.list(path) where topic.isDirectory {
            do throws(StoreError) { try StoreDirectory.validate(topic: topic.name) } catch {
                continue
            }
            for queue in try disk.list("\(path)/\(topic.name)") where queue.isDirectory {
                guard let id = Int32(queue.name), id >= 0, String(id) == queue.name else {
                    continue
                }
                names.append(QueueName(topic: topic.name, id: id))
            }
        }
        return names
    }

    /// Whether a topic's queues are BatchConsumeQueues.
    func isBatchTopic(_ name: String) throws(StoreError) -> Bool {
        do throws(DiskError) {
            return try disk.status("\(directory.batchConsumeQueue)/\(name)") != nil
        } catch {
            throw StoreError(error)
        }
    }

    private func refuseBatchQueues(_ name: String) throws(StoreError) {
        if try isBatchTopic(name) { throw .unsupportedQueueType(topic: name) }
    }
}

/// A number that many threads add to.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .relaxed) }
    func add(_ more: Int) { count.wrappingAdd(more, ordering: .relaxed) }
    func set(_ value: Int) { count.store(value, ordering: .relaxed) }
}
