// Appends that have been called and are not acknowledged yet.

import ApusSystem
import CRoofline
package import Histogram
import Synchronization

/// A bounded number of appends in the air, called by one thread.
package final class Flights: Sendable {
    private let limit: Int
    private let up = Atomic<Int>(0)
    private let landed = Signal()
    private let state = Mutex((latency: Histogram(), failure: String?.none))

    package init(limit: Int) { self.limit = limit }

    /// Who finds no room waits until a quarter of them has landed: a thread that is woken for each
    /// one does nothing but wake.
    private var enough: Int { limit - max(1, limit / 4) }

    package func takeOff() {
        if up.load(ordering: .acquiring) >= limit { waitUntil(atMost: enough) }
        up.wrappingAdd(1, ordering: .relaxed)
    }

    private func waitUntil(atMost count: Int) {
        while true {
            let seen = landed.current
            if up.load(ordering: .acquiring) <= count { return }
            landed.wait(after: seen)
        }
    }

    /// One that was called at this time was acknowledged; or was not, or not as promised, for this
    /// reason.
    package func land(called: Int64, complaint: String?) {
        let latency = croofline_now() - called
        state.withLock { state in
            state.latency.record(latency)
            if let complaint { state.failure = complaint }
        }
        let left = up.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
        if left == enough || left == 0 { landed.ring() }
    }

    package func awaitAll() throws {
        waitUntil(atMost: 0)
        if let failure = state.withLock({ $0.failure }) { throw BenchError(failure) }
    }

    package var latency: Histogram { state.withLock { $0.latency } }
}
