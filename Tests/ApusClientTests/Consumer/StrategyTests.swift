// Who gets which queues: as RocketMQ's clients decide it, since both may be in one group.

import TestSupport
import Testing

@testable import ApusClient

@Suite("Allocation strategies")
struct AllocationTests {
    private static let strategies: [any AllocationStrategy] = [
        AverageAllocation(), CircleAllocation(), ConsistentHashAllocation(),
        MachineRoomAllocation(rooms: ["r1", "r2"]),
    ]

    private static func queues(_ brokers: [String], _ count: Int) -> [MessageQueue] {
        brokers.flatMap { broker in
            (0..<Int32(count)).map { MessageQueue(topic: "Orders", broker: broker, id: $0) }
        }.sorted()
    }

    private func ids(_ queues: [MessageQueue]) -> [Int32] { queues.map(\.id) }

    @Test("each queue is somebody's and nobody else's, whatever their numbers")
    func everyQueueOnce() {
        var numbers = SeededNumbers.printed()
        for _ in 0..<200 {
            let brokers = (0..<Int.random(in: 1...3, using: &numbers)).map {
                "r\($0 % 2 + 1)@b\($0)"
            }
            let queues = Self.queues(brokers, Int.random(in: 0...9, using: &numbers))
            let members = (0..<Int.random(in: 1...12, using: &numbers)).map {
                "10.0.0.\($0)@\(UInt32.random(in: 0...999, using: &numbers))"
            }.sorted { $0.isBefore($1) }
            for strategy in Self.strategies {
                let all = members.flatMap { strategy.queues(of: $0, among: members, queues) }
                #expect(all.sorted() == queues, "\(strategy.name), \(members.count) members")
            }
        }
    }

    @Test("whoever is not a member gets nothing")
    func stranger() {
        for strategy in Self.strategies {
            let own = strategy.queues(of: "x", among: ["a"], Self.queues(["r1@b"], 4))
            #expect(own.isEmpty, "\(strategy.name)")
        }
    }

    @Test("AVG gives stretches, the first members one more; AVG_BY_CIRCLE one after the other")
    func averages() {
        let queues = Self.queues(["b"], 8)
        let members = ["m1", "m2", "m3"]
        let average = members.map { AverageAllocation().queues(of: $0, among: members, queues) }
        #expect(average.map(ids) == [[0, 1, 2], [3, 4, 5], [6, 7]])
        let circle = members.map { CircleAllocation().queues(of: $0, among: members, queues) }
        #expect(circle.map(ids) == [[0, 3, 6], [1, 4, 7], [2, 5]])
        let few = members.map {
            AverageAllocation().queues(of: $0, among: members, Self.queues(["b"], 2))
        }
        #expect(few.map(ids) == [[0], [1], []])
    }

    @Test("CONSISTENT_HASH lies on Java's ring")
    func ring() {
        // By a ring of MD5 hashes made with another program, after RocketMQ's source.
        let members = ["10.0.0.1@1#a", "10.0.0.1@1#b", "10.0.0.2@7#c"]
        let queues = Self.queues(["broker-a", "broker-b"], 6)
        let own = members.map { member in
            ConsistentHashAllocation().queues(of: member, among: members, queues).map {
                "\($0.broker.last ?? "?")\($0.id)"
            }
        }
        #expect(
            own == [
                ["a2", "a3", "b0", "b2", "b3"], ["a1", "a5", "b1"], ["a0", "a4", "b4", "b5"],
            ])
    }

    @Test("when a member goes, CONSISTENT_HASH moves its queues and no others")
    func fewMove() {
        let members = ["a", "b", "c", "d"]
        let queues = Self.queues(["x", "y"], 16)
        let strategy = ConsistentHashAllocation()
        for gone in members {
            let rest = members.filter { $0 != gone }
            for member in rest {
                let before = Set(strategy.queues(of: member, among: members, queues))
                let after = Set(strategy.queues(of: member, among: rest, queues))
                #expect(before.isSubset(of: after))
            }
        }
    }

    @Test("MACHINE_ROOM looks at near brokers alone")
    func rooms() {
        let queues = Self.queues(["r1@a", "r2@b", "far"], 3)
        let strategy = MachineRoomAllocation(rooms: ["r1"])
        let own = ["m1", "m2"].map { strategy.queues(of: $0, among: ["m1", "m2"], queues) }
        #expect(own.map(ids) == [[0, 2], [1]] && own.joined().allSatisfy { $0.broker == "r1@a" })
    }

    @Test("CONFIG gives what was fixed, and shares out topics of which nothing is")
    func fixed() {
        let queues = Self.queues(["b"], 4)
        let strategy = FixedAllocation([queues[1], queues[3]])
        #expect(ids(strategy.queues(of: "m", among: ["m", "n"], queues)) == [1, 3])
        let retry = [MessageQueue(topic: "%RETRY%g", broker: "b", id: 0)]
        #expect(strategy.queues(of: "m", among: ["m", "n"], retry) == retry)
        #expect(strategy.queues(of: "n", among: ["m", "n"], retry).isEmpty)
    }

    @Test(
        "MD5 is that of RFC 1321",
        arguments: [
            ("", "d41d8cd98f00b204e9800998ecf8427e"), ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a"
            ),
        ])
    func md5(text: String, digest: String) {
        let found = MD5.digest(Array(text.utf8)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }
        #expect(found.joined() == digest)
    }
}
