// Threads that read a store in every way there is, and what they have in common.

import ApusFormat
import ApusSystem
import Synchronization
import TestSupport

@testable import ApusStore

/// Readers, writers and a clock around one open store.
final class ReaderCrew: Sendable {
    let store: MessageStore
    let queues: [MessageQueue]
    let written: WrittenMessages
    let held: HeldRecords
    let clock: ManualClock
    let seed: UInt64
    let callbacks = Mutex<[Callback]>([])
    /// Tells the readers to end.
    let isDone = Flag()
    /// Tells the writers and the clock.
    private let isOver = Flag()
    private let running = Atomic<Int>(0)
    private let faults = Mutex<[String]>([])
    private let readers = Mutex<[SystemThread]>([])
    private let others = Mutex<[SystemThread]>([])
    /// Reads that succeeded, by the reader's name, and how it heard of deletion and of closing.
    private let tally = Mutex<[String: Tally]>([:])

    struct Tally: Sendable {
        var reads = 0
        var deleted = 0
        var isClosed = false
    }

    init(
        _ store: MessageStore, _ written: WrittenMessages, _ held: HeldRecords,
        _ clock: ManualClock,
        seed: UInt64
    ) throws {
        self.store = store
        self.written = written
        self.held = held
        self.clock = clock
        self.seed = seed
        queues = try (0..<WrittenMessages.queueCount).map {
            try store.queue(topic: WrittenMessages.topic, id: $0)
        }
    }

    var firstFaults: String { faults.withLock { $0.prefix(5).joined(separator: "\n") } }
    var hasEnded: Bool { running.load(ordering: .acquiring) == 0 }
    var tallies: [String: Tally] { tally.withLock { $0 } }

    func fail(_ text: String) { faults.withLock { $0.append(text) } }
    func fail(_ text: String?) { if let text { fail("\(text)") } }

    /// Runs `read` again and again until the crew is done or the store closed.
    func reader(
        _ name: String, _ read: @escaping @Sendable (ReaderCrew, inout SeededNumbers) throws -> Void
    ) throws {
        began()
        let thread = try SystemThread(name: name) { [self] in
            defer { ended() }
            var numbers = SeededNumbers(seed: name.utf8.reduce(seed) { $0 &* 31 &+ UInt64($1) })
            while !isDone.isSet {
                do {
                    try read(self, &numbers)
                    count(name) { $0.reads += 1 }
                } catch {
                    if !isExpected(error, name) { fail("\(name): \(error)") }
                    if case .closed? = error as? StoreError { return }
                }
                // Others are to run as well, those of other tests included.
                SystemThread.sleep(nanoseconds: 50_000)
            }
        }
        readers.withLock { $0.append(thread) }
    }

    /// Counts a reader in, and out.
    func began() { running.wrappingAdd(1, ordering: .relaxed) }
    func ended() { running.wrappingSubtract(1, ordering: .releasing) }

    func count(_ name: String, _ change: (inout Tally) -> Void) {
        tally.withLock { change(&$0[name, default: Tally()]) }
    }

    /// Whether a reader may see this error, which is counted: what it asked for was deleted, and
    /// the error says so in the terms in which it asked, or the store is closed.
    func isExpected(_ error: any Error, _ name: String) -> Bool {
        switch error as? StoreError {
        case .closed?:
            count(name) { $0.isClosed = true }
            return store.isClosedNow
        case .offsetOutOfRange(let requested, let minimum, _)? where name == "by queue",
            .physicalOffsetOutOfRange(let requested, let minimum, _)? where name == "by place":
            count(name) { $0.deleted += 1 }
            return requested < minimum
        default: return false
        }
    }

    /// A message that was written: one that was just deleted or is next to go, every second time.
    func choose(_ numbers: inout SeededNumbers) throws -> (queue: Int32, offset: Int64) {
        let queue = Int32.random(in: 0..<WrittenMessages.queueCount, using: &numbers)
        let low = try store.minimumOffset(queues[Int(queue)])
        let end = max(1, written.count(queue))
        let from = max(0, low - 5)
        let to = Bool.random(using: &numbers) ? end : min(end, low + 5)
        return (queue, Int64.random(in: min(from, to - 1)..<to, using: &numbers))
    }

    // MARK: - Who is not a reader

    /// Writes, and lets hours pass.
    func startWriting() throws {
        for id in 0..<WrittenMessages.queueCount {
            let thread = try SystemThread(name: "writer") { [self] in
                do { try write(id) } catch {
                    if error as? StoreError != .closed { fail("writer: \(error)") }
                }
            }
            others.withLock { $0.append(thread) }
        }
        let thread = try SystemThread(name: "clock") { [self] in
            while !isOver.isSet {
                // An hour in a tenth of a second.
                clock.advance(milliseconds: 36_000)
                SystemThread.sleep(nanoseconds: 1_000_000)
            }
        }
        others.withLock { $0.append(thread) }
    }

    private func write(_ id: Int32) throws {
        var numbers = SeededNumbers(seed: seed &+ UInt64(id))
        while !isOver.isSet {
            let next = written.count(id)
            let count = Int64.random(in: 1...6, using: &numbers)
            if count > 4 {
                let result = try store.append(written.message(id, next))
                written.note(
                    id,
                    [.init(physicalOffset: result.physicalOffset, timestamp: result.storeTimestamp)]
                )
            } else {
                let batch = (next..<next + count).map { written.message(id, $0) }
                let first = try store.append(batch: batch).first
                written.note(
                    id,
                    (0..<count).map { item in
                        .init(
                            physicalOffset: item == 0 ? first.physicalOffset : nil,
                            timestamp: first.storeTimestamp)
                    })
            }
            if numbers.next() % 8 == 0 { SystemThread.sleep(nanoseconds: 200_000) }
        }
    }

    /// Ends the readers, while writers wake those who wait.
    func endReaders() {
        _ = isDone.set()
        for thread in readers.withLock({ $0 }) { thread.join() }
    }

    func endOthers() {
        _ = isOver.set()
        for thread in others.withLock({ $0 }) { thread.join() }
    }
}

/// What a store said of itself: damage, or a step that failed, is a fault here.
final class CrewObserver: StoreObserver {
    let deleted = Atomic<Int>(0)
    private let faults = Mutex<[String]>([])

    var firstFaults: String { faults.withLock { $0.prefix(5).joined(separator: "\n") } }

    func storeDid(_ event: StoreEvent) {
        switch event {
        case .segmentDeleted: deleted.wrappingAdd(1, ordering: .relaxed)
        case .opened, .limitNear, .recovering, .segmentReady, .closed: break
        case .damaged, .scrubFound, .queueRebuilt, .diskFull, .poisoned, .delayed, .clockLeapt,
            .clockBehind, .mappingFailed, .unguarded:
            faults.withLock { $0.append("\(event)") }
        }
    }
}
