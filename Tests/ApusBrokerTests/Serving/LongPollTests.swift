// Pulls that wait: woken by publication, by the end of their time, by shutdown.

import ApusFormat
import ApusRemoting
import Testing

@testable import ApusBroker

@Suite("a pull at the end of its queue") struct LongPollTests {
    @Test("is answered by the next message, at once")
    func woken() async throws {
        try await withBroker { client in
            try await client.send("first")
            async let waiting = client.pull(from: 1, wait: 15_000)
            try await client.broker.untilPullsWait(1)
            let clock = ContinuousClock()
            let start = clock.now
            try await client.send("second")
            let pulled = try await waiting
            #expect(pulled.bodies == ["second"] && pulled.nextOffset == 2)
            #expect(clock.now - start < .seconds(2))
        }
    }

    @Test("goes on waiting while messages come that it does not want")
    func filtered() async throws {
        try await withBroker { client in
            try await client.send("first")
            async let waiting = client.pull(from: 1, tags: "Wanted", wait: 15_000)
            try await client.broker.untilPullsWait(1)
            try await client.send(
                "other", properties: [Property(name: "TAGS", value: "Other")])
            try await Task.sleep(for: .milliseconds(50))
            try await client.broker.untilPullsWait(1)
            try await client.send(
                "wanted", properties: [Property(name: "TAGS", value: "Wanted")])
            let pulled = try await waiting
            #expect(pulled.bodies == ["wanted"] && pulled.nextOffset == 3)
        }
    }

    @Test("is told that there is nothing when its time is over")
    func expired() async throws {
        try await withBroker { client in
            try await client.send("first")
            let pulled = try await client.pull(from: 1, wait: 300)
            #expect(pulled.code == .pullNotFound && pulled.nextOffset == 1)
        }
    }

    @Test("is not held beyond what the broker holds, and not at all when it does not ask for it")
    func limited() async throws {
        try await withBroker {
            $0.pulling.heldLimit = 0
        } _: { client in
            try await client.send("first")
            #expect(try await client.pull(from: 1, wait: 15_000).code == .pullNotFound)
            #expect(try await client.pull(from: 1).code == .pullNotFound)
        }
    }

    @Test("is answered when the broker stops")
    func stopping() async throws {
        try await withBroker { client in
            try await client.send("first")
            async let waiting = client.pull(from: 1, wait: 15_000)
            try await client.broker.untilPullsWait(1)
            try await client.broker.stop()
            #expect(try await waiting.code == .pullNotFound)
        }
    }

    @Test("is forgotten when its connection closes")
    func closed() async throws {
        try await withBroker { client in
            try await client.send("first")
            let other = TestClient(client.broker)
            let waiting = Task { try await other.pull(from: 1, wait: 15_000) }
            try await client.broker.untilPullsWait(1)
            await other.close()
            _ = await waiting.result
            try await client.broker.untilPullsWait(0)
        }
    }
}

extension Broker {
    /// Waits until so many pulls are parked.
    func untilPullsWait(_ count: Int) async throws {
        for _ in 0..<2_000 {
            if waitingPulls == count { return }
            try await Task.sleep(for: .milliseconds(2))
        }
        Issue.record("\(waitingPulls) pulls wait, not \(count)")
    }
}
