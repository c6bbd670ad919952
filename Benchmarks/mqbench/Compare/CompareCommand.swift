// `mqbench compare`: two result files, or two revisions, against each other.

import Bench
import Foundation

/// Putting two sides against each other.
enum CompareCommand {
    static let command = Command(
        name: "compare", summary: "two result files or revisions, medians and spread",
        arguments: "A B",
        details: """
            A and B are files of results (--record); FILE:COMMIT takes only those of one
            commit. All runs of the same work count, by median and spread. With --revisions
            they are git revisions: both are built side by side and run in turn. B is faster
            or slower when the spreads do not touch: all of them below eight runs, else the
            middle half. Rates are compared; latencies of what has a pace (tail, open).
            """,
        examples: [
            "compare before.ndjson after.ndjson", "compare runs.ndjson:3db2fdc runs.ndjson:c5a43ba",
            "compare --revisions main HEAD --workload \"append --body 1k\"",
            "compare before.ndjson after.ndjson --metric p99 --gate 10",
        ],
        flags: [
            Flag("--revisions", nil, "A and B are git revisions of this directory's repository"),
            Flag("--workload", "WORDS", "with --revisions: what to run; \"append --body 128\""),
            Flag("--rounds", "N", "with --revisions: runs of each; 8"),
            Flag("--seconds", "S", "with --revisions: all runs together, about; 40"),
            Flag("--directory", "DIR", "with --revisions: where runs work; .build/mqbench"),
            Flag("--metric", "NAME", "rate, p50, p99, p999 or size; what the work is about"),
            Flag("--newest", nil, "only the newest run of each work in a file"),
            Flag("--gate", "PERCENT", "exit with 1 when B is slower by more"),
            Flag("--json", nil, "an object for each work instead of a table"),
        ],
        argumentLimit: 2, run: { try run($0) })

    private static func run(_ options: Options) throws -> ExitCode {
        guard options.arguments.count == 2 else {
            throw UsageError("compare needs two sides: A B")
        }
        let metric = try options.text("--metric").map { _ in
            try options.choice("--metric", Metric.allCases.map(\.rawValue))
        }.flatMap { Metric(rawValue: $0) }
        let gate = try options.text("--gate").map { _ in
            try options.decimal("--gate", 1, upTo: 1e6)
        }
        let sides =
            try options.has("--revisions")
            ? RevisionRuns(options).measure() : options.arguments.map { try lines($0, options) }
        let comparisons = Comparison.all(sides[0], sides[1], metric: metric)
        guard !comparisons.isEmpty else {
            throw BenchError("A and B have no work in common that has this figure")
        }
        for warning in warnings(sides[0], sides[1], comparisons) { Console.warn(warning) }
        if options.has("--json") {
            for one in comparisons { Console.line(one.json.text) }
        } else {
            Console.line(table(comparisons))
        }
        guard let gate else { return .good }
        let worse = comparisons.filter { $0.isWorse(byPercent: gate) }
        for one in worse { Console.warn("\(one.title): worse by more than \(gate) %") }
        return worse.isEmpty ? .good : .failed
    }

    /// Results of `FILE` or `FILE:COMMIT` that were right.
    private static func lines(_ argument: String, _ options: Options) throws -> [ResultLine] {
        var path = argument
        var commit: String?
        if !FileManager.default.fileExists(atPath: path), let colon = path.lastIndex(of: ":") {
            commit = String(path[path.index(after: colon)...])
            path = String(path[..<colon])
        }
        let all = try ResultLine.read(path, commit: commit)
        let right = all.filter(\.isChecked)
        if right.count < all.count {
            Console.warn("\(argument): \(all.count - right.count) results are wrong; left out")
        }
        guard options.has("--newest") else { return right }
        return Dictionary(grouping: right, by: \.key).compactMap { $0.value.last }
            .sorted { $0.key < $1.key }
    }

    static func warnings(
        _ a: [ResultLine], _ b: [ResultLine], _ comparisons: [Comparison]
    ) -> [String] {
        var warnings: [String] = []
        let places = Set((a + b).map(\.place))
        if places.count > 1 {
            warnings.append(
                "these results are of \(places.count) machines or kernels: compare ratios, not"
                    + " rates")
        }
        let isDebug = (a + b).contains { line in
            if case .bool(false)? = line.machine["optimized"] { return true }
            return false
        }
        if isDebug { warnings.append("some results are of a build without optimisation") }
        let common = Set(comparisons.map(\.key))
        let alone = Set((a + b).map(\.key)).subtracting(common).count
        if alone > 0 { warnings.append("\(alone) works are on one side only; left out") }
        return warnings
    }

    static func table(_ comparisons: [Comparison]) -> String {
        var table = TextTable([
            ("work", .left), ("", .left), ("A", .right), ("spread", .right), ("runs", .right),
            ("B", .right), ("spread", .right), ("runs", .right), ("change", .right),
            ("B is", .left),
        ])
        for one in comparisons {
            table.add(
                [one.title, one.metric.title] + cells(one.a, one.metric)
                    + cells(one.b, one.metric)
                    + [String(format: "%+.1f %%", one.changePercent), one.verdict.rawValue])
        }
        return table.lines.joined(separator: "\n")
    }

    private static func cells(_ side: Side, _ metric: Metric) -> [String] {
        let spread = side.spread.map {
            "\(metric.text($0.lowerBound)) – \(metric.text($0.upperBound))"
        }
        return [metric.text(side.median), spread ?? "-", "\(side.runs)"]
    }
}
