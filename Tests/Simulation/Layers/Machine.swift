// One machine with one store on it: the disk, the clock, the process, and what it was promised.

import ApusFormat
import ApusStore
import ApusSystem
import Synchronization
import TestSupport

/// What the store said while it ran.
final class EventLog: StoreObserver, Sendable {
    private let damaged = Mutex<[DamagedRange]>([])
    func storeDid(_ event: StoreEvent) {
        if case .damaged(let range) = event { damaged.withLock { $0.append(range) } }
    }
    var damage: [DamagedRange] { damaged.withLock { $0 } }
}

/// A machine under simulation. Everything it does comes from its numbers.
struct Machine {
    static let directory = "/store"
    let options: LineageOptions
    var numbers: SeededNumbers
    var disk: SimulatedDisk
    var clock: ManualClock
    var model = Model()
    var store: MessageStore?
    var nextNumber = 1
    /// The end of the process is to be told of by the caller: a fault that was planned came true.
    var isOff: Bool { disk.isOff }

    init(_ options: LineageOptions, _ numbers: SeededNumbers) {
        self.options = options
        self.numbers = numbers
        disk = SimulatedDisk(SeededNumbers(seed: self.numbers.next()))
        clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
    }

    func require(_ holds: Bool, _ words: @autoclosure () -> String) throws {
        if !holds { throw Violation(words()) }
    }

    // MARK: Opening

    /// Opens the store. Nil when the machine went off meanwhile; throws when it should have opened.
    mutating func open(answered: Bool) throws -> MessageStore? {
        let events = EventLog()
        let opened: MessageStore
        do {
            opened = try MessageStore.open(
                Self.directory, options.configuration, observer: events, disk: disk,
                time: .manual(clock))
        } catch {
            if disk.isOff { return nil }
            if disk.hasFailed { throw error }
            throw Violation("I12: the store does not open: \(error)")
        }
        if disk.isOff { return nil }
        try require(
            events.damage.isEmpty, "I6: damage below the durable mark: \(events.damage)")
        let end = opened.published
        let least = answered ? model.answered : model.promised
        try require(
            end >= least, "I1: \(least) bytes were promised, and the log ends at \(end)")
        let whole = model.cut(at: end)
        let last = model.end
        let length = Int64(options.segmentByteCount)
        try require(
            whole && (end == last || end == (last + length - 1) / length * length),
            "I2, I3: the log ends at \(end), and no message does; the last one at \(last)")
        // What recovery serves it has made durable.
        model.promised = end
        model.answered = end
        syncsOfLog = disk.failedSyncsOfLog
        store = opened
        return opened
    }

    // MARK: What callers do

    func comparison(_ store: MessageStore) -> Comparison {
        Comparison(
            store: store, model: model, readable: options.isSync ? store.flushed : store.published,
            isIndexed: options.isIndexed)
    }

    mutating func makeMessage(plain: Bool = false, to queue: QueueName? = nil) -> SentMessage {
        defer { nextNumber += 1 }
        let target = queue ?? options.queues.randomElement(using: &numbers) ?? options.queues[0]
        return SentMessage(number: nextNumber, &numbers, queue: target, plain: plain)
    }

    /// Appends messages, one or a batch, and notes what happened to them.
    mutating func append(_ sent: [SentMessage], asBatch: Bool, awaits: Bool = true) throws {
        guard let store else { return }
        let before = store.published
        let outcome = Outcome()
        do {
            if asBatch {
                let result = try store.append(batch: sent.map(\.message))
                outcome.set(result.first.status == .stored)
            } else if awaits {
                outcome.set(try store.append(sent[0].message).status == .stored)
            } else {
                let message = sent[0].message
                let properties = Properties.encode(message.properties)
                store.append(
                    to: try store.queue(topic: message.topic, id: message.queueID),
                    body: message.body.rawSpan, properties: properties.rawSpan,
                    attributes: message.attributes
                ) { result in
                    if case .success(let result) = result { outcome.set(result.status == .stored) }
                }
            }
        } catch {
            try require(
                disk.isOff || disk.hasFailed || disk.capacity != nil,
                "an append fails for no reason: \(error)")
        }
        try note(sent, from: before, to: store.published)
        if outcome.isStored, !disk.isOff {
            try require(
                !options.isSync || syncsOfLog == disk.failedSyncsOfLog,
                "F1: a message is acknowledged behind a failed sync of the log")
            model.answered = model.end
            if options.isSync { model.promised = model.end }
        }
        if !awaits { waiting.append((outcome, model.end)) }
    }

    /// Failed syncs of the log when the store was opened.
    private var syncsOfLog = 0

    /// Completions that have not come.
    var waiting: [(outcome: Outcome, end: Int64)] = []

    /// Takes in what was completed meanwhile.
    mutating func settle() {
        guard let store, !disk.isOff else { return }
        for one in waiting where one.outcome.isStored {
            model.answered = max(model.answered, one.end)
            if options.isSync { model.promised = max(model.promised, one.end) }
        }
        waiting.removeAll { $0.outcome.isStored }
        model.promised = max(model.promised, min(store.flushed, model.end))
    }

    /// Adds messages to the model when the log grew by their records.
    private mutating func note(
        _ sent: [SentMessage], from before: Int64, to after: Int64
    ) throws {
        let sizes = sent.map { $0.recordByteCount(checksum: options.checksum) }
        let total = Int64(sizes.reduce(0, +))
        let length = Int64(options.segmentByteCount)
        let next = before % length == 0 ? before : (before / length + 1) * length
        var offset: Int64
        switch after {
        case before: return
        // The segment was ended, and then there was no room.
        case next where next - before < length && total + 8 > next - before: return
        case before + total: offset = before
        case next + total: offset = next
        default: throw Violation("an append of \(total) bytes moved the end by \(after - before)")
        }
        // Store timestamps never go back, whatever the wall clock does.
        let time = max(clock.wallMilliseconds, model.placed.last?.storeTimestamp ?? 0)
        for (one, size) in zip(sent, sizes) {
            model.add(
                PlacedMessage(
                    sent: one, physicalOffset: offset, byteCount: size,
                    queueOffset: one.isQueued ? model.nextOffset(one.queue) : 0,
                    storeTimestamp: time))
            offset += Int64(size)
        }
    }
}

/// Whether a completion said that the message is stored.
final class Outcome: Sendable {
    private let state = Atomic<Bool>(false)
    func set(_ isStored: Bool) { state.store(isStored, ordering: .relaxed) }
    var isStored: Bool { state.load(ordering: .relaxed) }
}
