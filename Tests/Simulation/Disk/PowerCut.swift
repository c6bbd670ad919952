// What a cut of the power leaves: drawn anew for each, from everything kept to nothing.

import ApusSystem
import TestSupport

/// How much of what was not synced a power cut keeps.
struct PowerCut: Sendable {
    /// Of the dirty sectors (or pages) those that had been written.
    let percentWritten: Int
    /// Whether sectors of one page have fates of their own.
    let tearsPages: Bool
    /// Of the changes to directories: a prefix in order, as a journal keeps them, or any subset.
    let keepsOrder: Bool
    let percentOfNames: Int

    init(_ numbers: inout SeededNumbers) {
        percentWritten = [0, 10, 50, 90, 100].randomElement(using: &numbers) ?? 50
        tearsPages = Bool.random(using: &numbers)
        keepsOrder = Bool.random(using: &numbers)
        percentOfNames = [0, 50, 100].randomElement(using: &numbers) ?? 50
    }
}

/// How operations are to fail.
struct FaultPlan: Sendable {
    enum Kind: Sendable {
        case error(Int32)
        /// Half of a write is done, then there is no room.
        case shortWrite
        /// The power fails, or the process is killed, in the middle of the operation.
        case end
        /// The first sync from that operation on fails.
        case failedSync
    }

    /// The number of the operation, counted from 0.
    var at: Int
    var kind: Kind
    /// Whether every later operation fails too.
    var isForever = false
}
