// What the store has to say, in the broker's log.

import ApusStore
import Logging

/// Passes the store's events on.
struct StoreLog: StoreObserver {
    private let logger: Logger

    init(_ logger: Logger) { self.logger = logger }

    func storeDid(_ event: StoreEvent) {
        switch event {
        case .opened(let guarantee): logger.info("\(guarantee)")
        case .recovering, .segmentReady, .segmentDeleted, .queueRebuilt, .closed, .clockLeapt,
            .clockBehind:
            logger.info("store: \(event)")
        case .limitNear, .diskFull, .unguarded, .delayed: logger.warning("store: \(event)")
        case .damaged, .scrubFound, .poisoned, .mappingFailed: logger.error("store: \(event)")
        }
    }
}
