// What a failed mapping means to those who append.
//
// A store through a mapping that fails is lost, as if its sync had failed. A sync of that file
// fails by itself. What is acknowledged without a sync is looked at here, behind the append.

import ApusSystem
import Synchronization

extension CommitLog {
    /// Poisons the store when a file of the log that has something to be synced cannot be reached
    /// whole.
    func noteFaults() {
        guards?.settle { faults in
            let flushed = flushed.load(ordering: .acquiring)
            let written = segments.all.filter { $0.end > flushed }.map(\.file.path)
            for fault in faults {
                if written.contains(fault.path) { poison(fault) }
            }
        }
    }

    /// Fails when an append that made no sync may not be acknowledged. Behind it: its own stores
    /// may be the first that failed.
    func checkStores() throws(StoreError) {
        noteFaults()
        guard isPoisoned.load(ordering: .acquiring), let cause = poisonCause else { return }
        throw .poisoned(cause: cause)
    }

    /// Fails when any file could not be reached whole since the store was opened.
    func checkMappings() throws(StoreError) {
        if let fault = guards?.faults.first { throw .mappingFailed(fault) }
    }

    /// Tells of faults, and of what is not guarded. Called by one thread.
    func tellOfMappings() {
        guard let guards, let observer else { return }
        for fault in guards.takeNewFaults() { observer.storeDid(.mappingFailed(fault)) }
        if let path = guards.takeUnguarded() { observer.storeDid(.unguarded(path: path)) }
    }
}
