// One long run with the settings that a store has by itself, flushed as it is in production, and
// against what the device takes for longer: memory speed ends where the page cache is full.

import ApusStore
import Bench
import Foundation
import Histogram

/// `mqbench store append --sustained`.
struct SustainedRun {
    let plan: AppendPlan

    func measure() throws -> RunResult {
        let messages = SampleMessages(
            bodyByteCount: plan.body, tagCount: plan.tags, keyCount: plan.keys)
        let parent = plan.settings.parent
        let beside = 4 * plan.segmentByteCount + 2 << 30
        let workplace = try Workplace(parent: parent, needing: beside)
        var memory = plan.wantsUsedMemory ? try usedMemory(workplace, besides: beside) : nil
        try memory?.fill()
        let seconds = plan.settings.seconds / 3
        let (room, taken, asLog) = try device(workplace, seconds: seconds)
        let size = Double(messages.recordByteCount)
        let plan = plan.paced(toShareOf: asLog / size)
        // A faster pace than the device's does not bring more bytes to it.
        let bytes = min(size * Double(plan.rate), asLog)
        let bare = try paces(plan, workplace, bytesPerSecond: bytes, seconds: seconds / 2)
        // The files that were written for the device are gone, and their memory is free.
        try memory?.fill()
        let limit = max(plan.batch, min(room, 64 << 30) / messages.recordByteCount / plan.writers)
        let round = try StoreRound(
            workplace, plan.configuration, messages: messages, queueCount: plan.queues)
        try round.warmUp(plan.queues, awaitsSegment: false)
        let stolen = HostTime.stolenNanoseconds
        let watch = Stopwatch(seconds: plan.settings.seconds / 3 * 2)
        let end = watch.end
        let tasks = (0..<plan.writers).map {
            round.task(
                first: round.appended + $0 << 32, count: limit, batch: plan.batch,
                plantsAllocation: plan.settings.plantsAllocation)
        }
        let (outcomes, _) = try Crew.run(plan.writers) {
            try tasks[$0].runTimed(
                interval: plan.interval, until: end, segment: plan.segmentByteCount)
        }
        let appended = watch.nanoseconds
        try round.store.flush()
        let nanoseconds = watch.nanoseconds
        let stolenMeanwhile = HostTime.stolenNanoseconds.map { $0 - (stolen ?? $0) }
        var result = RunResult("append", plan.parameters)
        var all = AppendOutcome()
        for outcome in outcomes { all.add(outcome) }
        round.appended += all.count
        result.latency = all.latency
        let count = Double(all.count)
        var rates = RoundRates()
        rates.add(
            count * 1e9 / Double(nanoseconds),
            [
                ("device, new files", asLog / size),
                ("device, one file again and again", taken / size),
            ])
        rates.fill(&result, byteCount: size)
        result.latencyMeaning = plan.latencyMeaning
        result.more.append(("pauses", all.pauses.json))
        if plan.peakShare != nil { result.more.append(("pace", .count(plan.rate))) }
        result.notes.append(all.pauses.note)
        note(&result, bare: bare, stolen: stolenMeanwhile)
        result.notes += [memory?.note].compactMap(\.self)
        if all.allocations >= 0 {
            result.allocationsPerMessage = Double(all.allocations) / max(1, count)
        }
        let complaint = round.check(lastOfEachQueue: 10_000_000)
        result.checked = complaint == nil
        result.notes += [complaint].compactMap { $0 }
        result.notes.append(
            "of the time, \(Figure.duration(nanoseconds - appended)) brought the rest to the device"
                + " at the end; the clock is read for each message")
        return result
    }

    /// Bytes that the run may write, and bytes a second that the device takes: in one file again
    /// and again, and in new ones.
    private func device(
        _ workplace: Workplace, seconds: Double
    ) throws -> (room: Int, again: Double, asLog: Double) {
        let probe = try DeviceProbe(
            workplace, byteCount: plan.settings.isSmoke ? 64 << 20 : 1 << 30)
        let again = try probe.sustained(seconds: seconds / 2)
        let free = try Workplace.freeByteCount(plan.settings.parent)
        let room = free / 2 - 4 * plan.segmentByteCount
        let asLog = try probe.sequential(
            workplace, fileByteCount: plan.segmentByteCount,
            limit: min(max(room, 1 << 20), 64 << 30), seconds: seconds / 2)
        return (room, again, asLog)
    }

    /// What a thread meets at the pace of the run that appends nothing: while nothing else runs,
    /// and while as many bytes go to the device.
    private func paces(
        _ plan: AppendPlan, _ workplace: Workplace, bytesPerSecond: Double, seconds: Double
    ) throws -> [BarePace] {
        guard plan.interval > 0 else { return [] }
        let bursts = BarePace.Bursts(
            path: workplace.newPath("bursts"), fileByteCount: plan.segmentByteCount,
            bytesPerSecond: bytesPerSecond,
            flushMilliseconds: plan.configuration.flush.intervalMilliseconds)
        return [
            BarePace(
                key: "barePaceNanoseconds", meanwhile: "while nothing else runs",
                late: BarePace.lateness(interval: plan.interval, seconds: seconds)),
            BarePace(
                key: "busyPaceNanoseconds", meanwhile: "while as many bytes go to the device",
                late: try BarePace.lateness(
                    interval: plan.interval, seconds: seconds, besides: bursts)),
        ]
    }

    private func usedMemory(_ workplace: Workplace, besides: Int) throws -> UsedMemory {
        let free = try Workplace.freeByteCount(plan.settings.parent)
        return UsedMemory(
            workplace, limit: plan.settings.isSmoke ? 8 << 20 : max(0, (free - besides) / 2))
    }

    /// What is not the store's: the pace without it, and what the host of a virtual machine took.
    private func note(_ result: inout RunResult, bare: [BarePace], stolen: Int64?) {
        for pace in bare {
            let late = pace.late
            let figures = RunResult.percentiles.map {
                ($0.0, JSONValue.integer(late.value(atPercentile: $0.1)))
            }
            result.more.append((pace.key, .object(figures)))
            let tail = [("p99", 99), ("p99.9", 99.9), ("p99.99", 99.99), ("max", 100.0)].map {
                "\($0.0) \(Figure.duration(late.value(atPercentile: $0.1)))"
            }
            result.notes.append(
                "a thread at this pace that appends nothing, \(pace.meanwhile): "
                    + tail.joined(separator: ", "))
        }
        guard let stolen else { return }
        result.more.append(("stolenNanoseconds", .integer(stolen)))
        if stolen > 0 {
            result.notes.append("the host took \(Figure.duration(stolen)) of the processors")
        }
    }
}
