// The real disk with faults that a test switches on.

import ApusSystem
import Synchronization
import TestSupport

/// Which operation fails, and with which error number.
struct Fault: Sendable {
    let operation: String
    /// Part of the path.
    let path: String
    let code: Int32
}

/// An operation that was asked for.
struct Operation: Hashable, Sendable {
    let name: String
    let path: String
}

/// A disk that fails on demand and remembers.
final class FaultyDisk: InterceptingDisk {
    private let fault = Mutex<Fault?>(nil)
    private let done = Mutex<[Operation]>([])
    private let used = Mutex<Double?>(nil)
    private let left = Mutex<Int?>(nil)
    private let limits = Mutex<ProcessLimits?>(nil)

    private typealias Hook = @Sendable (String) -> Void
    private let hooks = Mutex<[String: Hook]>([:])

    /// Calls `body` with the path at the start of each sync.
    func onSync(_ body: (@Sendable (String) -> Void)?) { hooks.withLock { $0["sync"] = body } }
    /// Calls `body` with the path at the start of each sync of a directory.
    func onDirectorySync(_ body: (@Sendable (String) -> Void)?) {
        hooks.withLock { $0["sync directory"] = body }
    }
    /// Calls `body` with the path at the start of each write.
    func onWrite(_ body: (@Sendable (String) -> Void)?) { hooks.withLock { $0["write"] = body } }
    /// Calls `body` with the path before a file is opened that may be written to.
    func onOpen(_ body: (@Sendable (String) -> Void)?) { hooks.withLock { $0["open"] = body } }
    /// Calls `body` with the path at the end of each close.
    func onClose(_ body: (@Sendable (String) -> Void)?) { hooks.withLock { $0["close"] = body } }
    func didClose(_ path: String) { hooks.withLock { $0["close"] }?(path) }

    func fail(_ new: Fault?) { fault.withLock { $0 = new } }

    /// What `space` answers instead of the truth.
    func pretend(usedPercent: Double?) { used.withLock { $0 = usedPercent } }
    func pretend(available: Int?) { left.withLock { $0 = available } }

    func pretend(limits new: ProcessLimits?) { limits.withLock { $0 = new } }
    func processLimits() -> ProcessLimits? { limits.withLock { $0 } }

    /// What was done that changes something, in order.
    var operations: [Operation] { done.withLock { $0 } }

    /// The paths that were synced, in order.
    var synced: [String] { operations.filter { $0.name == "sync" }.map(\.path) }

    func before(_ operation: String, _ path: String) throws(DiskError) {
        if operation != "read" {
            done.withLock { $0.append(Operation(name: operation, path: path)) }
        }
        hooks.withLock { $0[operation] }?(path)
        try failIfWanted(operation, path)
    }

    private func failIfWanted(_ operation: String, _ path: String) throws(DiskError) {
        let found = fault.withLock { $0 }
        if let found, found.operation == operation, path.contains(found.path) {
            throw DiskError(operation: operation, path: path, code: found.code)
        }
    }

    func space(_ path: String) throws(DiskError) -> DiskSpace {
        try failIfWanted("space", path)
        if let available = left.withLock({ $0 }) {
            return DiskSpace(total: .max, available: available)
        }
        guard let percent = used.withLock({ $0 }) else { return try SystemDisk().space(path) }
        return DiskSpace(total: 10_000, available: Int(100 * (100 - percent)))
    }
}
