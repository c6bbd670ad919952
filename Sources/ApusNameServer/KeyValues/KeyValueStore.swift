// The key-value configuration of a running server: read by any thread, changed by one at a time.

import ApusFormat
import ApusRemoting
import ApusServer
import ApusSystem
import Logging
import Synchronization

/// The table and its file. A change is durable before anyone sees it.
final class KeyValueStore: Sendable {
    private let table: Mutex<KeyValueTable>
    /// nil: nothing is kept.
    private let file: StateFile?
    /// Held while a change is written, and by whoever waits to write the next one: never on an
    /// event loop.
    private let changing = Mutex(())

    /// Loads what is at `path`, on the disk of the machine or a test's. Throws `StateFileError`
    /// where neither the file nor the one before it can be used.
    init(path: String?, disk: any Disk, logger: Logger) throws(StateFileError) {
        let file = path.map {
            StateFile($0, on: disk, limit: KeyValueTable.fileLimit, logger: logger)
        }
        table = Mutex(try file?.load(KeyValueTable.init(parsing:)) ?? KeyValueTable())
        self.file = file
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
        let result = changing.withLock { _ -> Result<Void, KeyValueChangeError> in
            let old = table.withLock { $0 }
            var new = old
            body(&new)
            if new == old { return .success(()) }
            guard new.byteCount <= KeyValueTable.byteLimit || new.byteCount < old.byteCount else {
                return .failure(.full)
            }
            do throws(StateFileError) {
                try file?.save(new.json.bytes(.fastjson))
            } catch {
                return .failure(.file(error))
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
    case file(StateFileError)

    var description: String {
        switch self {
        case .full:
            "the key-value configuration would have more than \(KeyValueTable.byteLimit) bytes:"
                + " delete keys first"
        case .file(let error): "the key-value configuration: \(error)"
        }
    }
}
