// Prints results: a table for people, JSON for programs.

import Bench
import Histogram

/// What becomes of a measurement.
enum LoadReport {
    static func finish(_ measurement: RunResult, _ options: Options) throws -> ExitCode {
        Console.endProgress()
        try ResultFile.record([measurement], options, makeTarget: "load")
        Console.line(options.has("--json") ? measurement.json.text : table(measurement))
        if measurement.checked { return .good }
        Console.warn("something failed: see the notes")
        return .refused
    }

    static func table(_ one: RunResult) -> String {
        var table = TextTable([
            ("load", .left), ("messages/s", .right), ("MB/s", .right), ("of roofline", .right),
            ("p50", .right), ("p99", .right), ("p99.9", .right), ("max", .right),
            ("failed", .right),
        ])
        let latencies = [50, 99, 99.9, 100].map {
            one.latency.count > 0 ? Figure.duration(one.latency.value(atPercentile: $0)) : "-"
        }
        table.add(
            [
                one.loadTitle, Figure.rate(one.messagesPerSecond),
                Figure.rate(one.megabytesPerSecond),
                one.rooflines.first.map { Figure.rate($0.ratio) } ?? "-",
            ] + latencies + [one.count("failed")])
        for (place, roofline) in one.rooflines.enumerated() {
            // The first is the bare server. What part of another was reached stands beside it.
            let latencies = ["p50", "p99", "p999", "max"].map {
                place == 0 ? one.nanoseconds("rooflineLatencyNanoseconds", $0) : ""
            }
            table.add(
                [
                    "  \(roofline.name)", Figure.rate(roofline.messagesPerSecond),
                    Figure.rate(roofline.megabytesPerSecond),
                    place == 0 ? "" : Figure.rate(roofline.ratio),
                ] + latencies + [""])
        }
        let notes = one.notes.map { "- \($0)" }
        return (table.lines + (notes.isEmpty ? [] : [""]) + notes).joined(separator: "\n")
    }
}

extension RunResult {
    /// A figure of its own by its name, as text.
    fileprivate func count(_ name: String) -> String {
        more.first { $0.0 == name }?.1.text ?? "-"
    }

    fileprivate func nanoseconds(_ name: String, _ percentile: String) -> String {
        guard case .object(let members)? = more.first(where: { $0.0 == name })?.1,
            case .integer(let value)? = members.first(where: { $0.0 == percentile })?.1
        else { return "" }
        return Figure.duration(value)
    }

    /// The load with the parameters that tell it from others.
    fileprivate var loadTitle: String {
        let shown = parameters.compactMap { name, value -> String? in
            switch (name, value) {
            case ("body", .integer(let bytes)): "\(bytes) B"
            case ("batch", .integer(let count)) where count > 1: "batch of \(count)"
            case ("pull", .integer(let count)): "\(count) a pull"
            case ("connections", .integer(let count)): "\(count) connections"
            case ("inFlight", .integer(let count)): "\(count) in flight"
            case ("rate", .integer(let rate)) where rate > 0: "\(rate)/s"
            case ("flush", .string("sync")): "sync"
            default: nil
            }
        }
        return ([workload] + shown).joined(separator: " ")
    }
}
