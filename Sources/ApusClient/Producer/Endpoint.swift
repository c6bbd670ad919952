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

    private let state = BriefMutex(State())
    // Says only whether it is worth a look at `state`.
    private let isSuspect = Atomic(false)
    private let suspects: Suspects

    init(broker: String, address: String, _ suspects: Suspects) {
        self.broker = broker
        self.address = address
        self.suspects = suspects
        tail = PreparedFields("j", "0", ("k", "false"), ("m", "false"), ("n", broker))
        batchTail = PreparedFields("j", "0", ("k", "false"), ("m", "true"), ("n", broker))
    }

    /// The connection that was kept last; it may be closed.
    var connection: Connection? { state.withBriefLock { $0.connection } }

    /// The connection, if it is there and open.
    var openConnection: Connection? {
        guard let connection, connection.isOpen else { return nil }
        return connection
    }

    /// Keeps a connection; true when it is another than before.
    func keep(_ connection: Connection) -> Bool {
        state.withBriefLock { state in
            defer { state.connection = connection }
            return state.connection !== connection
        }
    }

    /// Whether others are preferred now. Of a broker about which nothing is known the clock is not
    /// asked.
    var isAvoided: Bool {
        if !isSuspect.load(ordering: .relaxed) { return false }
        return state.withBriefLock { $0.health.isAvoided(at: .now) }
    }

    func answered(after time: Duration) {
        let isQuick = time < BrokerHealth.quick
        if isQuick, !isSuspect.load(ordering: .relaxed) { return }
        state.withBriefLock { $0.health.answered(after: time, at: .now) }
        suspect(!isQuick)
    }

    func failed() {
        state.withBriefLock { $0.health.failed(at: .now) }
        suspect(true)
    }

    private func suspect(_ isSo: Bool) {
        if isSuspect.exchange(isSo, ordering: .relaxed) != isSo { suspects.count(isSo ? 1 : -1) }
    }
}

/// How many brokers of a producer were slow or silent lately: as long as none was, nobody looks at
/// each.
final class Suspects: Sendable {
    // Has no partner: says only whether a look is worth it.
    private let number = Atomic(0)

    var areNone: Bool { number.load(ordering: .relaxed) == 0 }

    fileprivate func count(_ more: Int) { number.wrappingAdd(more, ordering: .relaxed) }
}
