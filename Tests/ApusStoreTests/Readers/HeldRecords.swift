// Leases that are kept for a while: their bytes must be the same when they are let go.

import Synchronization
import TestSupport

@testable import ApusStore

/// Records in place, whose segments may be deleted and whose store may be closed meanwhile.
final class HeldRecords: Sendable {
    enum Lease: Sendable {
        case batch(MessageBatch)
        case record(RecordLease)
    }

    private static let limit = 24

    private let written: WrittenMessages
    private let leases = Mutex<[Lease]>([])

    init(_ written: WrittenMessages) { self.written = written }

    var count: Int { leases.withLock { $0.count } }

    /// Keeps a lease. Lets an older one go for it when there are many, and answers what is wrong
    /// with that one.
    func keep(_ lease: Lease, _ numbers: inout SeededNumbers) -> String? {
        let place = Int.random(in: 0..<Self.limit, using: &numbers)
        let left = leases.withLock { all -> Lease? in
            guard all.count >= Self.limit else {
                all.append(lease)
                return nil
            }
            defer { all[place] = lease }
            return all[place]
        }
        return left.flatMap { fault(in: $0) }
    }

    /// What is wrong with any of them.
    func fault() -> String? {
        let all = leases.withLock { $0 }
        return all.lazy.compactMap { self.fault(in: $0) }.first
    }

    func letGo() { leases.withLock { $0 = [] } }

    private func fault(in lease: Lease) -> String? {
        switch lease {
        case .batch(let batch):
            var first: String?
            batch.forEach { record in first = first ?? written.fault(in: record) }
            return first
        case .record(let one):
            return one.withRecord { written.fault(in: $0) }
        }
    }
}
