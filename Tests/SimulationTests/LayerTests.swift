// A little of each layer with every run of the tests; `make simulate` runs them longer.

import ApusSystem
import TestSupport
import Testing

@testable import ApusStore
@testable import Simulation

@Suite("on a simulated disk, a store") struct LayerTests {
    @Test("keeps its promises through random crashes")
    func states() throws {
        var numbers = SeededNumbers.printed()
        for _ in 0..<40 {
            // Printed below when it fails: `simulate states --seed … --count 1` runs it again.
            let seed = numbers.next()
            var lineage = Lineage(seed: seed)
            do { try lineage.run() } catch { Issue.record("seed \(seed): \(error)") }
            #expect(lineage.states > 0)
        }
    }

    @Test("equals the model after every step")
    func model() throws {
        var numbers = SeededNumbers.printed()
        for _ in 0..<20 {
            let seed = numbers.next()
            var lineage = Lineage(seed: seed)
            lineage.isDeep = true
            do { try lineage.run() } catch { Issue.record("seed \(seed): \(error)") }
        }
    }

    @Test("gives the same states for the same seed")
    func replay() throws {
        func trace() throws -> (Int, Int, Int) {
            var lineage = Lineage(seed: 11)
            try lineage.run()
            return (lineage.states, lineage.interrupted, lineage.operations)
        }
        let first = try trace()
        #expect(try trace() == first)
        #expect(first.2 > 100)
    }

    @Test("keeps a queue whose topic's directory was made by a process that was killed at it")
    func halfMadeDirectories() throws {
        var machine = Machine(LineageOptions(), SeededNumbers(seed: 3))
        func append(_ topic: String, _ id: Int32) throws {
            let message = machine.makeMessage(plain: true, to: QueueName(topic: topic, id: id))
            try machine.append([message], asBatch: false)
        }
        _ = try machine.open(answered: true)
        try append("T1", 0)
        try machine.flush()
        machine.letGo()
        let disk = machine.disk
        let topic = "/store/consumequeue/T0"
        while !disk.directories.contains(topic) {
            disk.plan = FaultPlan(at: disk.operations, kind: .end)
            #expect(throws: DiskError.self) { try disk.createDirectory(topic) }
            disk.afterKill()
        }
        _ = try machine.open(answered: true)
        try append("T0", 0)
        try machine.flush()
        // One that makes up for the number of queues, in a topic whose name is durable.
        try append("T1", 1)
        machine.letGo()
        for seed in 1...64 {
            var one = machine
            one.disk = disk.afterPowerCut(seed: UInt64(seed))
            _ = try one.open(answered: false)
            try one.compare()
            one.letGo()
        }
    }

    @Test("keeps the time of a log that was flushed less far than its queues when the power went")
    func timeBehindQueues() throws {
        var machine = Machine(LineageOptions(), SeededNumbers(seed: 5))
        func append() throws { try machine.append([machine.makeMessage()], asBatch: false) }
        func flush(at milliseconds: Int64, _ before: Int64) {
            machine.clock.advance(milliseconds: milliseconds - before)
            for agent in machine.store?.agents ?? [] where agent is Flusher { _ = agent.doWork() }
            machine.settle()
        }
        _ = try machine.open(answered: true)
        try append()
        flush(at: 100, 0)
        flush(at: 290, 100)
        try append()
        // All queues are due, and the log is not.
        flush(at: 325, 290)
        #expect(machine.model.promised < machine.model.end)
        machine.clock.step(milliseconds: -3_600_000)
        let disk = machine.disk
        machine.letGo()
        for seed in 1...32 {
            var one = machine
            one.disk = disk.afterPowerCut(seed: UInt64(seed))
            _ = try one.open(answered: false)
            try one.append([one.makeMessage()], asBatch: false)
            try one.compare()
            one.letGo()
        }
    }

    @Test("is held to its promises: a model that expects more finds a violation")
    func control() throws {
        var machine = Machine(LineageOptions(), SeededNumbers(seed: 3))
        _ = try machine.open(answered: true)
        for _ in 0..<10 { try machine.append([machine.makeMessage()], asBatch: false) }
        // Nothing was flushed, and the end of all of it counts as promised.
        machine.model.promised = machine.model.end
        let disk = machine.disk
        machine.letGo()
        var violations = 0
        for seed in 1...32 {
            var one = machine
            one.disk = disk.afterPowerCut(seed: UInt64(seed))
            do { _ = try one.open(answered: false) } catch is Violation { violations += 1 }
        }
        #expect(violations > 10 && violations < 32, "\(violations) of 32 cuts took something")
    }
}
