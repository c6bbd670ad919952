// What is taken for the cause of a pause.

import ApusStore
import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import mqbench

@Suite("a pause of an appending thread") struct PausesTests {
    private let directory: TemporaryDirectory
    private let store: MessageStore
    /// Of the log, so that a few appends come to the next one.
    private let segment = 64 << 10

    init() throws {
        directory = try TemporaryDirectory()
        var configuration = StoreConfiguration.small
        configuration.commitLog.segmentByteCount = segment
        store = try MessageStore.open(directory.path, configuration)
    }

    /// What `Pauses` finds after `work`, for an append that took 2 ms, or began so late.
    private func cause(late: Int64 = 0, taken: Int64 = 2_000_000, _ work: () throws -> Void) throws
        -> [PauseCause]
    {
        var pauses = Pauses()
        pauses.note(late: 0, taken: 10, store, segment: segment)
        try work()
        pauses.note(late: late, taken: taken, store, segment: segment)
        return pauses.found.map(\.key)
    }

    @Test("is laid to what rose meanwhile: sleeps, faults, a new segment")
    func causes() throws {
        #expect(
            try cause { SystemThread.sleep(nanoseconds: 1_000_000) }.allSatisfy {
                [.wait, .fault].contains($0)
            })
        let faults = try cause {
            // Fresh from the system: what was freed before may be in memory still.
            let memory = try #require(
                mmap(nil, 1 << 20, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
            memset(memory, 1, 1 << 20)
            munmap(memory, 1 << 20)
        }
        #expect(faults == [.fault])
        let roll = try cause {
            let start = store.published
            while store.published / Int64(segment) == start / Int64(segment) {
                try store.append(Message(topic: "T", body: [UInt8](repeating: 1, count: 2048)))
            }
        }
        #expect(roll == [.roll])
    }

    @Test("before an append is not the store's; below a millisecond it is none")
    func others() throws {
        #expect(try cause(late: 3_000_000, taken: 100) {} == [.between])
        #expect(try cause(taken: 900_000) {}.isEmpty)
        var pauses = Pauses()
        #expect(pauses.note == "no pause of more than 1 ms")
        pauses.note(late: 2_000_000, taken: 0, store, segment: segment)
        var more = Pauses()
        more.note(late: 5_000_000, taken: 0, store, segment: segment)
        pauses.merge(more)
        #expect(pauses.found[.between]?.count == 2)
        #expect(pauses.note == "pauses of more than 1 ms: 2 outside of an append (longest 5 ms)")
    }
}
