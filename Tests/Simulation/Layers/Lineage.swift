// L1: a store that is worked with, cut off, recovered, and worked with again, and at each cut many
// other cuts that might have been.

import ApusStore
import ApusSystem
import TestSupport

/// One lineage of crashes, all of it from one seed.
struct Lineage {
    let seed: UInt64
    let options: LineageOptions
    private var machine: Machine
    /// Crash states that were recovered and compared.
    private(set) var states = 0
    /// Of these, those whose recovery was cut off at least once.
    private(set) var interrupted = 0
    /// Operations on the last disk: two runs of one seed come to the same.
    var operations: Int { machine.disk.operations }
    /// Compares with the model at every step, not only after crashes.
    var isDeep = false

    init(seed: UInt64) {
        self.seed = seed
        var numbers = SeededNumbers(seed: seed)
        options = LineageOptions(&numbers)
        machine = Machine(options, numbers)
    }

    /// Runs to the end, or to the first violation.
    mutating func run() throws {
        guard try machine.open(answered: true) != nil else { return }
        for _ in 0..<options.steps {
            switch Int.random(in: 0..<100, using: &machine.numbers) {
            case 0..<5: planEnd()
            case 5..<6: planFailedSync()
            case 6..<8: try machine.reopen()
            case 8..<10: try kill()
            case 10..<15: try powerCut()
            default: try machine.step(deep: isDeep)
            }
            if machine.isOff || machine.disk.hasFailed { try end() }
        }
        try powerCut()
        try verify()
    }

    /// The power is to fail, or the process to end, in the middle of an operation.
    private func planEnd() {
        let disk = machine.disk
        guard disk.plan == nil else { return }
        var numbers = SeededNumbers(seed: machine.numbers.seed &+ UInt64(disk.operations))
        disk.plan = FaultPlan(
            at: disk.operations + Int.random(in: 0..<25, using: &numbers), kind: .end)
    }

    private func planFailedSync() {
        let disk = machine.disk
        guard disk.plan == nil else { return }
        disk.plan = FaultPlan(at: disk.operations, kind: .failedSync, isForever: true)
    }

    private mutating func end() throws {
        if Int.random(in: 0..<3, using: &machine.numbers) == 0 {
            try kill()
        } else {
            try powerCut()
        }
    }
}

// MARK: - Crashes

extension Lineage {
    /// The process ends; what it stored is there.
    private mutating func kill() throws {
        machine.letGo()
        machine.disk.afterKill()
        _ = try machine.open(answered: true)
        states += 1
        try compare()
    }

    /// The power is cut: several states of the disk that may be left are recovered, and work goes
    /// on in the last.
    private mutating func powerCut() throws {
        if let (path, offset) = machine.disk.storedWithoutRoom() {
            throw Violation("F3: bytes were stored at \(offset) of \(path), where no room was made")
        }
        let before = machine
        machine.letGo()
        for fork in 0..<options.forks {
            let seed = machine.numbers.next()
            let numbers = machine.numbers
            var one = before
            one.letGo()
            one.numbers = numbers
            one.disk = before.disk.afterPowerCut(seed: seed)
            machine = one
            do {
                try recover()
                states += 1
                try compare()
            } catch {
                throw Violation("\(error) (fork \(fork) of step, power cut \(seed))")
            }
        }
    }

    /// Opens the store, through more crashes while it recovers.
    private mutating func recover() throws {
        var depth = 0
        while true {
            let disk = machine.disk
            if depth < 3, Int.random(in: 0..<4, using: &machine.numbers) == 0 {
                let at = disk.operations + Int.random(in: 0..<60, using: &machine.numbers)
                disk.plan = FaultPlan(at: at, kind: .end)
            }
            if try machine.open(answered: false) != nil {
                machine.disk.plan = nil
                break
            }
            depth += 1
            if Bool.random(using: &machine.numbers) {
                disk.afterKill()
            } else {
                machine.disk = disk.afterPowerCut(seed: machine.numbers.next())
            }
        }
        if depth > 0 { interrupted += 1 }
    }

    private mutating func compare() throws { try machine.compare() }

    /// What `mqstore verify` says at the end.
    private mutating func verify() throws {
        guard let store = machine.store else { return }
        try store.close()
        machine.letGo()
        do {
            let files = try StoreFiles.survey(
                machine.disk, StoreDirectory(root: Machine.directory))
            let report = Verification.run(
                machine.disk, files,
                VerificationOptions(indexSlots: options.configuration.index.slotCount))
            let words = report.findings.filter { $0.severity != .note }.map(\.what)
            if !words.isEmpty { throw Violation("I5: \(words.joined(separator: "; "))") }
        }
    }
}
