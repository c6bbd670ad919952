// The README's figures are those of the newest recorded run.
//
// When a new run was recorded, this test prints the table that the README should have.

import Bench
import Foundation
import Testing

@Suite("the figures of the README") struct ReadmeNumbersTests {
    private let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private struct Row {
        let title: String
        let workload: String
        let parameters: [String: String]

        init(_ title: String, _ workload: String, _ parameters: [String: String]) {
            self.title = title
            self.workload = workload
            self.parameters = parameters
        }
    }

    private let rows = [
        Row("append, 128 B", "append", ["body": "128"]),
        Row("append, 1 KiB", "append", ["body": "1024"]),
        Row("append, 4 KiB", "append", ["body": "4096"]),
        Row("append, 128 B, with a key", "append", ["body": "128", "keys": "1"]),
        Row("append, 128 B, batches of 32", "append", ["body": "128", "batch": "32"]),
        Row("append, 128 B, two writers", "append", ["body": "128", "writers": "2"]),
        Row("append, 128 B, four writers", "append", ["body": "128", "writers": "4"]),
        Row("append, 128 B, SYNC_FLUSH", "append", ["body": "128", "flush": "sync"]),
        Row(
            "append, 128 B, SYNC_FLUSH, 256 in flight", "append",
            ["body": "128", "flush": "sync", "inFlight": "256"]),
        Row("appended → readable, another thread", "tail", ["mode": "spin"]),
        Row("read, 1 KiB, 32 at a time", "read", ["mode": "hot"]),
        Row("read by key, 1 KiB", "read", ["mode": "key"]),
        Row("open after a kill, 256 MiB to scan", "recover", [:]),
        Row("open, closed store, 1,000 queues", "open", [:]),
    ]

    @Test("are the newest recorded run's")
    func figures() throws {
        let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
        let table = try expectedTable()
        #expect(readme.contains(table), "the README should have:\n\(table)")
    }

    private func expectedTable() throws -> String {
        let file = root.appending(path: "bench-results/suite.ndjson")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        let runs = try lines.compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
        let newest = runs.last?["time"] as? String
        let results = runs.filter { $0["time"] as? String == newest }
            .compactMap { $0["result"] as? [String: Any] }
        var table = [
            "| | messages/s | MB/s | of the roofline | p50 | p99 | p99.9 |",
            "|---|--:|--:|--:|--:|--:|--:|",
        ]
        for row in rows {
            let result = try #require(
                results.first { matches($0, row) }, "no result for \(row.title)")
            table.append(line(row.title, result))
        }
        return table.joined(separator: "\n")
    }

    /// The usual values of parameters that a row does not name.
    private let usual = [
        "writers": "1", "queues": "1", "keys": "0", "batch": "1", "flush": "async",
        "inFlight": "1", "rate": "0", "sustained": "false",
    ]

    private func matches(_ result: [String: Any], _ row: Row) -> Bool {
        guard result["workload"] as? String == row.workload,
            let parameters = result["parameters"] as? [String: Any]
        else { return false }
        let wanted =
            row.workload == "append" ? usual.merging(row.parameters) { $1 } : row.parameters
        return wanted.allSatisfy { name, value in
            guard let found = parameters[name] else { return false }
            if value == "true" || value == "false" { return found as? Bool == (value == "true") }
            return "\(found)" == value
        }
    }

    private func line(_ title: String, _ result: [String: Any]) -> String {
        let latency = result["latencyNanoseconds"] as? [String: Double] ?? [:]
        func number(_ name: String) -> Double { result[name] as? Double ?? .nan }
        let isEvent = ["open", "recover"].contains(result["workload"] as? String)
        let isPaced = result["workload"] as? String == "tail"
        let columns = [
            title, isEvent || isPaced ? "" : grouped(number("messagesPerSecond")),
            isEvent || isPaced ? "" : grouped(number("megabytesPerSecond")),
            isEvent || isPaced ? "" : String(format: "%.2f", number("rooflineRatio")),
            time(latency["p50"]), time(latency["p99"]), time(latency["p999"]),
        ]
        return "| " + columns.joined(separator: " | ") + " |"
    }

    private func grouped(_ value: Double) -> String {
        guard value >= 100 else { return String(format: "%.1f", value) }
        var digits = String(Int(value.rounded()))
        var groups: [String] = []
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return ([digits] + groups).joined(separator: ",")
    }

    private func time(_ nanoseconds: Double?) -> String {
        guard let nanoseconds else { return "" }
        switch nanoseconds {
        case ..<1_000: return String(format: "%.0f ns", nanoseconds)
        case ..<1_000_000: return String(format: "%.1f µs", nanoseconds / 1_000)
        default: return String(format: "%.1f ms", nanoseconds / 1_000_000)
        }
    }
}
