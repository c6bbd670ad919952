// L0: every operation of a scenario fails, one after the other, once and for ever, until there is
// no operation left.

import ApusStore
import ApusSystem
import Glibc
import TestSupport

/// Opens, appends over a roll, flushes, deletes, closes, recovers, with one fault.
public struct FaultLoop {
    public let seed: UInt64
    private let options: LineageOptions
    /// Runs so far; each is one fault, judged after a kill and after a power cut.
    public private(set) var runs = 0

    public init(seed: UInt64) {
        self.seed = seed
        var numbers = SeededNumbers(seed: seed)
        options = LineageOptions(&numbers)
    }

    static let kinds: [(name: String, kind: FaultPlan.Kind)] = [
        ("EIO", .error(EIO)), ("ENOSPC", .error(ENOSPC)), ("EINTR", .error(EINTR)),
        ("a short write", .shortWrite), ("the end", .end),
    ]

    /// All faults of all kinds. Throws the first violation.
    public mutating func run() throws {
        for (name, kind) in Self.kinds {
            for isForever in [false, true] {
                if case .end = kind, isForever { continue }
                var number = 0
                while true {
                    let plan = FaultPlan(at: number, kind: kind, isForever: isForever)
                    do {
                        guard try run(plan) else { break }
                    } catch {
                        throw Violation(
                            "operation \(number) fails with \(name) "
                                + "\(isForever ? "for ever" : "once"): \(error)")
                    }
                    number += 1
                }
            }
        }
    }

    /// One scenario; false when its operations came to an end before the fault.
    private mutating func run(_ plan: FaultPlan) throws -> Bool {
        var machine = Machine(options, SeededNumbers(seed: seed))
        machine.disk.plan = plan
        do { try Self.scenario(&machine) } catch let violation as Violation {
            throw violation
        } catch {}
        let hadFault = machine.disk.hasFailed
        machine.letGo()
        var cut = machine
        cut.disk = machine.disk.afterPowerCut(seed: machine.numbers.next())
        try Self.judge(&cut, answered: false)
        machine.disk.afterKill()
        try Self.judge(&machine, answered: true)
        runs += 1
        return hadFault
    }

    /// The store opens without faults, holds what it promised, and takes messages again.
    private static func judge(_ machine: inout Machine, answered: Bool) throws {
        _ = try machine.open(answered: answered)
        try machine.compare()
        for _ in 0..<3 { try machine.append([machine.makeMessage()], asBatch: false) }
        try machine.compare()
        machine.letGo()
    }

    private static func scenario(_ machine: inout Machine) throws {
        _ = try machine.open(answered: true)
        for round in 0..<2 {
            for number in 0..<18 {
                if number % 6 == 5 {
                    let queue = machine.options.queues[0]
                    let sent = (0..<2).map { _ in machine.makeMessage(plain: true, to: queue) }
                    try machine.append(sent, asBatch: true)
                } else {
                    try machine.append(
                        [machine.makeMessage()], asBatch: false, awaits: number % 4 != 1)
                }
                if number % 5 == 4 { try machine.stepAgents() }
            }
            try machine.compare()
            machine.clock.advance(milliseconds: round == 0 ? 500 : 7_200_000)
            try machine.stepAgents()
            try machine.stepAgents()
            try machine.flush()
            if round == 0 { try machine.reopen() } else { try recover(&machine) }
        }
        try machine.compare()
        try machine.reopen()
    }

    /// The process is killed behind what was flushed, and what opens the store next recovers it.
    private static func recover(_ machine: inout Machine) throws {
        for _ in 0..<3 { try machine.append([machine.makeMessage()], asBatch: false) }
        let disk = machine.disk
        guard !disk.hasFailed else { return }
        let plan = disk.plan
        machine.letGo()
        disk.afterKill()
        disk.plan = plan
        _ = try machine.open(answered: true)
    }
}

extension Machine {
    /// Each agent once.
    mutating func stepAgents() throws {
        guard let store else { return }
        for agent in store.agents { _ = agent.doWork() }
        settle()
    }
}
