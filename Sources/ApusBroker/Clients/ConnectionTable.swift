// The connections that are open, by number: for those who are told things without having asked.

import ApusRemoting
import Synchronization

/// All connections of a broker.
final class ConnectionTable: Sendable {
    private let open = Mutex<[ConnectionNumber: Connection]>([:])

    func add(_ connection: Connection) { open.withLock { $0[connection.id] = connection } }
    func remove(_ connection: Connection) { open.withLock { $0[connection.id] = nil } }

    /// Those of `numbers` that are open.
    func connections(_ numbers: some Sequence<ConnectionNumber>) -> [Connection] {
        open.withLock { open in numbers.compactMap { open[$0] } }
    }
}
