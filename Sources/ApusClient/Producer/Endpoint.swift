// A broker as a producer sees it: the connection to its master, and whether to prefer others.

internal import ApusRemoting
internal import Synchronization

/// The master of a broker, at one address. Routes that name another make another endpoint.
final class Endpoint: Sendable {
    let broker: String
    let address: String
    /// Fields of a send that are the same for all of its messages, by whether it is a batch.
    let tail, batchTail: PreparedFields

    private struct State {
        var connection: Connection?
        var health = BrokerHealth()
    }

    private let state = Mutex(State())

    init(broker: String, address: String) {
        self.broker = broker
        self.address = address
        tail = PreparedFields("j", "0", ("k", "false"), ("m", "false"), ("n", broker))
        batchTail = PreparedFields("j", "0", ("k", "false"), ("m", "true"), ("n", broker))
    }

    /// The connection, if it is there and open.
    var openConnection: Connection? {
        state.withLock { state in
            if let connection = state.connection, connection.isOpen { return connection }
            return nil
        }
    }

    func keep(_ connection: Connection) { state.withLock { $0.connection = connection } }

    func isAvoided(at now: ContinuousClock.Instant) -> Bool {
        state.withLock { $0.health.isAvoided(at: now) }
    }

    func answered(after time: Duration) {
        // What an answer usually takes says nothing, and is not worth a look at the clock.
        state.withLock { $0.health.answered(after: time, at: .now) }
    }

    func failed() { state.withLock { $0.health.failed(at: .now) } }
}
