// The real disk until a given operation; from there on it fails, once or for ever.

import ApusSystem
import Synchronization
import TestSupport

/// A disk that counts what changes files and fails from one operation on.
final class StoppingDisk: InterceptingDisk {
    private let count = Atomic<Int>(0)
    private let failing: Range<Int>

    /// Operation `number`, counted from 0, fails, and those behind it when `forEver`.
    init(at number: Int, forEver: Bool) {
        failing = number..<(forEver ? .max : number + 1)
    }

    /// Operations so far.
    var operations: Int { count.load(ordering: .relaxed) }
    /// Whether one has failed.
    var hasFailed: Bool { operations > failing.lowerBound }

    private static let changes: Set = [
        "open", "create directory", "rename", "unlink", "remove directory", "sync directory",
        "allocate", "zero", "truncate", "write", "sync",
    ]

    func before(_ operation: String, _ path: String) throws(DiskError) {
        guard Self.changes.contains(operation) else { return }
        let number = count.wrappingAdd(1, ordering: .relaxed).oldValue
        if failing.contains(number) { throw DiskError(operation: operation, path: path, code: 5) }
    }
}
