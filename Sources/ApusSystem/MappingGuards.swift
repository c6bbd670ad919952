// Mappings whose faults the process survives, and what is known of them.
//
// The handler of SIGBUS is in CApus: it puts zeros where a page is missing and marks the mapping.
// So nothing that was read or stored through a guarded mapping counts before the mark was looked
// at: readers look behind their loads, a sync behind itself.

private import CApus
private import Glibc
private import Synchronization

/// What is known of one guarded mapping, for as long as it is mapped.
package final class MappingGuard: Sendable {
    let path: String
    private let bytes: MappedBytes
    fileprivate let slot: Int32

    fileprivate init(path: String, bytes: MappedBytes, slot: Int32) {
        self.path = path
        self.bytes = bytes
        self.slot = slot
    }

    var byteCount: Int { bytes.count }

    /// Why not all that was read or stored through the mapping is the file's; nil while it is.
    package var fault: DiskError? {
        let offset = capus_guard_fault(slot)
        if offset < 0 { return nil }
        return DiskError(
            operation: "reach byte \(offset) through the mapping of", path: path, code: EIO)
    }

    /// The same, once a byte of each page of `range` was loaded.
    package func fault(reading range: Range<Int>) -> DiskError? {
        bytes.touch(range)
        return fault
    }
}

/// The guarded mappings of one store.
package final class MappingGuards: Sendable {
    private struct State {
        var mapped: [Int32: MappingGuard] = [:]
        /// By path, for good: stores may have gone through a mapping that is no more.
        var faults: [String: DiskError] = [:]
        /// How many faults the process had when `faults` was brought up to date.
        var count: UInt64
        var told: Set<String> = []
        var unguarded: String?

        mutating func update() {
            let now = capus_guard_fault_count()
            guard now != count else { return }
            for one in mapped.values where faults[one.path] == nil { faults[one.path] = one.fault }
            count = now
        }
    }

    private let state: Mutex<State>
    /// How many faults the process had when someone had done something about all of ours.
    private let settled: Atomic<UInt64>

    /// Has the process survive faults from now on. The handler that is there is called for those
    /// outside of guarded mappings.
    package init() {
        capus_guard_install()
        let count = capus_guard_fault_count()
        state = Mutex(State(count: count))
        settled = Atomic(count)
    }

    /// Guards a mapping; nil when the process has no room for one more.
    func add(_ bytes: MappedBytes, isWritable: Bool, path: String) -> MappingGuard? {
        let slot = bytes.addGuard(isWritable: isWritable)
        return state.withLock { state in
            guard slot >= 0 else {
                state.unguarded = path
                return nil
            }
            let added = MappingGuard(path: path, bytes: bytes, slot: slot)
            state.mapped[slot] = added
            return added
        }
    }

    /// Guards a mapping no more, which is about to end.
    func remove(_ leaving: MappingGuard) {
        state.withLock { state in
            if let fault = leaving.fault { state.faults[leaving.path] = fault }
            state.mapped[leaving.slot] = nil
        }
        capus_guard_remove(leaving.slot)
    }

    /// The fault of any mapping that the file at `path` had or has.
    func fault(of path: String) -> DiskError? {
        state.withLock { state in
            state.update()
            return state.faults[path]
        }
    }

    /// The first fault of each file so far.
    package var faults: [DiskError] {
        state.withLock { state in
            state.update()
            return Array(state.faults.values)
        }
    }

    /// Those of them that were in no answer of this before.
    package func takeNewFaults() -> [DiskError] {
        faults.filter { fault in state.withLock { $0.told.insert(fault.path).inserted } }
    }

    /// Calls `body` with all faults when there may be one that no call has returned for. What was
    /// done about the others is visible to who is not called.
    package func settle(_ body: ([DiskError]) -> Void) {
        let count = capus_guard_fault_count()
        guard count != settled.load(ordering: .acquiring) else { return }
        body(faults)
        settled.store(count, ordering: .releasing)
    }

    /// A file whose mapping could not be guarded since the last call.
    package func takeUnguarded() -> String? { state.withLock { $0.unguarded.take() } }
}
