// `mqbench sweep compression`: what each codec costs here, and what it saves.

import Bench
import Foundation
import Histogram

/// All ways to compress, one behind the other.
enum CompressionSweep {
    static let command = Command(
        name: "sweep compression", summary: "codecs and levels: bytes on disk, append, read",
        details: """
            Appends bodies of text, JSON and random bytes through the store's compression:
            none, LZ4, LZ4 HC, zlib and Zstandard at several levels; reads them back, and
            holds them against what was sent. Ends with what to take on this machine: the
            highest rate that one thread and the device sustain.
            """,
        examples: [
            "sweep compression --plots plots", "sweep compression --kinds json --bodies 4k",
            "sweep compression --record sweep.ndjson",
        ],
        flags: CompressionPlan.flags + Flag.sweep, run: { try run($0) })

    private static func run(_ options: Options) throws -> ExitCode {
        let plan = try CompressionPlan(options)
        let deviceSeconds = min(plan.seconds / 10, 3)
        let deviceRate = try DeviceProbe.sustained(
            in: plan.parent, seconds: deviceSeconds, isSmoke: plan.isSmoke)
        // Reading, checking and making room take about as long as appending.
        let seconds = (plan.seconds - deviceSeconds) / Double(plan.cases.count) / 2
        var results: [CompressionResult] = []
        for (index, one) in plan.cases.enumerated() {
            let result = try CompressionRun(plan: plan, one: one, seconds: seconds).measure()
            Console.note(
                "[\(index + 1)/\(plan.cases.count)] \(result.measurement.title):"
                    + " \(String(format: "%.0f", result.storedShare * 100)) %,"
                    + " append \(Figure.rate(result.appendPerSecond))/s,"
                    + " read \(Figure.rate(result.readPerSecond))/s")
            results.append(result)
        }
        if let folder = options.text("--plots") {
            try Plots.write(CompressionResult.charts(results), into: folder)
        }
        return try Report.finish(
            results.map(\.complete), options, table: { _ in CompressionResult.table(results) },
            closing: CompressionAdvice.lines(results, deviceRate: deviceRate))
    }
}
