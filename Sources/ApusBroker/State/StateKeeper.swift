// Writes offsets now and then. A step at a time: a broker gives it a thread, a test steps it.

import ApusStore
import ApusSystem
import Logging
import Synchronization

/// Persists the offsets of consumers and of delay levels at their intervals.
final class StateKeeper: Agent {
    private let state: BrokerState
    private let offsets: OffsetSettings
    private let delay: DelaySettings
    private let time: TimeSource
    private let logger: Logger
    private let due: Mutex<(offsets: Int64, delay: Int64)>
    let signal = Signal()

    init(
        _ state: BrokerState, _ configuration: BrokerConfiguration, time: TimeSource = .system,
        logger: Logger
    ) {
        self.state = state
        offsets = configuration.offsets
        delay = configuration.delay
        self.time = time
        self.logger = logger
        let now = time.nanoseconds
        due = Mutex(
            (
                now + configuration.offsets.intervalMilliseconds * 1_000_000,
                now + configuration.delay.intervalMilliseconds * 1_000_000
            ))
    }

    var roleName: String { "offsets" }

    var idleNanoseconds: Int64? {
        let next = due.withLock { min($0.offsets, $0.delay) }
        return max(1_000_000, next - time.nanoseconds)
    }

    func doWork() -> Int {
        let now = time.nanoseconds
        let (isOffsets, isDelay) = due.withLock { due in
            let found = (now >= due.offsets, now >= due.delay)
            if found.0 { due.offsets = now + offsets.intervalMilliseconds * 1_000_000 }
            if found.1 { due.delay = now + delay.intervalMilliseconds * 1_000_000 }
            return found
        }
        if isOffsets { keep("consumers", state.offsets.persist) }
        if isDelay { keep("delay levels", state.delayOffsets.persist) }
        return 0
    }

    /// What fails is tried again at the next interval.
    private func keep(_ what: String, _ persist: () throws(StateError) -> Void) {
        do throws(StateError) {
            try persist()
        } catch {
            logger.error(
                "cannot write offsets; a crash now repeats messages",
                metadata: ["of": "\(what)", "error": "\(error)"])
        }
    }
}
