// A broker's parts on a disk that the power can leave, stepped by hand.

import ApusStore
import ApusSystem
import Logging
import NIOEmbedded
import TestSupport

@testable import ApusBroker
@testable import Simulation

/// What lives of a broker come and go in. Used by one thread.
struct SimulatedRoom {
    let clock = ManualClock(wallMilliseconds: 1_700_000_000_000)
    /// Errands that wait run when it is told to.
    let loop = EmbeddedEventLoop()
    let lines = LogLines()
    var numbers: SeededNumbers
    var disk: SimulatedDisk
    var configuration = BrokerConfiguration()

    init(seed: UInt64 = 1) throws {
        numbers = SeededNumbers(seed: seed)
        disk = SimulatedDisk(SeededNumbers(seed: seed))
        configuration.name = "broker-a"
        configuration.storePath = "/store"
        configuration.store = LineageOptions().configuration
        try disk.createDirectories("/store/config")
    }

    /// A life of the broker.
    func start() throws -> BrokerCore {
        let store = try MessageStore.open(
            "/store", configuration.store, observer: nil, disk: disk, time: .manual(clock))
        let state = try BrokerState.open(
            configuration, on: disk, time: .manual(clock), logger: .silent)
        return try BrokerCore(
            configuration: configuration, store: store, state: state,
            connections: ConnectionTable(), errands: loop, logger: lines.logger,
            time: .manual(clock))
    }

    /// A round of questions about open transactions, and all errands behind it.
    func check(_ core: BrokerCore) {
        core.checkTransactions()
        loop.run()
    }

    /// The power goes at some moment of the next life.
    mutating func planCut() {
        disk.plan = FaultPlan(
            at: disk.operations + Int.random(in: 20..<400, using: &numbers), kind: .end)
    }

    /// What the power left is there, and the power again.
    mutating func cutPower() { disk = disk.afterPowerCut(seed: numbers.next()) }
}

extension BrokerCore {
    /// All that can be read of a queue.
    func stored(_ topic: String, queue: Int32 = 0) throws -> [StoredMessage] {
        let queue = try store.queue(topic: topic, id: queue)
        return try store.read(
            queue, from: store.minimumOffset(queue), count: 100_000, byteCount: 1 << 28
        ).messages()
    }
}
