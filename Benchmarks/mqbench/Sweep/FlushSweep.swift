// `mqbench sweep flush`: what each way to flush costs here, and what a power cut would take.

import Bench
import Foundation
import Histogram

/// All flush settings, one behind the other.
enum FlushSweep {
    static let command = Command(
        name: "sweep flush", summary: "flush settings: rate, latency, loss in a power cut",
        details: """
            Runs a store with each flush setting, its flusher running as in production, and
            says for how long acknowledged messages are not on the device: what a power cut
            takes back. SYNC_FLUSH takes every number in flight, ASYNC_FLUSH every pair of
            interval and least pages. Ends with what to take on this machine.
            """,
        examples: [
            "sweep flush --plots plots", "sweep flush --intervals 5,20 --least-pages 1",
            "sweep flush --in-flight 1,32 --body 1k --record sweep.ndjson",
        ],
        flags: FlushPlan.flags + Flag.sweep, run: { try run($0) })

    private static func run(_ options: Options) throws -> ExitCode {
        let plan = try FlushPlan(options)
        let seconds = plan.seconds / Double(plan.settings.count + 1)
        let deviceRate = try DeviceProbe.sustained(
            in: plan.parent, seconds: min(seconds, 3), isSmoke: plan.isSmoke)
        Console.note("the device takes \(Figure.rate(deviceRate / 1e6)) MB/s for longer")
        var results: [FlushResult] = []
        for (index, setting) in plan.settings.enumerated() {
            Console.progress("sweep flush: setting \(index + 1) of \(plan.settings.count)")
            let result =
                setting.isSync
                ? try sync(setting, plan, seconds: seconds)
                : try AsyncFlushRun(
                    sweep: plan, setting: setting, seconds: seconds, deviceRate: deviceRate
                ).measure()
            Console.endProgress()
            Console.note(
                "[\(index + 1)/\(plan.settings.count)] \(result.title):"
                    + " \(Figure.rate(result.measurement.messagesPerSecond))/s,"
                    + " p50 \(Figure.duration(result.percentile(50)))")
            results.append(result)
        }
        if let folder = options.text("--plots") {
            try Plots.write(["sweep-flush": FlushResult.chart(results).svg], into: folder)
        }
        return try Report.finish(
            results.map(\.complete), options, table: { _ in FlushResult.table(results) },
            closing: FlushAdvice.lines(results))
    }

    private static func sync(
        _ setting: FlushSetting, _ plan: FlushPlan, seconds: Double
    ) throws -> FlushResult {
        let found = try SyncRun(plan: plan.appendPlan(setting, seconds: seconds)).measure()
        var result = FlushResult(setting, body: plan.body, pace: plan.pace, seconds: seconds)
        let named = result.measurement.parameters
        result.measurement = found.renamed("sweep flush", named)
        result.acknowledgedPerSecond = found.messagesPerSecond
        return result
    }
}
