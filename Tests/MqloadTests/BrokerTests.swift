// What `mqload` makes of brokers that lie, and of what they say of their topics and routes.

import ApusRemoting
import Bench
import Foundation
import Histogram
import TestSupport
import Testing

@testable import mqload

@Suite("mqload and brokers of any kind", .serialized) struct BrokerTests {
    @Test("a topic that is there is left as it is")
    func topicThatIsThere() async throws {
        let directory = try TemporaryDirectory()
        let broker = FakeBroker()
        let result = try await broker.serve { address in
            try await measure("produce --broker \(address) --queues 16", in: directory)
        }
        #expect(result.checked && broker.made.isEmpty, "\(result.notes)")
    }

    @Test("a topic that is not there is made")
    func topicThatIsNotThere() async throws {
        let directory = try TemporaryDirectory()
        let broker = FakeBroker(Manners(topic: .topicNotExist, topicBody: ""))
        let result = try await broker.serve { address in
            try await measure(
                "produce --broker \(address) --topic orders --queues 1", in: directory)
        }
        #expect(result.checked && broker.made == ["orders"], "\(result.notes)")
    }

    @Test(
        "a topic of which the broker says nothing that is understood is not overwritten",
        arguments: [
            (ResponseCode.systemError, "{}"), (.requestCodeNotSupported, ""), (.success, "?"),
            (.success, "{}"), (.success, #"{"writeQueueNums":0}"#),
        ])
    func topicOfUnknownState(code: ResponseCode, body: String) async throws {
        let directory = try TemporaryDirectory()
        let broker = FakeBroker(Manners(topic: code, topicBody: body))
        _ = try await broker.serve { address in
            await #expect(throws: BenchError.self) {
                _ = try await measure("produce --broker \(address)", in: directory)
            }
        }
        #expect(broker.made.isEmpty)
    }

    @Test("the broker is found by NameServers, by the topic's route or among all")
    func routes() async throws {
        for route in [ResponseCode.success, .topicNotExist] {
            let directory = try TemporaryDirectory()
            let server = FakeBroker(Manners(route: route))
            let result = try await server.serve { address in
                try await measure("produce --namesrv 127.0.0.1:1;\(address)", in: directory)
            }
            #expect(result.checked, "\(result.notes)")
            #expect(server.wasAsked(.getBrokerClusterInfo) == (route == .topicNotExist))
        }
        let directory = try TemporaryDirectory()
        await #expect(throws: (any Error).self) {
            try await measure("produce --namesrv 127.0.0.1:1", in: directory)
        }
    }

    @Test("an end that is seen a little later is no loss")
    func lateEnd() async throws {
        let directory = try TemporaryDirectory()
        let result = try await FakeBroker(Manners(staleLooks: 4)).serve { address in
            try await measure("produce --broker \(address)", in: directory)
        }
        #expect(result.checked, "\(result.notes)")
    }

    @Test("requests that were due and not sent are counted")
    func unsent() async throws {
        let directory = try TemporaryDirectory()
        let broker = FakeBroker(Manners(patience: 40))
        let result = try await broker.serve { address in
            try await measure(
                "produce --broker \(address) --rate 200 --connections 1 --in-flight 1"
                    + " --seconds 0.25 --no-roofline", in: directory)
        }
        #expect(count("unsent", result) > 0)
        #expect(result.notes.contains { $0.hasPrefix("the rate was not kept") })
    }

    @Test("pulls that bring what is there are right")
    func rightPulls() async throws {
        let directory = try TemporaryDirectory()
        let result = try await FakeBroker(Manners(held: 4)).serve { address in
            try await measure("consume --broker \(address) --messages 4", in: directory)
        }
        #expect(result.checked && count("messages", result) > 4, "\(result.notes)")
    }

    @Test(
        "pulls with a message too few, another place to go on at or a flipped byte are found out",
        arguments: Manners.Pulls.allCases.filter { $0 != .right })
    func wrongPulls(pulls: Manners.Pulls) async throws {
        let directory = try TemporaryDirectory()
        let result = try await FakeBroker(Manners(held: 4, pulls: pulls)).serve { address in
            try await measure("consume --broker \(address) --messages 4", in: directory)
        }
        #expect(!result.checked && count("messages", result) == 0)
        let words = pulls == .flippedByte ? "a record that is damaged" : "comes next"
        #expect(result.notes.contains { $0.contains(words) }, "\(result.notes)")
    }

    @Test("a message that was acknowledged and does not come is missed")
    func lostOnTheWay() async throws {
        for loses in [false, true] {
            let directory = try TemporaryDirectory()
            let broker = FakeBroker(Manners(keeps: { !loses || $0 != 5 }))
            let result = try await broker.serve { address in
                try await measure(
                    "end-to-end --broker \(address) --rate 200 --connections 2", in: directory)
            }
            #expect(result.checked == !loses, "\(result.notes)")
            let note = "acknowledged and not delivered within 0.5 s: 1"
            #expect(result.notes.contains(note) == loses)
        }
    }

    @Test("a topic is filled with large bodies too")
    func largeBodies() async throws {
        let directory = try TemporaryDirectory()
        let result = try await measure(
            "consume --messages 8 --queues 1 --body 1m --connections 1 --in-flight 1", in: directory
        )
        #expect(result.checked, "\(result.notes)")
    }

    @Test("idle connections are opened with a heartbeat, and the broker's memory is looked at")
    func idle() async throws {
        let directory = try TemporaryDirectory()
        let result = try await FakeBroker().serve { address in
            try await measure(
                "idle --connections 20 --broker \(address) --pid \(getpid())", in: directory)
        }
        #expect(result.checked, "\(result.notes)")
        #expect(count("requests", result) == 21 && count("residentBytesAfter", result) > 0)
    }

    @Test("idle connections that were closed meanwhile are no idle ones")
    func closedMeanwhile() async throws {
        let directory = try TemporaryDirectory()
        let result = try await FakeBroker(Manners(patience: 11)).serve { address in
            try await measure(
                "idle --connections 20 --broker \(address) --pid \(getpid())", in: directory)
        }
        #expect(!result.checked)
        #expect(result.notes.contains("closed meanwhile: 10 of 21 connections"))
    }

    @Test("no more connections are asked for than a broker takes besides the first one")
    func tooMany() throws {
        let limit = RemotingConfiguration().maximumConnections - 1
        for (count, isTaken) in [(limit, true), (limit + 1, false)] {
            let options = try Options(["--connections", "\(count)"], allowed: Flag.common)
            let plan = try? LoadPlan(options)
            #expect((plan?.connections == count) == isTaken)
        }
    }
}
