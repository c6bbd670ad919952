// Holds what a recovered store serves against what the ledger promises.

import ApusStore

/// Where a store and its ledger disagree.
struct Comparison {
    private(set) var violations: [String] = []

    init(_ ledger: Ledger, _ contents: Contents) {
        checkSettled(ledger.settled, contents)
        var present: [UInt64: Contents.Found] = [:]
        for one in contents.found {
            if present.updateValue(one, forKey: one.sequence) != nil {
                violations.append(
                    "I3: message \(one.sequence) is there twice, again at \(one.physicalOffset)")
            }
            // What was there before is in the digest.
            if one.physicalOffset >= ledger.settled.end,
                !ledger.submitted.contains(one.sequence)
            {
                violations.append(
                    "I3: message \(one.sequence) at \(one.physicalOffset) was not submitted since "
                        + "the last recovery")
            }
        }
        for promise in ledger.promises.values.sorted(by: { $0.place < $1.place }) {
            check(promise, present[promise.sequence])
        }
    }

    /// What an earlier recovery served stays.
    private mutating func checkSettled(_ settled: Ledger.Settled, _ contents: Contents) {
        let count = Int(settled.count)
        guard count <= contents.found.count else {
            violations.append(
                "I9: \(settled.count) messages were there after the last recovery, now "
                    + "\(contents.found.count)")
            return
        }
        if count > 0, contents.digest(count) != settled.digest {
            violations.append("I9: messages of before the last recovery have changed")
        }
        if contents.end < settled.end {
            violations.append("I9: the log ended at \(settled.end), now at \(contents.end)")
        }
    }

    private mutating func check(_ promise: Ledger.Promise, _ found: Contents.Found?) {
        let name = "message \(promise.sequence) (physical offset \(promise.physicalOffset))"
        guard let found else {
            if promise.isDue { violations.append("I1: \(name) was acknowledged and is gone") }
            return
        }
        if !Ledger.agree(promise.physicalOffset, found.physicalOffset)
            || !Ledger.agree(promise.queueOffset, found.queueOffset)
        {
            violations.append(
                "I1: \(name) was acknowledged as offset \(promise.queueOffset), and is offset "
                    + "\(found.queueOffset) at \(found.physicalOffset)")
        }
        if promise.bodyChecksum != 0, promise.bodyChecksum != found.bodyChecksum {
            violations.append("I1: \(name) has another body than was acknowledged")
        }
    }
}
