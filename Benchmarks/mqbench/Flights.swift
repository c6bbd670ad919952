// Appends that have been called and are not acknowledged yet.

import ApusStore
import ApusSystem
import Bench
import CRoofline
import Histogram
import Synchronization

/// A bounded number of appends in the air, called by one thread.
final class Flights: Sendable {
    private let limit: Int
    private let up = Atomic<Int>(0)
    private let landed = Signal()
    private let state = Mutex((latency: Histogram(), failure: String?.none))

    init(limit: Int) { self.limit = limit }

    /// Who finds no room waits until a quarter of them has landed: a thread that is woken for each
    /// one does nothing but wake.
    private var enough: Int { limit - max(1, limit / 4) }

    func takeOff() {
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

    /// `flushed`: how far the log was on the device when the append was acknowledged.
    func land(_ result: Result<AppendResult, StoreError>, called: Int64, flushed: Int64) {
        let latency = croofline_now() - called
        state.withLock { state in
            state.latency.record(latency)
            switch result {
            case .success(let place) where place.status == .stored:
                if place.physicalEnd > flushed {
                    state.failure = "a message was acknowledged that is not on the device"
                }
            case .success: state.failure = "a sync took too long"
            case .failure(let error): state.failure = "\(error)"
            }
        }
        let left = up.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue
        if left == enough || left == 0 { landed.ring() }
    }

    func awaitAll() throws {
        waitUntil(atMost: 0)
        if let failure = state.withLock({ $0.failure }) { throw BenchError(failure) }
    }

    var latency: Histogram { state.withLock { $0.latency } }
}
