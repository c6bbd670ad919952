// The power goes while transactions are opened, ended and asked about. A half that was on the
// device ends as its producer wants it, sooner or later; one that is rolled back is never
// delivered.

import ApusFormat
import ApusRemoting
import ApusStore
import ApusSystem
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import ApusBroker
@testable import Simulation

/// A broker on a disk that loses what was not synced, and a producer that never forgets what it
/// decided. Stepped by hand.
private struct Machine {
    /// A half, and what its producer will say of it.
    struct Sent {
        let number: Int
        let isCommitted: Bool
        let place: AppendResult
        var isDurable = false
        var end: Int64 { place.physicalEnd }
    }

    var room: SimulatedRoom
    var sent: [Sent] = []
    private var count = 0
    /// Keeps how far it has come without bringing it to the device.
    let isCareless: Bool

    init(seed: UInt64, isCareless: Bool) throws {
        room = try SimulatedRoom(seed: seed)
        // Chance may keep a producer from answering for long; in the end it does.
        room.configuration.transactions.checkLimit = 1_000
        self.isCareless = isCareless
    }

    mutating func act(_ core: BrokerCore) {
        switch Int.random(in: 0..<12, using: &room.numbers) {
        case 0..<4: try? send(core)
        case 4..<6:
            // In the first place a producer ends what it began.
            if let one = sent.randomElement(using: &room.numbers) { end(one, core) }
        case 6: room.clock.advance(milliseconds: Int64.random(in: 0...8_000, using: &room.numbers))
        case 7: room.check(core)
        case 8: answer(core)
        case 9: try? core.store.flush()
        default: keep(core)
        }
        for index in sent.indices where sent[index].end <= core.store.flushed {
            sent[index].isDurable = true
        }
    }

    private mutating func send(_ core: BrokerCore) throws {
        count += 1
        var properties: [UInt8] = []
        PropertyEdit.append("TRAN_MSG", "true", to: &properties)
        PropertyEdit.append("PGROUP", "payers", to: &properties)
        let whole = PropertyEdit.remembering(topic: "Orders", queueID: 0, in: properties.rawSpan)
        let isCommitted = Bool.random(using: &room.numbers)
        let place = try core.store.appendWithoutWaiting(
            to: core.transactions.halves, body: Array("\(count)".utf8).rawSpan,
            properties: whole.rawSpan)
        sent.append(Sent(number: count, isCommitted: isCommitted, place: place))
    }

    private func end(_ one: Sent, _ core: BrokerCore) {
        end(
            isCommitted: one.isCommitted, queueOffset: one.place.queueOffset,
            physicalOffset: one.place.physicalOffset, core)
    }

    private func end(
        isCommitted: Bool, queueOffset: Int64, physicalOffset: Int64, _ core: BrokerCore
    ) {
        _ = try? core.endTransaction(
            .request(
                .endTransaction,
                fields: [
                    "producerGroup": "payers", "commitOrRollback": isCommitted ? "8" : "12",
                    "tranStateTableOffset": "\(queueOffset)",
                    "commitLogOffset": "\(physicalOffset)",
                ]), for: nil)
    }

    /// The producer is asked about halves that are open, and says what it decided.
    func answer(_ core: BrokerCore) {
        let start = core.transactions.ledger.withLock { ledger in ledger.needed().halves }
        guard
            let batch = try? core.store.read(
                core.transactions.halves, from: start, count: 100_000, byteCount: 1 << 28)
        else { return }
        batch.forEach { record in
            let number = Int(String(decoding: [UInt8](record.body), as: UTF8.self))
            guard let one = sent.first(where: { $0.number == number }) else { return }
            end(
                isCommitted: one.isCommitted, queueOffset: record.queueOffset,
                physicalOffset: record.physicalOffset, core)
        }
    }

    private func keep(_ core: BrokerCore) {
        if isCareless {
            let needed = core.transactions.ledger.withLock { $0.needed() }
            let places = [
                (core.transactions.halves, needed.halves), (core.transactions.notes, needed.notes),
            ]
            for (queue, offset) in places {
                core.state.offsets.commit(
                    group: Transactions.group, topic: queue.topic, queue: 0, offset: offset)
            }
        } else {
            do { try core.keepTransactions() } catch { return }
        }
        try? core.state.offsets.persist()
    }

    /// Lives that the power ends, and one in which all is answered. What is wrong then.
    mutating func run() throws -> [String] {
        for _ in 0..<4 {
            room.planCut()
            do {
                let core = try room.start()
                for _ in 0..<200 where !room.disk.isOff { act(core) }
                try? core.store.close()
            } catch {
                guard room.disk.isOff else { throw error }
            }
            sent.removeAll { !$0.isDurable }
            room.cutPower()
        }
        room.disk.plan = nil
        let core = try room.start()
        defer { try? core.store.close() }
        for _ in 0..<10 {
            room.clock.advance(milliseconds: 8_000)
            room.check(core)
            answer(core)
        }
        return try complaints(core)
    }

    private func complaints(_ core: BrokerCore) throws -> [String] {
        var found: [Int: Int] = [:]
        let batch = try core.store.read(
            core.store.queue(topic: "Orders", id: 0), from: 0, count: 100_000, byteCount: 1 << 28)
        batch.forEach { record in
            found[Int(String(decoding: [UInt8](record.body), as: UTF8.self)) ?? -1, default: 0] += 1
        }
        return sent.compactMap { sent in
            let times = found[sent.number] ?? 0
            if sent.isCommitted, times == 0 { return "\(sent.number) is lost" }
            return !sent.isCommitted && times > 0 ? "\(sent.number) was rolled back" : nil
        }
    }
}

@Suite("transactions, when the power goes") struct TransactionPowerTests {
    @Test("end as their producers want, each whose half was on the device")
    func cuts() throws {
        var count = 0
        for seed in [1337] + Array(1...60) as [UInt64] {
            var machine = try Machine(seed: seed, isCareless: false)
            #expect(try machine.run() == [], "seed \(seed)")
            count += machine.sent.count
        }
        #expect(count > 500, "too few were on the device to say anything")
    }

    @Test("are lost by a broker that keeps how far it has come too early")
    func control() throws {
        let isLost = try (1...60 as ClosedRange<UInt64>).contains { seed in
            var machine = try Machine(seed: seed, isCareless: true)
            return try machine.run().contains { $0.hasSuffix("is lost") }
        }
        #expect(isLost)
    }
}
