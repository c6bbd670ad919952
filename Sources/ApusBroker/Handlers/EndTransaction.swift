// END_TRANSACTION (37): a producer says how its transaction ended. Committed, the message is
// delivered; rolled back, it is not; and of what ended before nothing is done again.

import ApusFormat
import ApusRemoting
import ApusStore
import Synchronization

extension BrokerCore {
    /// Runs as an errand. The account may send to the topic that the half turns out to be for.
    func endTransaction(
        _ command: RemotingCommand, for account: Account?
    ) throws(Refusal) -> Response {
        let wish = try EndTransactionWish(command)
        // Who does not know yet is asked later.
        guard let isCommitted = wish.isCommitted else { return Response(.success) }
        let half = try half(wish)
        try account?.checkSend(to: half.topic)
        guard let standing = transactions.ledger.withLock({ $0.standing(for: half.queueOffset) })
        else { return Response(.success) }
        if isCommitted {
            try Refusal.store { () throws(StoreError) in try commit(half) }
        }
        note(endOf: standing)
        return Response(.success)
    }

    /// The half that the request names, which must be what the request says of it.
    private func half(_ wish: EndTransactionWish) throws(Refusal) -> HalfMessage {
        var found: HalfMessage?
        (try? store.record(at: wish.physicalOffset))?.forEach { found = HalfMessage($0) }
        guard let half = found else {
            throw Refusal(.systemError, "Find prepared transaction message failed")
        }
        guard half.producerGroup == wish.producerGroup else {
            throw Refusal(.systemError, "The producer group wrong")
        }
        guard half.queueOffset == wish.queueOffset else {
            throw Refusal(.systemError, "The transaction state table offset wrong")
        }
        guard half.physicalOffset == wish.physicalOffset else {
            throw Refusal(.systemError, "The commit log offset wrong")
        }
        return half
    }
}

/// The fields of the request.
private struct EndTransactionWish {
    let producerGroup: String
    /// The half's number in the queue of halves, and its place in the log.
    let queueOffset, physicalOffset: Int64
    /// Nil: the producer does not know yet.
    let isCommitted: Bool?

    init(_ command: RemotingCommand) throws(Refusal) {
        let state: Int32
        do throws(HeaderError) {
            producerGroup = try command.fields.string("producerGroup")
            queueOffset = try command.fields.int64("tranStateTableOffset")
            physicalOffset = try command.fields.int64("commitLogOffset")
            state = try command.fields.int32("commitOrRollback")
        } catch {
            throw Refusal(error)
        }
        switch SystemFlag.Transaction(rawValue: state) {
        case .commit: isCommitted = true
        case .rollback: isCommitted = false
        case .some(.none): isCommitted = nil
        default:
            throw Refusal(
                .systemError, "commitOrRollback is \(state): 8 commits, 12 rolls back, 0 waits")
        }
    }
}
