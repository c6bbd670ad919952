// The transactions of a Java broker: five halves, of which one was left open and asked about once.

import ApusFormat
import ApusRemoting
import ApusStore
import ApusSystem
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import ApusBroker

@Suite("the transactions of a RocketMQ broker") struct GoldenTransactionTests {
    private func open(_ golden: GoldenStore, at now: Int64) throws -> BrokerCore {
        var configuration = BrokerConfiguration()
        configuration.name = "broker-a"
        configuration.storePath = golden.root
        configuration.store.commitLog.segmentByteCount = 65_536
        configuration.store.queues.fileByteCount = 2_000
        configuration.store.index.slotCount = 100
        configuration.store.index.entryCapacity = 400
        configuration.store.threads = .manual
        let time = TimeSource.manual(ManualClock(wallMilliseconds: now))
        let store = try MessageStore.open(
            golden.root, configuration.store, observer: nil, disk: SystemDisk(), time: time)
        let state = try BrokerState.open(
            configuration, on: SystemDisk(), time: time, logger: .silent)
        return try BrokerCore(
            configuration: configuration, store: store, state: state,
            connections: ConnectionTable(),
            errands: MultiThreadedEventLoopGroup.singleton.next(), logger: .silent, time: time)
    }

    private func stored(_ core: BrokerCore, _ queue: MessageQueue) throws -> [StoredMessage] {
        try core.store.read(queue, from: core.store.minimumOffset(queue)).messages()
    }

    @Test("are gone on with: the one that is open is asked about, and ends by its old name")
    func goingOn() throws {
        let golden = try GoldenStore("clean")
        let left = try #require(
            golden.manifest.messages.last { $0.topic == WellKnownName.halfMessages })
        let core = try open(golden, at: left.storeTimestamp + 60_000)
        core.checkTransactions()
        let halves = try stored(core, core.transactions.halves)
        #expect(halves.map(\.queueOffset) == Array(0...6))
        let asked = try #require(halves.last)
        #expect(asked.property("TRANSACTION_CHECK_TIMES") == "2")
        #expect(asked.property("UNIQ_KEY") == left.properties["UNIQ_KEY"])
        let notes = try stored(core, core.transactions.notes)
        #expect(notes.map { String(decoding: $0.body, as: UTF8.self) } == ["0,2,1,4,", "5,"])
        // What our notes are beside Java's.
        #expect(Set(notes[0].properties) == Set(notes[1].properties))
        let answer = try core.endTransaction(
            .request(
                .endTransaction,
                fields: [
                    "producerGroup": "golden_tx_pg", "commitOrRollback": "8",
                    "tranStateTableOffset": "\(left.queueOffset)",
                    "commitLogOffset": "\(left.physicalOffset)",
                ]), for: nil)
        #expect(answer.code == .success)
        let delivered = try stored(core, core.store.queue(topic: "GoldTx", id: 3))
        #expect(delivered.map(\.fields.preparedTransactionOffset) == [left.physicalOffset])
        #expect(delivered.map(\.fields.systemFlag.rawValue) == [8])
        #expect(delivered.first?.property("REAL_TOPIC") == "GoldTx")
        core.checkTransactions()
        let kept = [WellKnownName.halfMessages, WellKnownName.halfOperations].map {
            core.state.offsets.offset(group: Transactions.group, topic: $0, queue: 0)
        }
        #expect(kept == [7, 3])
        try core.store.close()
    }
}
