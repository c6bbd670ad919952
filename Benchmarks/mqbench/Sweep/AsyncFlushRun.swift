// A store with ASYNC_FLUSH as in production: its flusher runs, and is given more than one interval.
//
// The rate is that of bursts, each of which counts until all of it is on the device: what an
// interval puts off is in it. Latencies and exposure are of messages at a steady pace afterwards,
// for several intervals. Both are bounded in bytes.

import ApusStore
import Bench
import Foundation
import Histogram

/// One ASYNC_FLUSH setting of a sweep.
struct AsyncFlushRun {
    let sweep: FlushPlan
    let setting: FlushSetting
    let seconds: Double
    /// Bytes a second that the device takes for longer.
    let deviceRate: Double

    private static let bursts = 4

    func measure() throws -> FlushResult {
        let plan = try sweep.appendPlan(setting, seconds: seconds)
        let messages = SampleMessages(bodyByteCount: sweep.body)
        let size = messages.recordByteCount
        let workplace = try Workplace(
            parent: sweep.parent, needing: 4 * plan.segmentByteCount + 2 * sweep.byteCount)
        let round = try StoreRound(
            workplace, plan.configuration, messages: messages, queueCount: 1)
        try round.warmUp(1, awaitsSegment: false)
        try round.store.flush()
        var result = FlushResult(setting, body: sweep.body, pace: sweep.pace, seconds: seconds)
        var rates = RoundRates()
        var acknowledged: [Double] = []
        let watch = try ExposureWatch(round.store)
        for _ in 0..<Self.bursts {
            let count = max(1, sweep.byteCount / Self.bursts / size)
            let clock = Stopwatch(seconds: seconds)
            _ = try round.task(first: round.appended, count: count).run()
            acknowledged.append(Double(count) * 1e9 / Double(max(1, clock.nanoseconds)))
            try round.store.flush()
            rates.add(
                Double(count) * 1e9 / Double(max(1, clock.nanoseconds)),
                [("device, sustained", deviceRate / Double(size))])
            round.appended += count
        }
        result.burstExposure = watch.stop()
        rates.fill(&result.measurement, byteCount: Double(size))
        result.acknowledgedPerSecond = acknowledged.median
        try pace(round, &result)
        let complaint = round.check(lastOfEachQueue: 10_000_000)
        result.measurement.checked = complaint == nil
        result.measurement.notes += [complaint].compactMap { $0 }
        return result
    }

    private func pace(_ round: StoreRound, _ result: inout FlushResult) throws {
        let interval = Double(setting.intervalMilliseconds) / 1e3
        // More of a long interval would be most of the sweep.
        let seconds = max(self.seconds * 0.6, min(4 * interval, 4))
        let limit = sweep.byteCount / round.messages.recordByteCount
        let count = max(1, min(limit, Int(Double(sweep.pace) * seconds)))
        let watch = try ExposureWatch(round.store)
        let outcome = try round.task(first: round.appended, count: count)
            .runTimed(interval: max(1, 1_000_000_000 / Int64(sweep.pace)))
        result.exposure = watch.stop()
        round.appended += outcome.count
        result.measurement.latency = outcome.latency
        result.measurement.latencyMeaning =
            "from when the append was due, \(sweep.pace) a second, to its return"
        let intervals = Double(outcome.nanoseconds) / 1e9 / interval
        if intervals < 3 {
            result.measurement.notes.append(
                String(format: "only %.1f intervals were seen: give it more --seconds", intervals))
        }
    }
}
