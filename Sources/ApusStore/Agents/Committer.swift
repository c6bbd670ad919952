// Commits for completions: who syncs, and who calls them.
//
// Two threads, so that neither waits for the other: a device that waits for callers does nothing
// meanwhile, nor does it while queues are flushed, which is the flusher's.

import ApusSystem
import Synchronization

/// Leads commits for completions that nobody blocks for, one behind the other as long as there are
/// some.
final class Committer: Agent {
    private let commit: GroupCommit

    init(_ commit: GroupCommit) { self.commit = commit }

    var roleName: String { "commit" }
    var standing: ThreadStanding { .usual }
    var leavesRinger: Bool { false }
    var signal: Signal { commit.wanted }
    var idleNanoseconds: Int64? { nil }

    func doWork() -> Int {
        guard commit.hasPending, commit.isBehind else { return 0 }
        // What fails poisons the store, and those who wait hear of it.
        do throws(DiskError) { try commit.syncNow(goesOn: true) } catch { return 0 }
        return 1
    }
}

/// Calls completions while the committer makes the next sync, and fails those whose time has run
/// out while one hangs.
final class Teller: Agent {
    private let commit: GroupCommit
    private let isWatching = Atomic<Bool>(false)

    init(_ commit: GroupCommit) { self.commit = commit }

    var roleName: String { "tell" }
    /// The committer wakes it and has the next write to begin, which takes some microseconds.
    var standing: ThreadStanding { .patient }
    var leavesRinger: Bool { false }
    var signal: Signal { commit.toTell }
    var idleNanoseconds: Int64? { isWatching.load(ordering: .relaxed) ? 50_000_000 : nil }

    func doWork() -> Int {
        commit.tell()
        isWatching.store(commit.goesOnWatching(), ordering: .relaxed)
        return 0
    }
}
