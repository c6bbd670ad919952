// Recovers a store, and holds it against the ledger and against itself.

import ApusStore
import ApusSystem
import Synchronization

/// One check after one crash.
struct Checker {
    let plan: Plan
    let ledger: Ledger
    let pipe: LedgerPipe
    private(set) var violations: [String]
    private(set) var messageCount = 0

    init(_ plan: Plan) throws(Unusable) {
        self.plan = plan
        ledger = try Ledger(plan)
        pipe = try LedgerPipe(appendingTo: plan.ledger, seed: plan.seed)
        violations = ledger.violations
    }

    /// All steps. What cannot be opened is a violation like any other.
    mutating func run() {
        do throws(StoreError) {
            let first = try recover()
            guard violations.isEmpty else { return }
            let second = try recoverAgain(as: first)
            guard violations.isEmpty else { return }
            try openClosed(second)
        } catch {
            violations.append("I12: the store cannot be used: \(error)")
        }
    }

    /// Opens, checks, and lets go without closing: as a crash right behind a recovery.
    private mutating func recover() throws(StoreError) -> Contents {
        let store = try MessageStore.open(plan.directory, plan.configuration)
        let contents = try Contents(store, plan)
        violations += contents.violations
        messageCount = contents.found.count
        violations += Comparison(ledger, contents).violations
        if violations.isEmpty { try findByKey(store, contents) }
        return contents
    }

    /// Opens again, which must change nothing, and goes on where the log ends.
    private mutating func recoverAgain(as first: Contents) throws(StoreError) -> Contents {
        let store = try MessageStore.open(plan.directory, plan.configuration)
        let contents = try Contents(store, plan)
        violations += contents.violations
        if contents.digests != first.digests || contents.end != first.end {
            violations.append(
                "I8: a second recovery gives \(contents.found.count) messages up to "
                    + "\(contents.end), the first \(first.found.count) up to \(first.end)")
        }
        guard violations.isEmpty else { return contents }
        var settled = LedgerRecord(.settled, sequence: UInt64(contents.found.count))
        settled.physicalOffset = contents.end
        settled.extra = contents.digest(contents.found.count)
        pipe.write(settled)
        try appendMore(to: store, behind: contents)
        pipe.write(LedgerRecord(.flushBegan))
        try store.close()
        pipe.write([LedgerRecord(.flushed), LedgerRecord(.closed)])
        return contents
    }

    private static let moreCount: UInt64 = 9

    /// I12 and I4: the store takes messages again, at the offsets that follow.
    private mutating func appendMore(
        to store: MessageStore, behind contents: Contents
    ) throws(StoreError) {
        let payload = Payload(seed: plan.seed)
        var ends = contents.ends
        let first = plan.run << 32 | 0xFF << 24
        for sequence in first..<first + Self.moreCount {
            let message = payload.message(sequence)
            pipe.submitted(sequence..<sequence + 1)
            let result = try store.append(message)
            pipe.acknowledged(message, sequence, result)
            let place = payload.place(of: sequence)
            if result.queueOffset != ends[place, default: 0] {
                violations.append(
                    "I4: \(place) went on at \(result.queueOffset) behind \(ends[place] ?? 0)")
            }
            ends[place] = result.queueOffset + 1
        }
    }

    /// I5: queues and index agree with the log. Then a clean open, which has nothing to recover.
    private mutating func openClosed(_ before: Contents) throws(StoreError) {
        let files = try StoreFiles.survey(SystemDisk(), StoreDirectory(root: plan.directory))
        let report = Verification.run(
            SystemDisk(), files,
            VerificationOptions(indexSlots: plan.configuration.index.slotCount))
        for finding in report.findings where finding.severity != .note {
            violations.append("I5: \(finding.kind.rawValue): \(finding.what)")
        }
        guard report.totals.messages == Int64(before.found.count) + Int64(Self.moreCount) else {
            violations.append("I5: the closed store has \(report.totals.messages) messages")
            return
        }
        let events = Events()
        let store = try MessageStore.open(plan.directory, plan.configuration, observer: events)
        let contents = try Contents(store, plan)
        violations += contents.violations
        if Array(contents.digests.prefix(before.found.count)) != before.digests {
            violations.append("I8: the closed store has other messages than before")
        }
        if events.hasRecovered { violations.append("I8: a closed store was recovered") }
        try store.close()
    }

    /// Some of the messages by their keys.
    private mutating func findByKey(
        _ store: MessageStore, _ contents: Contents
    ) throws(StoreError) {
        let step = max(1, contents.found.count / 24)
        for one in contents.found.reversed().enumerated().filter({ $0.offset % step == 0 }) {
            guard let key = one.element.key else { continue }
            let answers = try store.messages(topic: one.element.place.topic, key: key, limit: 4_096)
            if !answers.contains(where: { $0.physicalOffset == one.element.physicalOffset }) {
                violations.append(
                    "I5: message \(one.element.sequence) is not found by its key \(key)")
            }
        }
    }
}

/// Whether a store had to recover.
private final class Events: StoreObserver {
    private let recovered = Flag()
    var hasRecovered: Bool { recovered.isSet }

    func storeDid(_ event: StoreEvent) {
        if case .recovering = event { _ = recovered.set() }
    }
}
