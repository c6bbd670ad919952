// Whom to tell when an append is stored as the flush mode promises.
//
// Result and closure side by side: wrapped into a closure that takes them along, each layer would
// be an allocation for each message.

import ApusSystem

/// How a wait for the device ended.
enum FlushOutcome: Sendable {
    case flushed
    case timedOut
    case poisoned(DiskError)
}

/// A caller's completion and the result that it is to be given.
enum Completion: Sendable {
    case one(AppendResult, @Sendable (Result<AppendResult, StoreError>) -> Void)
    case batch(BatchAppendResult, @Sendable (Result<BatchAppendResult, StoreError>) -> Void)

    /// Where the log has to be on the device up to.
    var end: Int64 {
        switch self {
        case .one(let result, _): result.physicalEnd
        case .batch(let result, _): result.physicalEnd
        }
    }

    func succeed(_ status: AppendStatus) {
        switch self {
        case .one(let result, let complete): complete(.success(result.withStatus(status)))
        case .batch(let result, let complete): complete(.success(result.withStatus(status)))
        }
    }

    func fail(_ error: StoreError) {
        switch self {
        case .one(_, let complete): complete(.failure(error))
        case .batch(_, let complete): complete(.failure(error))
        }
    }

    func end(with outcome: FlushOutcome) {
        switch outcome {
        case .flushed: succeed(.stored)
        case .timedOut: succeed(.flushTimedOut)
        case .poisoned(let cause): fail(.poisoned(cause: cause))
        }
    }
}
