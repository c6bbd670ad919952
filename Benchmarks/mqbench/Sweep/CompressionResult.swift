// What a compression sweep found out about a case, and how it is shown.

import ApusFormat
import Bench
import Foundation
import Histogram

/// One case with its figures.
struct CompressionResult: Sendable {
    let one: CompressionCase
    /// Of appends; a megabyte is a million bytes of bodies before compression.
    var measurement: RunResult
    /// Bytes of a record in the log, the mean.
    var storedByteCount = 0.0
    /// Messages read and decompressed a second.
    var readPerSecond = 0.0

    init(_ one: CompressionCase, seconds: Double) {
        self.one = one
        measurement = RunResult(
            "sweep compression", one.parameters + [("seconds", .figure(seconds))])
        measurement.latencyMeaning = "from an append's call to its return, compression included"
    }

    var appendPerSecond: Double { measurement.messagesPerSecond }

    /// Bytes of a record without compression.
    var plainByteCount: Double {
        Double(
            RecordFrame(
                version: .v1, systemFlag: [], bodyLength: one.body,
                topicLength: SampleMessages.topic.utf8.count, propertiesLength: 0
            ).totalSize)
    }

    /// What the log holds as a share of what it would hold without compression.
    var storedShare: Double { storedByteCount / plainByteCount }

    /// Messages a second that a device of so many bytes a second and one thread keep up with.
    func sustained(deviceRate: Double) -> Double {
        min(appendPerSecond, deviceRate / max(1, storedByteCount))
    }

    var complete: RunResult {
        var whole = measurement
        whole.more = [
            ("storedBytesPerMessage", .figure(storedByteCount)),
            ("storedShare", .figure(storedShare)),
            ("readMessagesPerSecond", .figure(readPerSecond)),
        ]
        return whole
    }

    static func table(_ results: [CompressionResult]) -> String {
        var table = TextTable([
            ("body", .left), ("codec", .left), ("bytes on disk", .right), ("of plain", .right),
            ("append/s", .right), ("MB/s", .right), ("p99", .right), ("read/s", .right),
            ("checked", .left),
        ])
        for result in results {
            table.add([
                "\(result.one.kind) \(Plots.bytes(Double(result.one.body)))",
                result.one.choice.name, String(format: "%.0f", result.storedByteCount),
                String(format: "%.0f %%", result.storedShare * 100),
                Figure.rate(result.appendPerSecond),
                Figure.rate(result.measurement.megabytesPerSecond),
                Figure.duration(result.measurement.latency.value(atPercentile: 99)),
                Figure.rate(result.readPerSecond), result.measurement.checked ? "yes" : "WRONG",
            ])
        }
        let notes = Report.notes(of: results.map(\.measurement))
        let legend = [
            "one thread appends and compresses; MB/s are of bodies before compression; read/s are",
            "messages read by queue and taken out decompressed. A body that does not shrink is",
            "stored as it is.",
        ]
        return (table.lines + [""] + legend + notes).joined(separator: "\n")
    }

    /// A chart for each size of body, by name.
    static func charts(_ results: [CompressionResult]) -> [String: String] {
        var charts: [String: String] = [:]
        for (body, all) in Dictionary(grouping: results, by: \.one.body) {
            charts["sweep-compression-\(body)"] = chart(body, all).svg
        }
        return charts
    }

    private static func chart(_ body: Int, _ results: [CompressionResult]) -> RowChart {
        let choices = CodecChoice.all.filter { choice in
            results.contains { $0.one.choice == choice }
        }
        let kinds = BodyKind.allCases.filter { kind in results.contains { $0.one.kind == kind } }
        func panel(
            _ title: String, _ scale: Chart.Scale, _ text: @escaping (Double) -> String,
            _ value: (CompressionResult) -> Double
        ) -> RowChart.Panel {
            RowChart.Panel(
                title: title, scale: scale, text: text,
                rows: choices.map { choice in
                    results.filter { $0.one.choice == choice }.map { result in
                        RowChart.Mark(
                            series: kinds.firstIndex(of: result.one.kind) ?? 0,
                            value: value(result))
                    }
                })
        }
        return RowChart(
            title: "Compression of bodies of \(Plots.bytes(Double(body)))",
            subtitle: "one thread; further left is smaller on disk, further right is faster",
            rows: choices.map(\.name),
            panels: [
                panel("bytes on disk, of plain", .linear, { "\(Int($0.rounded())) %" }) {
                    $0.storedShare * 100
                },
                panel("append, messages/s", .logarithmic, { Figure.short($0) }) {
                    $0.appendPerSecond
                },
                panel("read, messages/s", .logarithmic, { Figure.short($0) }) { $0.readPerSecond },
            ], series: kinds.map(\.rawValue))
    }
}
