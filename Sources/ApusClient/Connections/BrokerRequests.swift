// What brokers ask clients: each kind by whoever has said that it answers it.

internal import ApusRemoting
internal import Synchronization

/// A request of a broker, which outlives its connection's call.
struct BrokerRequest: Sendable {
    let command: RemotingCommand
    let connection: Connection
    let key: ReplyKey
}

/// Hands requests of brokers to those who answer them.
final class BrokerRequests: RequestProcessor {
    typealias Answer = @Sendable (BrokerRequest) -> Void

    private let answers = Mutex<[RequestCode: Answer]>([:])

    /// `answer` is called on an event loop, and must not block.
    func onRequest(_ code: RequestCode, _ answer: @escaping Answer) {
        answers.withLock { $0[code] = answer }
    }

    func process(_ request: borrowing Request, on connection: Connection) {
        let code = request.code
        let key = request.replyKey
        guard let answer = answers.withLock({ $0[code] }) else {
            connection.respond(to: key, .unsupported(code))
            return
        }
        answer(BrokerRequest(command: request.command, connection: connection, key: key))
    }
}
