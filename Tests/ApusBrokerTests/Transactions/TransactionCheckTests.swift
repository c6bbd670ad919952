// What the broker does about halves whose producers are silent, stepped by hand.

import ApusFormat
import ApusRemoting
import ApusStore
import ApusSystem
import Glibc
import NIOEmbedded
import Synchronization
import TestSupport
import Testing

@testable import ApusBroker
@testable import Simulation

extension SimulatedRoom {
    /// Stores the half of a message to queue 0 of `Orders`.
    @discardableResult
    fileprivate func sendHalf(
        _ core: BrokerCore, _ body: String, born: Int64? = nil, more: [(String, String)] = []
    ) throws -> AppendResult {
        var properties: [UInt8] = []
        for (name, value) in [("TRAN_MSG", "true"), ("PGROUP", "payers")] + more {
            PropertyEdit.append(name, value, to: &properties)
        }
        let whole = PropertyEdit.remembering(topic: "Orders", queueID: 0, in: properties.rawSpan)
        return try core.store.appendWithoutWaiting(
            to: core.transactions.halves, body: Array(body.utf8).rawSpan,
            properties: whole.rawSpan,
            attributes: MessageAttributes(bornTimestamp: born ?? clock.wallMilliseconds))
    }
}

extension BrokerCore {
    fileprivate func commit(_ half: AppendResult) throws -> ResponseCode {
        try endTransaction(
            .request(
                .endTransaction,
                fields: [
                    "producerGroup": "payers", "commitOrRollback": "8",
                    "tranStateTableOffset": "\(half.queueOffset)",
                    "commitLogOffset": "\(half.physicalOffset)",
                ]), for: nil
        ).code
    }

    fileprivate func bodies(_ topic: String) throws -> [String] {
        try stored(topic).map { String(decoding: $0.body, as: UTF8.self) }
    }
    fileprivate func standing(_ half: Int64) -> Int64? {
        transactions.ledger.withLock { $0.standing(for: half) }
    }
}

@Suite("the check of transactions") struct TransactionCheckTests {
    @Test("gives up a half that is too old, and asks about one from the future")
    func age() throws {
        let room = try SimulatedRoom()
        let core = try room.start()
        defer { try? core.store.close() }
        let now = room.clock.wallMilliseconds
        for born in [.min, now - 3_600_001, now - 3_600_000, .max] as [Int64] {
            try room.sendHalf(core, "\(born)", born: born)
        }
        room.check(core)
        #expect(
            try core.bodies(WellKnownName.abandonedHalves) == [
                "\(Int64.min)", "\(now - 3_600_001)",
            ]
        )
        let asked = try core.bodies(WellKnownName.halfMessages).dropFirst(4)
        #expect(Array(asked) == ["\(now - 3_600_000)", "\(Int64.max)"])
    }

    @Test("gives up a half that cannot be written anew")
    func tooLong() throws {
        var room = try SimulatedRoom()
        room.configuration.store.commitLog.segmentByteCount = 128 << 10
        let core = try room.start()
        defer { try? core.store.close() }
        let long = String(repeating: "x", count: RecordLayout.maximumPropertiesLength - 80)
        try room.sendHalf(core, "long", more: [("X", long)])
        room.clock.advance(milliseconds: 6_000)
        room.check(core)
        #expect(try core.bodies(WellKnownName.abandonedHalves) == ["long"])
        #expect(core.standing(0) == nil)
        room.check(core)
        #expect(try core.bodies(WellKnownName.abandonedHalves) == ["long"])
    }

    @Test("leaves alone a half that cannot be read yet")
    func notReadable() throws {
        var room = try SimulatedRoom()
        room.configuration.store.flush.mode = .sync
        let core = try room.start()
        defer { try? core.store.close() }
        try room.sendHalf(core, "pay")
        try core.store.flush()
        room.check(core)
        room.clock.advance(milliseconds: 6_000)
        // As it is when what was written anew could not be brought to the device.
        for offset in [1, 2] as [Int64] {
            try room.sendHalf(core, "pay", more: [("TRAN_PREPARED_QUEUE_OFFSET", "\(offset - 1)")])
            core.transactions.ledger.withLock { ledger in
                ledger.renewed(offset - 1, as: offset)
                ledger.ended(offset - 1)
            }
            room.check(core)
            #expect(core.standing(0) == offset, "not on the device yet")
        }
        try core.store.flush()
        room.check(core)
        #expect(core.standing(0) == 3)
    }

    @Test("passes over a half that cannot be read, and says so")
    func damaged() throws {
        let room = try SimulatedRoom()
        let first = try room.start()
        let places = try ["spoilt", "whole"].map { try room.sendHalf(first, $0) }
        try first.store.close()
        let file = try room.disk.open("/store/commitlog/00000000000000000000", .readWrite)
        try file.write([0].rawSpan, at: Int(places[0].physicalOffset) + RecordLayout.body)
        room.clock.advance(milliseconds: 6_000)
        let core = try room.start()
        defer { try? core.store.close() }
        room.check(core)
        #expect(core.standing(0) == nil && core.standing(1) == 2)
        let warnings = room.lines.all.filter { $0.hasPrefix("warning: ") }
        #expect(warnings.contains { $0.contains("cannot be read") && $0.contains("offset=0") })
    }

    @Test("looks at halves a batch at a time, and one round is over before the next begins")
    func batches() throws {
        let room = try SimulatedRoom()
        let core = try room.start()
        defer { try? core.store.close() }
        for number in 0..<600 { try room.sendHalf(core, "\(number)") }
        room.clock.advance(milliseconds: 6_000)
        core.checkTransactions()
        #expect(core.transactions.ledger.withLock { $0.openCount } == 256)
        core.checkTransactions()
        room.loop.run()
        #expect(core.transactions.ledger.withLock { $0.openCount } == 600)
        #expect(try core.store.maximumOffset(core.transactions.halves) == 1_200)
        room.check(core)
        #expect(try core.store.maximumOffset(core.transactions.halves) == 1_800)
    }
}

