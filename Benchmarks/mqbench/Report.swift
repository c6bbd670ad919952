// Prints results: a table for people, JSON for programs.

import Bench
import Foundation
import Histogram

/// What becomes of measurements.
enum Report {
    /// Prints, and says whether all results were right. `closing` lines end what is printed; as
    /// JSON they are an object of their own.
    static func finish(
        _ measurements: [RunResult], _ options: Options,
        table: ([RunResult]) -> String = Report.table, closing: [String] = []
    ) throws -> ExitCode {
        Console.endProgress()
        try ResultFile.record(measurements, options, makeTarget: "bench")
        if options.has("--json") {
            for measurement in measurements { Console.line(measurement.json.text) }
            if !closing.isEmpty {
                let lines = JSONValue.array(closing.map { .string($0) })
                Console.line(JSONValue.object([("recommendations", lines)]).text)
            }
        } else {
            Console.line(table(measurements))
            if !closing.isEmpty { Console.line("\n" + closing.joined(separator: "\n")) }
        }
        let wrong = measurements.filter { !$0.checked }
        for measurement in wrong {
            Console.warn("\(measurement.title): the result is wrong; see the notes")
        }
        let isWithin = try keepsLimit(measurements, options)
        return wrong.isEmpty && isWithin ? .good : .failed
    }

    /// Whether no message cost more allocations than `--allocations-limit` says.
    private static func keepsLimit(
        _ measurements: [RunResult], _ options: Options
    ) throws -> Bool {
        guard options.text("--allocations-limit") != nil else { return true }
        let limit = try options.decimal("--allocations-limit", 1, upTo: 1e9)
        var isWithin = true
        for measurement in measurements {
            guard let found = measurement.allocationsPerMessage else {
                Console.warn("\(measurement.title): allocations were not counted")
                isWithin = false
                continue
            }
            guard found > limit else { continue }
            Console.warn("\(measurement.title): \(found) allocations a message, above \(limit)")
            isWithin = false
        }
        return isWithin
    }

    static func table(_ measurements: [RunResult]) -> String {
        var table = TextTable([
            ("workload", .left), ("messages/s", .right), ("MB/s", .right), ("of roofline", .right),
            ("p50", .right), ("p99", .right), ("p99.9", .right), ("p99.99", .right),
            ("max", .right), ("allocs/msg", .right), ("checked", .left),
        ])
        for one in measurements {
            table.add(
                [
                    one.title, Figure.rate(one.messagesPerSecond),
                    Figure.rate(one.megabytesPerSecond),
                    one.rooflines.first.map { String(format: "%.2f", $0.ratio) } ?? "-",
                ]
                    + [50, 99, 99.9, 99.99, 100].map {
                        Figure.duration(one.latency.value(atPercentile: $0))
                    } + [
                        one.allocationsPerMessage.map { String(format: "%.3g", $0) } ?? "-",
                        one.checked ? "yes" : "WRONG",
                    ])
            for (index, roofline) in one.rooflines.enumerated() {
                table.add(
                    [
                        "  \(roofline.name)", Figure.rate(roofline.messagesPerSecond),
                        Figure.rate(roofline.megabytesPerSecond),
                        index == 0 ? "" : String(format: "%.2f", roofline.ratio),
                    ] + Array(repeating: "", count: 7))
            }
        }
        let notes = notes(of: measurements)
        return (table.lines + (notes.isEmpty ? [] : [""]) + notes).joined(separator: "\n")
    }

    /// Each note once, behind the title of the result that it is about, or alone when it is about
    /// several.
    static func notes(of measurements: [RunResult]) -> [String] {
        var titles: [String: [String]] = [:]
        var order: [String] = []
        for one in measurements {
            for note in one.notes {
                if titles[note] == nil { order.append(note) }
                titles[note, default: []].append(one.title)
            }
        }
        return order.map { note in
            let about = titles[note] ?? []
            return about.count == 1 ? "- \(about[0]): \(note)" : "- \(note)"
        }
    }
}

extension RunResult {
    /// The workload with the parameters that tell it from others.
    var title: String {
        let isSweep = workload.hasPrefix("sweep")
        let shown = parameters.compactMap { name, value -> String? in
            switch (name, value) {
            case ("body", .integer(let bytes)): "\(bytes) B"
            case ("writers", .integer(let count)) where count > 1: "\(count) writers"
            case ("queues", .integer(let count)) where count > 1: "\(count) queues"
            case ("batch", .integer(let count)) where count > 1: "batch of \(count)"
            case ("keys", .integer(let count)) where count > 0: "\(count) keys"
            case ("inFlight", .integer(let count)) where count > 1: "\(count) in flight"
            case ("rate", .integer(let rate)) where rate > 0: "\(rate)/s"
            case ("ofPeak", .number(let share)): "\(share) of the device"
            case ("flush", .string("sync")): "sync"
            case ("flush", .string(let mode)) where isSweep: mode
            case ("interval", .integer(let interval)): "\(interval) ms"
            case ("leastPages", .integer(let pages)): "\(pages) pages"
            case ("writer", .string(let kind)): kind
            case ("kind", .string(let kind)), ("codec", .string(let kind)): kind
            case ("mode", .string(let mode)): mode
            default: nil
            }
        }
        return ([workload] + shown).joined(separator: " ")
    }
}
