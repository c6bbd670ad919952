// Faults planted on purpose, in one build that only tests make: each must make a test fail.
//
// In every other build the switch is a constant, and what stands behind it is gone.

import ApusSystem

/// A planted fault. The value in APUS_MUTANT names the one that is planted.
enum Mutant: String, CaseIterable, Sendable {
    case acknowledgesBeforeSync, movesFlushedBeforeSync, retriesFailedSync
    case forgetsFailedWriteBack
    case marksLogAhead, marksQueuesAhead, marksIndexAhead, marksCleanUnflushed
    case leavesAbortOut
    case ignoresBodyChecksum, ignoresMissingSectors, servesTornTail
    case leavesTailBehindCut, keepsSegmentsBehindCut, trustsPageCache, trustsNames
    case mixesNames
    case losesQueueEnd, leavesEntriesBehindEnd, leavesIndexUnchained
    case leavesBlankOut, shiftsEntry, showsUnflushed, forgetsKeys
    case leavesLastPageOut, forgetsFirstPage, zeroesRecords, forgetsEarlierPages
    case deletesUncounted, forgetsDeletion, missesBoundary, breaksOrder, forgetsTime
    case passesDeferred, keepsDeferred

    #if APUS_MUTANTS
        private static let planted = environmentValue("APUS_MUTANT").flatMap {
            Mutant(rawValue: $0)
        }
        var isPlanted: Bool { Self.planted == self }
    #else
        @inline(__always) var isPlanted: Bool { false }
    #endif
}