@Suite("the end of a transaction") struct TransactionEndTests {
    @Test("is found under the half's earlier names by a broker that was started since")
    func earlierNames() throws {
        let room = try SimulatedRoom()
        let first = try room.start()
        let half = try room.sendHalf(first, "pay")
        for _ in 0..<2 {
            room.clock.advance(milliseconds: 6_000)
            room.check(first)
        }
        #expect(first.standing(0) == 2)
        try first.keepTransactions()
        try first.state.offsets.persist()
        try first.store.close()
        let core = try room.start()
        defer { try? core.store.close() }
        room.check(core)
        for _ in 0..<2 { #expect(try core.commit(half) == .success) }
        #expect(try core.bodies("Orders") == ["pay"])
        #expect(core.transactions.ledger.withLock { $0.openCount } == 0)
    }

    /// A broker with a half and a committed one, whose note the disk refuses from the operation of
    /// this number on; nil when the end of the transaction does not come so far.
    private func commitUnnoted(
        _ room: inout SimulatedRoom, failing number: Int
    ) throws -> BrokerCore? {
        let core = try room.start()
        _ = try core.store.append(to: core.store.queue(topic: "Orders", id: 0), body: [1].rawSpan)
        let half = try room.sendHalf(core, "pay")
        try core.store.flush()
        room.disk.plan = FaultPlan(at: room.disk.operations + number, kind: .error(EIO))
        let code = try? core.commit(half)
        room.disk.plan = nil
        let noteCount = try core.store.maximumOffset(core.transactions.notes)
        return code == .success && noteCount == 0 ? core : nil
    }

    @Test("counts though it cannot be noted")
    func unnoted() throws {
        var room = try SimulatedRoom()
        let core = try #require(try commitUnnoted(&room, failing: 0))
        defer { try? core.store.close() }
        #expect(room.lines.contains("the end of a transaction could not be noted"))
        #expect(core.standing(0) == nil)
        room.clock.advance(milliseconds: 6_000)
        room.check(core)
        #expect(try core.store.maximumOffset(core.transactions.halves) == 1, "nobody is asked")
        #expect(try core.bodies("Orders").dropFirst() == ["pay"])
    }

    @Test("is not lost when it cannot be noted and the power goes")
    func unnotedAndCut() throws {
        for seed in 1...20 as ClosedRange<UInt64> {
            var room = try SimulatedRoom(seed: seed)
            let core = try #require(try commitUnnoted(&room, failing: 0))
            room.check(core)
            try core.keepTransactions()
            try core.state.offsets.persist()
            room.cutPower()
            let next = try room.start()
            defer { try? next.store.close() }
            let isThere = try next.bodies("Orders").contains("pay")
            #expect(isThere || next.standing(0) == 0, "seed \(seed)")
        }
    }
}
