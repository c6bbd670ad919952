// What a pull finds, in RocketMQ's words, and the answer that it gets.

import ApusFormat
import ApusRemoting
import ApusStore

/// How a pull ended, with the code that tells the client what to do next.
enum PullStatus: String {
    case found = "FOUND"
    /// There were messages, none of which the filter lets through: go on behind them.
    case noneMatched = "NO_MATCHED_MESSAGE"
    /// The end of the queue: nothing is there yet.
    case atEnd = "OFFSET_OVERFLOW_ONE"
    case emptyQueue = "NO_MESSAGE_IN_QUEUE"
    case beyondEnd = "OFFSET_OVERFLOW_BADLY"
    case tooSmall = "OFFSET_TOO_SMALL"
    case removed = "MESSAGE_WAS_REMOVING"
    /// An administrator has set where the group goes on.
    case reset = "OFFSET_RESET"

    /// An empty queue sends those elsewhere who come with an offset.
    func code(offset: Int64) -> ResponseCode {
        switch self {
        case .found: .success
        case .noneMatched, .removed: .pullRetryImmediately
        case .atEnd: .pullNotFound
        case .emptyQueue: offset == 0 ? .pullNotFound : .pullOffsetMoved
        case .beyondEnd, .tooSmall, .reset: .pullOffsetMoved
        }
    }
}

/// The numbers of a pull's answer.
struct PullAnswer {
    var status: PullStatus
    var code: ResponseCode
    var nextOffset: Int64
    var offsets: Range<Int64>
}

extension BrokerCore {
    /// Reads for a pull and answers it; or, at the end of the queue, asks `park` to take it, which
    /// says whether it did.
    func finish(_ pull: HeldPull, _ park: (HeldPull) -> Bool) {
        let batch: MessageBatch
        do throws(StoreError) {
            batch = try store.read(
                pull.queue, from: pull.offset, count: pull.count, byteCount: pull.byteCount,
                filter: pull.filter, scanLimit: scanLimit(of: pull))
            try batch.checkMappings()
        } catch {
            return refuse(pull, error)
        }
        if batch.isEmpty {
            if batch.nextOffset >= batch.offsets.upperBound {
                var rest = pull
                rest.offset = batch.nextOffset
                // What did not match is behind it: the client learns of that when the wait ends.
                if park(rest) { return }
            }
            return answer(pull, nothingIn: batch)
        }
        statistics.pulled(messages: batch.count, bytes: batch.byteCount)
        pull.connection.answer(
            pull,
            PullAnswer(
                status: .found, code: .success, nextOffset: batch.nextOffset,
                offsets: batch.offsets),
            batch)
    }

    /// Entries that a pull goes through: its connection's event loop does nothing else meanwhile.
    private func scanLimit(of pull: HeldPull) -> Int {
        max(pull.count, configuration.pulling.filteredByteCount / ConsumeQueueUnit.byteCount)
    }

    private func answer(_ pull: HeldPull, nothingIn batch: MessageBatch) {
        let status: PullStatus
        if batch.nextOffset > pull.offset {
            status = .noneMatched
        } else if batch.offsets.upperBound == 0 {
            status = .emptyQueue
        } else {
            status = batch.nextOffset >= batch.offsets.upperBound ? .atEnd : .removed
        }
        pull.connection.answer(
            pull,
            PullAnswer(
                status: status, code: status.code(offset: pull.offset),
                nextOffset: batch.nextOffset, offsets: batch.offsets), nil)
    }

    private func refuse(_ pull: HeldPull, _ error: StoreError) {
        guard case .offsetOutOfRange(let offset, let low, let high) = error else {
            return pull.connection.refuse(pull.key, Refusal(error))
        }
        let status: PullStatus = high == 0 ? .emptyQueue : offset < low ? .tooSmall : .beyondEnd
        pull.connection.answer(
            pull,
            PullAnswer(
                status: status, code: status.code(offset: offset),
                nextOffset: offset < low ? low : high, offsets: low..<max(low, high)), nil)
    }
}
