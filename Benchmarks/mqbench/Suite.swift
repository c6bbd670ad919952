// `mqbench suite`: what `make bench` runs. The bodies of the figures by size come first, then the
// other ways to append, then reading, recovering and opening.

import Bench
import Foundation
import Histogram

/// A list of workloads with their flags.
enum Suite {
    static let command = Command(
        name: "suite", summary: "all of them, as `make bench` does",
        details: """
            Runs all workloads one behind the other, with the flags below, and prints one
            table. --seconds is for all of them together; 90. It takes longer than that,
            since stores are filled, checked and removed besides.
            """,
        examples: ["suite --seconds 30", "suite --record runs.ndjson --plots plots"],
        flags: Flag.common.filter { !$0.meaning.isEmpty } + [Flag.plots],
        listing: "What is run:\n\n" + listing, run: { try run($0) })

    /// The workload, its flags, and its share of the time.
    private static let runs: [(words: [String], weight: Double)] = [
        ("append --body 128", 6), ("append --body 1k", 6), ("append --body 64", 3),
        ("append --body 256", 3), ("append --body 4k", 3), ("append --body 16k", 3),
        ("append --body 64k", 3), ("append --batch 32", 4), ("append --keys 1", 4),
        ("append --queues 100", 4), ("append --writers 2", 4), ("append --writers 4", 4),
        ("append --rate 100000", 5), ("append --body 1k --sustained", 8),
        ("append --flush sync", 4), ("append --flush sync --writers 16", 4),
        ("append --flush sync --in-flight 256", 4),
        ("tail", 3), ("tail --mode wait", 3), ("tail --mode same", 2),
        ("read", 3), ("read --mode cold", 4), ("read --mode key", 4), ("recover", 4),
        ("open", 3),
    ].map { ($0.0.split(separator: " ").map(String.init), $0.1) }

    /// The lines of help that show what is run.
    private static var listing: String {
        runs.map { "  store \($0.words.joined(separator: " "))" }.joined(separator: "\n")
    }

    private static func run(_ options: Options) throws -> ExitCode {
        let isSmoke = options.has("--smoke")
        let total = try options.decimal("--seconds", isSmoke ? 2 : 90, upTo: 3600)
        let weights = runs.reduce(0) { $0 + $1.weight }
        var all: [RunResult] = []
        for (index, run) in runs.enumerated() {
            guard let workload = Workload.named(run.words[0]) else { continue }
            var words = Array(run.words.dropFirst())
            words += ["--seconds", String(format: "%.2f", total * run.weight / weights)]
            if let directory = options.text("--directory") { words += ["--directory", directory] }
            if isSmoke { words.append("--smoke") }
            let each = try Options(words, allowed: workload.flags + Flag.common)
            let measurement = try workload.measure(each)
            Console.endProgress()
            Console.note(
                "[\(index + 1)/\(runs.count)] \(measurement.title):"
                    + " p50 \(Figure.duration(measurement.latency.value(atPercentile: 50))),"
                    + " \(Figure.rate(measurement.messagesPerSecond))/s, of the roofline "
                    + (measurement.rooflines.first.map { String(format: "%.2f", $0.ratio) } ?? "-"))
            all.append(measurement)
        }
        if let folder = options.text("--plots") { try Plots.draw(all, into: folder) }
        return try Report.finish(all, options)
    }
}
