// Faults of the store that show at the disk: what it leaves out there.
//
// Planted by APUS_MUTANT like those in the store itself, but here no build of its own is needed.

import Foundation

/// An operation that the store seems to have left out.
public enum DiskMutant: String, CaseIterable, Sendable {
    case skipsLogSync, skipsQueueSync, skipsIndexSync, skipsCheckpointSync, skipsAbortSync
    case skipsRootDirectorySync, skipsLogDirectorySync, skipsQueueDirectorySync
    case skipsEveryDirectorySync
    case skipsZero, skipsAllocation, skipsDirtying, swallowsFailedSync, grantsEveryLock

    private static let planted = ProcessInfo.processInfo.environment["APUS_MUTANT"].flatMap {
        DiskMutant(rawValue: $0)
    }

    var isPlanted: Bool { Self.planted == self }

    static func skipsSync(of path: String) -> Bool {
        switch planted {
        case .skipsLogSync: path.contains("/commitlog/")
        case .skipsQueueSync: path.contains("/consumequeue/")
        case .skipsIndexSync: path.contains("/index/")
        case .skipsCheckpointSync: path.hasSuffix("/checkpoint")
        case .skipsAbortSync: path.contains("/abort")
        default: false
        }
    }

    static func skipsDirectorySync(of path: String) -> Bool {
        switch planted {
        case .skipsEveryDirectorySync: true
        case .skipsRootDirectorySync: path == "/store"
        case .skipsLogDirectorySync: path.hasSuffix("/commitlog")
        case .skipsQueueDirectorySync: path.contains("/consumequeue")
        default: false
        }
    }
}
