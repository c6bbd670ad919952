// Which charts are drawn from which results.

import Bench
import Foundation
import Histogram

/// The SVG files of a suite.
enum Plots {
    /// Draws `latency.svg` and `throughput.svg` into `folder`.
    static func draw(_ measurements: [RunResult], into folder: String) throws {
        var files: [String: String] = [:]
        files["latency"] = latency(measurements)?.svg
        files["throughput"] = throughput(measurements)?.svg
        try write(files, into: folder)
    }

    /// Writes drawings, by name, into `folder`.
    static func write(_ drawings: [String: String], into folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (name, svg) in drawings {
            try svg.write(toFile: "\(folder)/\(name).svg", atomically: true, encoding: .utf8)
        }
    }

    /// Latencies at the percentiles, each nine as wide as the one before.
    private static func latency(_ measurements: [RunResult]) -> Chart? {
        let wanted = [
            "append 128 B", "append 1024 B", "append 128 B 100000/s", "tail spin 20000/s 128 B",
            "append 128 B sync 256 in flight", "append 128 B sync",
        ]
        let shown = wanted.compactMap { title in measurements.first { $0.title == title } }
        guard !shown.isEmpty else { return nil }
        let marks = RunResult.percentiles
        return Chart(
            title: "Latency, by percentile",
            subtitle:
                "lower is better; sync waits for the device, tail for a reader to have it",
            xLabel: "percentile", yLabel: "latency", xScale: .linear,
            xTicks: marks.enumerated().map { index, mark in
                (Double(index), mark.0 == "max" ? "max" : "\(text(mark.1))")
            },
            yText: { Figure.duration(Int64($0)) },
            lines: shown.map { one in
                Chart.Line(
                    name: one.title,
                    points: marks.enumerated().map { index, mark in
                        let value = one.latency.value(atPercentile: mark.1)
                        return (Double(index), Double(max(1, value)))
                    })
            })
    }

    private static func text(_ percent: Double) -> String {
        percent == percent.rounded() ? String(Int(percent)) : String(percent)
    }

    /// Bytes a second by the size of a body: the store and its rooflines.
    private static func throughput(_ measurements: [RunResult]) -> Chart? {
        var rows: [(body: Double, one: RunResult)] = []
        for one in measurements {
            guard case .integer(let body)? = one.parameters.first(where: { $0.0 == "body" })?.1,
                one.title == "append \(body) B", one.rooflines.count == 2
            else { continue }
            rows.append((Double(body), one))
        }
        rows.sort { $0.body < $1.body }
        guard rows.count > 1 else { return nil }
        func line(_ name: String, _ value: (RunResult) -> Double) -> Chart.Line {
            Chart.Line(name: name, points: rows.map { ($0.body, value($0.one) * 1e6) })
        }
        return Chart(
            title: "Append throughput, by size of the body",
            subtitle: "one writer, async, bytes of records a second; higher is better",
            xLabel: "bytes of a body", yLabel: "throughput", xScale: .logarithmic,
            xTicks: rows.map { ($0.body, bytes($0.body)) },
            yText: { "\(bytes($0, thousand: 1000))/s" },
            lines: [
                line("bare memcpy") { $0.rooflines[1].megabytesPerSecond },
                line("C loop") { $0.rooflines[0].megabytesPerSecond },
                line("store") { $0.megabytesPerSecond },
            ])
    }

    static func bytes(_ value: Double, thousand: Double = 1024) -> String {
        let units = thousand == 1024 ? ["B", "KiB", "MiB", "GiB"] : ["B", "kB", "MB", "GB"]
        var value = value
        var unit = 0
        while value >= thousand, unit < units.count - 1 {
            value /= thousand
            unit += 1
        }
        return String(format: "%.4g %@", value, units[unit])
    }
}
