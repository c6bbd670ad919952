// Appends that wait for the device: each writer for its own, or one writer with several in flight.
//
// The roofline is the raw device: as many messages as shared a sync of the store, written as one
// block and made durable in the best of four ways, one block behind the other. With several in
// flight there is another: two threads in C, of which one appends and one commits. All write into
// files of one directory; they take turns.

import ApusStore
import ApusSystem
import Bench
import CAllocationCounter
import CRoofline
import Foundation
import Histogram
import Synchronization

/// `mqbench store append --flush sync`.
struct SyncRun {
    let plan: AppendPlan

    /// What the rounds came to beside their rates.
    private struct Shares {
        /// Messages that shared a sync of the store.
        var store: [Double] = []
        /// What the two threads in C came to.
        var handedOver: [croofline_commits] = []
        /// An acknowledgement's time at the median, of one block's.
        var latencies: [Double] = []
        var methods: Set<String> = []

        func notes(atATime: Int) -> [String] {
            let best = methods.sorted().joined(separator: ", then ")
            var all = [
                String(
                    format: "%.1f messages shared a sync; the device writes blocks of so many, and "
                        + "of all that may be in flight (%d). Best was %@. An acknowledgement "
                        + "takes %.2f of one block's time at the median",
                    store.median, atATime, best, latencies.median)
            ]
            if !handedOver.isEmpty {
                all.append(
                    String(
                        format: "Of the two threads in C, %.1f messages shared a sync, and were "
                            + "acknowledged after %@ in the mean. They hand over to each other as "
                            + "appenders and the store do: who has as many in flight as may be "
                            + "sleeps until a quarter is acknowledged",
                        handedOver.map(\.per_sync).median,
                        Figure.duration(Int64(handedOver.map(\.mean_nanoseconds).median))))
            }
            return all
        }
    }

    func measure() throws -> RunResult {
        let messages = SampleMessages(
            bodyByteCount: plan.body, tagCount: plan.tags, keyCount: plan.keys)
        let workplace = try Workplace(
            parent: plan.settings.parent, needing: 4 * plan.segmentByteCount)
        let atATime = max(plan.inFlight, plan.writers * plan.batch)
        func block(_ count: Double) -> Int {
            (Int(count * Double(messages.recordByteCount)) + 4095) & ~4095
        }
        let device = try DeviceProbe(
            workplace, byteCount: max(64 << 20, 4 * block(Double(atATime))))
        let round = try StoreRound(
            workplace, plan.configuration, messages: messages, queueCount: plan.queues)
        try round.warmUp(1, awaitsSegment: false)
        var rates = RoundRates()
        var total = AppendOutcome()
        var shares = Shares()
        let rounds = plan.settings.isSmoke ? 1 : 5
        let seconds = plan.settings.seconds / Double(rounds)
        for index in 0..<rounds {
            Console.progress("append sync: round \(index + 1) of \(rounds)")
            try round.awaitZeroes()
            let before = round.store.syncCount
            let outcome =
                try plan.inFlight > 1
                ? inFlight(round, seconds: seconds * 0.7) : blocking(round, seconds: seconds * 0.7)
            let syncs = max(1, round.store.syncCount - before)
            try round.awaitZeroes()
            let batch = Double(outcome.count) / Double(syncs)
            let formed = try device.bestSync(block: block(batch), seconds: seconds * 0.15)
            let whole = try device.bestSync(
                block: block(Double(atATime)), seconds: seconds * 0.15)
            var rooflines = [
                ("device, batches that formed", formed.perSecond * batch),
                ("device, all in one block", whole.perSecond * Double(atATime)),
            ]
            if let commits = try handOver(device, messages, seconds: seconds * 0.2) {
                rooflines.append(("C, one appends, one commits", commits.per_second))
                shares.handedOver.append(commits)
            }
            rates.add(
                Double(outcome.count) * 1e9 / Double(max(1, outcome.nanoseconds)), rooflines)
            let median = Double(outcome.latency.value(atPercentile: 50))
            shares.store.append(batch)
            shares.latencies.append(
                median / Double(max(1, formed.latency.value(atPercentile: 50))))
            shares.methods.insert(formed.name)
            total.add(outcome)
        }
        var result = report(round, rates, total, messages)
        result.notes += shares.notes(atATime: atATime)
        return result
    }

    /// The same by two threads in C, where there is one that appends and has some in flight.
    private func handOver(
        _ device: DeviceProbe, _ messages: SampleMessages, seconds: Double
    ) throws -> croofline_commits? {
        guard plan.inFlight > 1, plan.rate == 0 else { return nil }
        return try device.bestCommits(of: messages, inFlight: plan.inFlight, seconds: seconds)
    }

    private func report(
        _ round: StoreRound, _ rates: RoundRates, _ total: AppendOutcome,
        _ messages: SampleMessages
    ) -> RunResult {
        var result = RunResult("append", plan.parameters)
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
        for outcome in outcomes { all.add(outcome) }
        round.appended += all.count
        return all
    }

    /// What is wrong with an acknowledgement at which the log was on the device so far.
    private static func complaint(
        _ result: Result<AppendResult, StoreError>, _ flushed: Int64
    ) -> String? {
        switch result {
        case .success(let place) where place.status == .stored:
            place.physicalEnd > flushed
                ? "a message was acknowledged that is not on the device" : nil
        case .success: "a sync took too long"
        case .failure(let error): "\(error)"
        }
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
            let queue = round.queues[queueNumber(number, of: plan.queues)]
            bytes.append(number, to: queue, of: store) {
                flights.land(called: called, complaint: Self.complaint($0, store.flushed))
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
