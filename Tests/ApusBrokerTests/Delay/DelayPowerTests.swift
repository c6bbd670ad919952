// The power goes while delayed messages wait and are delivered. Each that was on the device is
// delivered, no later life delivers before the time, and how far a level had come is never kept
// ahead of what the device has of it.

import ApusFormat
import ApusStore
import ApusSystem
import NIOPosix
import TestSupport
import Testing

@testable import ApusBroker
@testable import Simulation

/// A broker's delayed delivery on a disk that loses what was not synced. Stepped by hand.
private struct Machine {
    static let delays: [Int64] = [1_000, 3_000, 5_000]

    /// A message that waits, or has waited.
    struct Sent {
        let number: Int
        let due: Int64
        /// Where its record ends in the log.
        let end: Int64
        var isDurable = false
    }

    var room: SimulatedRoom
    var sent: [Sent] = []
    private var count = 0
    /// Keeps how far levels have come without bringing what they delivered to the device.
    let isCareless: Bool

    init(seed: UInt64, isCareless: Bool) throws {
        room = try SimulatedRoom(seed: seed)
        room.configuration.delay.levels = Self.delays
        self.isCareless = isCareless
    }

    /// One life of the broker; nil when the power fails before it is there.
    func start() throws -> Life? {
        do {
            return try Life(room)
        } catch {
            guard room.disk.isOff else { throw error }
            return nil
        }
    }

    struct Life {
        let store: MessageStore
        let core: BrokerCore
        let delivery: DelayedDelivery

        init(_ room: SimulatedRoom) throws {
            core = try room.start()
            store = core.store
            delivery = try DelayedDelivery(core)
        }
    }

    /// Does something; everything may fail when the power does.
    mutating func act(_ life: Life) {
        switch Int.random(in: 0..<12, using: &room.numbers) {
        case 0..<4: try? send(life)
        case 4..<6:
            room.clock.advance(milliseconds: Int64.random(in: 0...1_500, using: &room.numbers))
        case 6..<9: deliver(life)
        case 9: try? life.store.flush()
        default: keep(life)
        }
        for index in sent.indices where sent[index].end <= life.store.flushed {
            sent[index].isDurable = true
        }
    }

    private mutating func send(_ life: Life) throws {
        let level = Int.random(in: 1...Self.delays.count, using: &room.numbers)
        let properties = Properties.encode([
            Property(name: "DELAY", value: "\(level)")
        ])
        count += 1
        let number = count
        guard
            let delayed = DelayedMessage(
                topic: "Orders", queueID: Int32(number % 2), properties: properties.rawSpan,
                table: life.core.delays)
        else { return }
        let now = room.clock.wallMilliseconds
        let result = try life.store.append(
            to: life.store.queue(
                topic: WellKnownName.schedule, id: DelayTable.queueID(level: delayed.level)),
            body: Array("\(number)".utf8).rawSpan, properties: delayed.properties.rawSpan)
        sent.append(
            Sent(
                number: number, due: now + Self.delays[level - 1],
                end: result.physicalEnd))
    }

    func deliver(_ life: Life) {
        for index in Self.delays.indices {
            while case .more = life.delivery.step(index, now: room.clock.wallMilliseconds).0 {
                if room.disk.isOff { return }
            }
        }
    }

    private func keep(_ life: Life) {
        if isCareless {
            for index in Self.delays.indices {
                let offset = life.delivery.step(index, now: room.clock.wallMilliseconds).2
                life.core.state.delayOffsets.set(level: Int32(index + 1), to: offset)
            }
        } else {
            do { try life.delivery.keepOffsets() } catch { return }
        }
        try? life.core.state.delayOffsets.persist()
    }

    /// Lives that the power ends, and one that delivers the rest. Answers what is wrong.
    mutating func run() throws -> [String] {
        for _ in 0..<4 {
            room.planCut()
            if let life = try start() {
                for _ in 0..<200 where !room.disk.isOff { act(life) }
                try? life.store.close()
            }
            // What reached the log, but was never flushed, the cut may keep or take.
            sent.removeAll { !$0.isDurable }
            room.cutPower()
        }
        room.disk.plan = nil
        let life = try Life(room)
        room.clock.advance(milliseconds: Self.delays.max() ?? 0)
        deliver(life)
        defer { try? life.store.close() }
        return try complaints(life)
    }

    private func complaints(_ life: Life) throws -> [String] {
        var found: [Int: [Int64]] = [:]
        for id in 0..<2 as Range<Int32> {
            let queue = try life.store.queue(topic: "Orders", id: id)
            let batch = try life.store.read(
                queue, from: 0, count: 100_000, byteCount: 1 << 28)
            batch.forEach { record in
                let number = Int(String(decoding: [UInt8](record.body), as: UTF8.self)) ?? -1
                found[number, default: []].append(record.storeTimestamp)
            }
        }
        return sent.flatMap { sent -> [String] in
            let times = found[sent.number] ?? []
            if times.isEmpty { return ["\(sent.number) is lost"] }
            return times.filter { $0 < sent.due }.map { "\(sent.number) came at \($0)" }
        }
    }
}

@Suite("delayed messages, when the power goes") struct DelayPowerTests {
    @Test("are delivered, each that was on the device, and none before its time")
    func cuts() throws {
        var count = 0
        for seed in 1...60 as ClosedRange<UInt64> {
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
