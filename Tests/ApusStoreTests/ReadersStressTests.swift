// Readers of every kind while segments are deleted and the store is closed under them.
//
// What they get is the message that was written or an error that says why not; what they hold stays
// as it is, deleted or not, until they let it go; then nothing of the store is left in the process.

import ApusFormat
import ApusSystem
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("readers") struct ReadersStressTests {
    private static let milliseconds =
        Int64(ProcessInfo.processInfo.environment["APUS_STRESS_MILLISECONDS"] ?? "") ?? 700

    private static let everyone: Set = [
        "by queue", "by place", "by time", "by key", "bounds", "scrubber", "waiting", "callback",
        "sequence",
    ]

    private let directory: TemporaryDirectory
    private let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
    private let observer = CrewObserver()
    private let written: WrittenMessages
    private let held: HeldRecords
    private var numbers: SeededNumbers

    init() throws {
        directory = try TemporaryDirectory()
        numbers = SeededNumbers.printed("readers")
        written = WrittenMessages(seed: numbers.next())
        held = HeldRecords(written)
    }

    /// Tiny files of each kind, an hour of messages, and agents that are always at work.
    private func open(_ mode: FlushSettings.Mode) throws -> MessageStore {
        let settings = tinyConfiguration {
            $0.threads = .own
            $0.commitLog.segmentByteCount = 32 << 10
            $0.flush.mode = mode
            $0.flush.intervalMilliseconds = 2
            $0.flush.leastPages = 1
            // By a clock on which an hour is over soon.
            $0.flush.syncTimeoutMilliseconds = 1 << 40
            $0.flush.markIntervalMilliseconds = 5
            $0.queues.flushIntervalMilliseconds = 5
            $0.queues.mappedFileLimit = 1
            // The clock runs ahead of the one that agents sleep by: the crew scrubs itself.
            $0.scrub.isEnabled = false
            $0.scrub.intervalHours = 1
            $0.retention.deleteHours = Set(0..<24)
            $0.retention.reservedHours = 1
            $0.retention.intervalMilliseconds = 2
            $0.retention.deleteIntervalMilliseconds = 1
            $0.retention.maximumUsedPercent = 100
            $0.retention.forcibleUsedPercent = 100
            $0.retention.warningUsedPercent = 101
        }
        return try MessageStore.open(
            directory.path, settings, observer: observer, disk: SystemDisk(), time: .manual(clock))
    }

    /// Starts everyone on an open store, and runs `body` meanwhile.
    private func crew(
        on store: MessageStore, seed: UInt64, _ body: (ReaderCrew) async throws -> Void
    ) async throws -> [String: ReaderCrew.Tally] {
        let crew = try ReaderCrew(store, written, held, clock, seed: seed)
        try crew.startWriting()
        try crew.startReading()
        let tasks = (0..<WrittenMessages.queueCount).map { id in
            crew.began()
            return Task.detached { await crew.follow(id) }
        }
        try await body(crew)
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        crew.endReaders()
        crew.endOthers()
        try store.close()
        #expect(crew.firstFaults == "")
        #expect(crew.callbacks.withLock { $0.allSatisfy { $0.isKept } })
        return crew.tallies
    }

    /// Whether everyone read something, and someone came too late for it.
    private func hasSeenAll(_ tallies: [String: ReaderCrew.Tally]) -> Bool {
        Self.everyone.allSatisfy { tallies[$0]?.reads ?? 0 > 0 }
            && tallies.values.contains { $0.deleted > 0 }
            && observer.deleted.load(ordering: .relaxed) > 2
    }

    @Test(
        "get what was written or hear that it was deleted, whatever the cleaner takes away",
        arguments: [FlushSettings.Mode.async, .sync])
    mutating func deletion(mode: FlushSettings.Mode) async throws {
        let tallies = try await crew(on: open(mode), seed: numbers.next()) { crew in
            // On a busy machine some come late to their turn.
            for round in 0..<100 where round == 0 || !hasSeenAll(crew.tallies) {
                try await Task.sleep(for: .milliseconds(Self.milliseconds))
            }
        }
        #expect(hasSeenAll(tallies), "\(tallies)")
        #expect(observer.firstFaults == "")
        #expect(held.count > 0 && held.fault() == nil, "what is held outlives the store")
        held.letGo()
        #expect(try FilesInUse.leftUnder(directory.path) == [])
        try expectSound(directory.path, indexSlots: 100)
    }

    @Test("hear that the store is closed, whatever they are doing, and keep what they hold")
    mutating func closing() async throws {
        var closed: Set<String> = []
        for round in 0..<Self.milliseconds / 50 {
            let store = try open(round % 3 == 0 ? .sync : .async)
            let tallies = try await crew(on: store, seed: numbers.next()) { crew in
                try await Task.sleep(for: .milliseconds(30))
                try crew.store.close()
                // Everyone ends by what the store says.
                for _ in 0..<500 where !crew.hasEnded {
                    try await Task.sleep(for: .milliseconds(2))
                }
                #expect(crew.hasEnded)
            }
            closed.formUnion(tallies.filter { $0.value.isClosed }.keys)
            #expect(held.fault() == nil)
        }
        #expect(closed.isSuperset(of: Self.everyone))
        #expect(observer.firstFaults == "")
        held.letGo()
        #expect(try FilesInUse.leftUnder(directory.path) == [])
        try expectSound(directory.path, indexSlots: 100)
    }
}
