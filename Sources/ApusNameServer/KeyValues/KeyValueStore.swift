// The key-value configuration of a running server: read by any thread, changed by one at a time.

import ApusSystem
import Synchronization

/// The table and its file. A change is durable before anyone sees it.
final class KeyValueStore: Sendable {
    private let table: Mutex<KeyValueTable>
    /// Held while a change is written, and by whoever waits to write the next one: never on an
    /// event loop. nil: nothing is kept.
    private let file: Mutex<KeyValueFile?>

    /// Loads what is at `path`, on the disk of the machine or a test's.
    init(
        path: String?, disk: any Disk, warn: (String) -> Void
    ) throws(KeyValueFileError) {
        guard let path else {
            table = Mutex(KeyValueTable())
            file = Mutex(nil)
            return
        }
        var opened = KeyValueFile(disk, path: path)
        let (loaded, warning) = try opened.load()
        if let warning { warn(warning) }
        table = Mutex(loaded)
        file = Mutex(opened)
    }

    func read<Result>(_ body: (KeyValueTable) -> Result) -> Result {
        // A copy, so that nobody reads for long under the lock.
        body(table.withLock { $0 })
    }

    /// Writes a changed table and then shows it. After a failure the old one holds, in memory at
    /// least; on disk it is the old or the new one, whole. Blocks.
    func change(
        _ body: (inout KeyValueTable) -> Void
    ) throws(KeyValueChangeError) {
        let result = file.withLock { file -> Result<Void, KeyValueChangeError> in
            let old = table.withLock { $0 }
            var new = old
            body(&new)
            if new == old { return .success(()) }
            guard new.byteCount <= KeyValueTable.byteLimit || new.byteCount < old.byteCount else {
                return .failure(.full)
            }
            do throws(DiskError) {
                try file?.save(new)
            } catch {
                return .failure(.disk(error))
            }
            table.withLock { $0 = new }
            return .success(())
        }
        try result.get()
    }
}

/// Why a key was not put or deleted.
enum KeyValueChangeError: Error, CustomStringConvertible {
    case full
    case disk(DiskError)

    var description: String {
        switch self {
        case .full:
            "the key-value configuration would have more than \(KeyValueTable.byteLimit) bytes:"
                + " delete keys first"
        case .disk(let error): "the key-value configuration was not changed: \(error)"
        }
    }
}
