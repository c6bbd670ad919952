// Transactions: what consumers get, what the broker asks, and what it is answered.

import ApusBroker
import ApusFormat
import Synchronization
import Testing

@testable import ApusClient

private struct Failure: Error {}

@Suite("Transactions of a producer")
struct ProducerTransactionTests {
    @Test("what is committed is delivered, what is rolled back or failed is not")
    func ends() async throws {
        try await withSystem { system in
            try await Producer(ProducerConfiguration(system.client)).running { producer in
                try await producer.sendTransaction(Message("yes", to: "Orders")) { _ in .commit }
                try await producer.sendTransaction(Message("no", to: "Orders")) { _ in .rollback }
                await #expect(throws: Failure.self) {
                    try await producer.sendTransaction(Message("never", to: "Orders")) { _ in
                        throw Failure()
                    }
                }
                let stored = try await allMessages(system, "Orders")
                #expect(stored.map(\.text) == ["yes"])
            }
        }
    }

    @Test("the broker asks about what it was not told, and does what it is answered")
    func asked() async throws {
        let questions = Mutex<[String]>([])
        try await withSystem {
            $0.transactions.timeoutMilliseconds = 100
            $0.transactions.intervalMilliseconds = 100
        } _: { system in
            let producer = try Producer(ProducerConfiguration(system.client)) { message in
                questions.withLock { $0.append(message.text) }
                return message.text == "late" ? .commit : .rollback
            }
            try await producer.running { producer in
                _ = try await producer.queues(of: "Orders")
                try await producer.sendTransaction(Message("late", to: "Orders")) { _ in .unknown }
                try await producer.sendTransaction(Message("lost", to: "Orders")) { _ in .unknown }
                try await eventually("the one is delivered") {
                    try await allMessages(system, "Orders").map(\.text) == ["late"]
                }
                try await eventually("both were asked about") {
                    questions.withLock { Set($0) } == ["late", "lost"]
                }
            }
        }
    }

    @Test("a message of a transaction cannot be delayed")
    func delayed() async throws {
        let producer = try Producer(ProducerConfiguration(nameServers: "127.0.0.1:1"))
        var message = Message("x", to: "Orders")
        message.delayLevel = 1
        let late = message
        await #expect(throws: ClientError.self) {
            try await producer.sendTransaction(late) { _ in .commit }
        }
    }
}
