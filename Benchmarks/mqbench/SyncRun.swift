// Appends that wait for the device: each writer for its own, or one writer with several in flight.
//
// The roofline is the raw device: as many messages as are in flight at a time, written as one block
// and made durable in the best of four ways, one block behind the other. Both write into files of
// one directory; they take turns.

import ApusStore
import ApusSystem
import CAllocationCounter
import CRoofline
import Foundation
import Histogram
import Synchronization

/// `mqbench store append --flush sync`.
struct SyncRun {
    let plan: AppendPlan

    func measure() throws -> Measurement {
        let messages = SampleMessages(
            bodyByteCount: plan.body, tagCount: plan.tags, keyCount: plan.keys)
        let workplace = try Workplace(
            parent: plan.settings.parent, needing: 4 * plan.segmentByteCount)
        let atATime = max(plan.inFlight, plan.writers * plan.batch)
        let block = (atATime * messages.recordByteCount + 4095) & ~4095
        let device = try DeviceProbe(workplace, byteCount: max(64 << 20, 4 * block))
        let round = try StoreRound(
            workplace, plan.configuration, messages: messages, queueCount: plan.queues)
        try round.warmUp(1, awaitsSegment: false)
        var rates = RoundRates()
        var total = AppendOutcome()
        var methods: Set<String> = []
        let rounds = plan.settings.isSmoke ? 1 : 5
        let seconds = plan.settings.seconds / Double(rounds)
        for index in 0..<rounds {
            Console.progress("append sync: round \(index + 1) of \(rounds)")
            let best = try device.bestSync(block: block, seconds: seconds * 0.3)
            let outcome =
                try plan.inFlight > 1
                ? inFlight(round, seconds: seconds * 0.7) : blocking(round, seconds: seconds * 0.7)
            rates.add(
                Double(outcome.count) * 1e9 / Double(max(1, outcome.nanoseconds)),
                [("device, best sync", best.perSecond * Double(atATime))])
            methods.insert(best.name)
            total.latency.merge(outcome.latency)
            total.count += outcome.count
            total.allocations =
                outcome.allocations < 0 ? -1 : total.allocations + outcome.allocations
        }
        var result = report(round, rates, total, messages)
        result.notes.append(
            "the device writes blocks of \(block) bytes, as many messages as are in flight;"
                + " best was "
                + methods.sorted().joined(separator: ", then "))
        return result
    }

    private func report(
        _ round: StoreRound, _ rates: RoundRates, _ total: AppendOutcome,
        _ messages: SampleMessages
    ) -> Measurement {
        var result = Measurement("append", plan.parameters)
        rates.fill(&result, byteCount: Double(messages.recordByteCount))
        result.latency = total.latency
        result.latencyMeaning =
            (plan.rate > 0 ? "from the time at which the append was due" : "from an append's call")
            + " to its acknowledgement, by when a sync covers it"
        if total.allocations >= 0, total.count > 0 {
            result.allocationsPerMessage = Double(total.allocations) / Double(total.count)
        }
        var complaints = [round.check()].compactMap { $0 }
        // Every append has returned by now.
        let (published, flushed) = (round.store.published, round.store.flushed)
        if flushed < published {
            complaints.append("\(published - flushed) acknowledged bytes are not on the device")
        }
        result.checked = complaints.isEmpty
        result.notes += complaints
        return result
    }

    private func blocking(_ round: StoreRound, seconds: Double) throws -> AppendOutcome {
        let interval =
            plan.rate > 0
            ? max(1, Int64(1e9 * Double(plan.batch * plan.writers) / Double(plan.rate))) : 0
        let tasks = (0..<plan.writers).map { writer in
            round.task(
                first: round.appended + writer << 32, count: .max, batch: plan.batch,
                plantsAllocation: plan.settings.plantsAllocation)
        }
        let end = croofline_now() + Int64(seconds * 1e9)
        let (outcomes, nanoseconds) = try Crew.run(plan.writers) {
            try tasks[$0].runTimed(interval: interval, until: end)
        }
        var all = AppendOutcome()
        all.nanoseconds = nanoseconds
        for outcome in outcomes {
            all.count += outcome.count
            all.latency.merge(outcome.latency)
            all.allocations = outcome.allocations < 0 ? -1 : all.allocations + outcome.allocations
        }
        round.appended += all.count
        return all
    }

    private func inFlight(_ round: StoreRound, seconds: Double) throws -> AppendOutcome {
        var bytes = AppendBytes(
            round.messages, batch: 1, plants: plan.settings.plantsAllocation)
        let flights = Flights(limit: plan.inFlight)
        let interval = plan.rate > 0 ? max(1, 1_000_000_000 / Int64(plan.rate)) : 0
        let allocations = callocationcounter_thread()
        let start = croofline_now()
        let end = start + Int64(seconds * 1e9)
        var due = start
        var outcome = AppendOutcome()
        while croofline_now() < end {
            if interval > 0 { while croofline_now() < due {} }
            flights.takeOff()
            let called = interval > 0 ? due : croofline_now()
            let number = round.appended
            let store = round.store
            bytes.append(number, to: round.queues[number % plan.queues], of: store) {
                flights.land($0, called: called, flushed: store.flushed)
            }
            round.appended += 1
            outcome.count += 1
            due += interval
        }
        try flights.awaitAll()
        outcome.nanoseconds = croofline_now() - start
        outcome.countAllocations(since: allocations)
        outcome.latency = flights.latency
        return outcome
    }
}

/// Appends that have been called and are not acknowledged yet.
private final class Flights: Sendable {
    private let room: DispatchSemaphore
    private let limit: Int
    private let state = Mutex((latency: Histogram(), failure: String?.none))

    init(limit: Int) {
        self.limit = limit
        room = DispatchSemaphore(value: limit)
    }

    func takeOff() { room.wait() }

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
        room.signal()
    }

    func awaitAll() throws {
        for _ in 0..<limit { room.wait() }
        for _ in 0..<limit { room.signal() }
        if let failure = state.withLock({ $0.failure }) { throw BenchError(failure) }
    }

    var latency: Histogram { state.withLock { $0.latency } }
}
