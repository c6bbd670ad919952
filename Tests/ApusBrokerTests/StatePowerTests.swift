// The power goes at each operation of a save, and what was not synced is kept in any part.

import ApusSystem
import TestSupport
import Testing

@testable import ApusBroker
@testable import Simulation

@Suite("a save that the power ends") struct StatePowerTests {
    private var configuration: BrokerConfiguration {
        var configuration = BrokerConfiguration()
        configuration.name = "broker-a"
        configuration.storePath = "/store"
        return configuration
    }

    private func open(_ disk: SimulatedDisk) throws -> TopicTable {
        try BrokerState.open(
            configuration, on: disk, time: .manual(ManualClock(wallMilliseconds: 1)),
            logger: LogLines().logger
        ).topics
    }

    /// How many topics `T0`, `T1`, … there are; nil when one is missing in between.
    private func count(_ topics: TopicTable) -> Int? {
        let numbers = topics.all.compactMap { topic in
            topic.name.hasPrefix("T") ? Int(topic.name.dropFirst()) : nil
        }
        return numbers.sorted() == Array(0..<numbers.count) ? numbers.count : nil
    }

    @Test("leaves all changes that returned, and the one under way or not")
    func everyOperation() throws {
        for operation in 0..<40 {
            for seed in 1...8 as ClosedRange<UInt64> {
                let disk = SimulatedDisk(SeededNumbers(seed: seed))
                try disk.createDirectories("/store/config")
                let topics = try open(disk)
                disk.plan = FaultPlan(at: disk.operations + operation, kind: .end)
                var made = 0
                while made < 4, (try? topics.update([TopicSettings("T\(made)")])) != nil {
                    made += 1
                }
                let found = count(try open(disk.afterPowerCut(seed: seed)))
                #expect(
                    found == made || found == made + 1,
                    "\(made) were kept, \(String(describing: found)) found; \(operation), \(seed)")
            }
        }
    }

    @Test("leaves a broker that goes on, and keeps its changes through the next cut")
    func goingOn() throws {
        for seed in 1...60 as ClosedRange<UInt64> {
            var numbers = SeededNumbers(seed: seed)
            var disk = SimulatedDisk(SeededNumbers(seed: seed))
            try disk.createDirectories("/store/config")
            var least = 0
            for round in 0..<4 as Range<UInt64> {
                let topics = try open(disk)
                var made = try #require(count(topics))
                #expect(made >= least, "a change is gone; seed \(seed)")
                disk.plan = FaultPlan(
                    at: disk.operations + Int.random(in: 0..<20, using: &numbers), kind: .end)
                while made < 40, (try? topics.update([TopicSettings("T\(made)")])) != nil {
                    made += 1
                }
                least = made
                disk = disk.afterPowerCut(seed: seed &* 8 &+ round)
            }
        }
    }
}
