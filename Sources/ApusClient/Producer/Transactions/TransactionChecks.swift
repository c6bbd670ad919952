// How a transaction ended, said to the broker that holds its message back.

internal import ApusFormat
internal import ApusRemoting
internal import Synchronization

/// What becomes of a message that was sent in a transaction.
public enum TransactionEnd: Sendable, Hashable {
    /// Consumers get it.
    case commit
    /// Nobody gets it.
    case rollback
    /// Not known yet: the broker asks again later.
    case unknown
}

/// Asked by brokers about a message whose transaction's end they were not told.
public typealias TransactionCheck =
    @Sendable (ReceivedMessage) async throws -> TransactionEnd

/// The questions of brokers that wait for answers.
final class TransactionChecks: Sendable {
    private let check: TransactionCheck?
    private let waiting = Mutex<[BrokerRequest]>([])
    let bell = Bell()

    /// Questions that wait at most; brokers ask again about what is beyond.
    private static let limit = 10_000

    init(_ check: TransactionCheck?) { self.check = check }

    /// Takes brokers' questions from now on. They expect no answer, but an end of the transaction.
    func listen(to requests: BrokerRequests) {
        guard check != nil else { return }
        requests.onRequest(.checkTransactionState) { [weak self] request in
            guard let self else { return }
            let isNew = waiting.withLock { waiting in
                if waiting.count >= Self.limit { return false }
                waiting.append(request)
                return true
            }
            if isNew { bell.ring() }
        }
    }

    func takeAll() -> [BrokerRequest] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }

    /// What the application says.
    func end(of message: ReceivedMessage) async throws -> TransactionEnd {
        try await check?(message) ?? .unknown
    }
}

extension TransactionEnd {
    /// As END_TRANSACTION says it.
    var code: SystemFlag.Transaction {
        switch self {
        case .commit: .commit
        case .rollback: .rollback
        case .unknown: .none
        }
    }
}
