// `mqbench sweep preparation`: what a sync costs in blocks that are only allocated, that were
// written with zeros, or that held a log's records before they were.

import Bench
import CRoofline
import Foundation
import Histogram

/// A way to prepare the blocks of a file, a way to make what is written there durable, and how much
/// at a time.
private struct PreparationCase {
    let preparation: Int32
    let method: Int32
    let block: Int64

    var preparationName: String { String(cString: croofline_preparation_name(preparation)) }
    var methodName: String { String(cString: croofline_method_name(method)) }
}

/// All of them, one behind the other.
enum PreparationSweep {
    static let command = Command(
        name: "sweep preparation", summary: "how blocks are prepared: what a sync of them takes",
        details: """
            Makes a file whose blocks are allocated, or written with zeros as well, or
            those of a file that held records before; then writes blocks of 4 KiB and
            64 KiB, each once and made durable before the next, in every way that the
            file system knows. No store is in it: the file system of --directory is
            what is measured.
            """,
        examples: [
            "sweep preparation", "sweep preparation --directory /mnt/loop --record sweep.ndjson",
        ],
        flags: Flag.common.filter { !$0.meaning.isEmpty }, run: { try run($0) })

    private static let blocks: [Int64] = [4 << 10, 64 << 10]

    private static func run(_ options: Options) throws -> ExitCode {
        let isSmoke = options.has("--smoke")
        let seconds = try options.decimal("--seconds", isSmoke ? 0.5 : 20, upTo: 3600)
        let byteCount: Int64 = isSmoke ? 4 << 20 : 64 << 20
        let workplace = try Workplace(
            parent: options.text("--directory") ?? ".build/mqbench", needing: Int(4 * byteCount))
        var cases: [PreparationCase] = []
        for preparation in 0..<Int32(CROOFLINE_PREPARATIONS.rawValue) {
            for method in 0..<Int32(CROOFLINE_METHODS.rawValue) {
                for block in blocks {
                    cases.append(
                        PreparationCase(preparation: preparation, method: method, block: block))
                }
            }
        }
        var results: [RunResult] = []
        for (index, one) in cases.enumerated() {
            Console.progress("sweep preparation: \(index + 1) of \(cases.count)")
            let result = try measure(
                one, workplace, byteCount: byteCount, seconds: seconds / Double(cases.count))
            if let result { results.append(result) }
        }
        return try Report.finish(results, options, table: table)
    }

    /// nil where the file system does not know the way.
    private static func measure(
        _ one: PreparationCase, _ workplace: Workplace, byteCount: Int64, seconds: Double
    ) throws -> RunResult? {
        let path = workplace.newPath("blocks")
        defer { workplace.remove(path) }
        let prepared = croofline_prepare_as(path, one.preparation, byteCount)
        guard prepared > 0 else {
            let reason = String(cString: strerror(Int32(-prepared)))
            throw BenchError("cannot prepare \(path): \(reason)")
        }
        // Each block once: a second time all are prepared alike.
        let limit = byteCount / one.block
        let latencies = UnsafeMutablePointer<Int64>.allocate(capacity: Int(limit))
        defer { latencies.deallocate() }
        let count = croofline_sync_first_writes(
            path, one.method, byteCount, one.block, seconds, limit, latencies)
        guard count > 0 else { return nil }
        var result = RunResult(
            "sweep preparation",
            [
                ("preparation", .string(one.preparationName)), ("method", .string(one.methodName)),
                ("block", .integer(one.block)), ("bytes", .integer(byteCount)),
            ])
        var total: Int64 = 0
        for index in 0..<Int(count) {
            result.latency.record(latencies[index])
            total += latencies[index]
        }
        result.messagesPerSecond = Double(count) * 1e9 / Double(max(1, total))
        result.megabytesPerSecond = result.messagesPerSecond * Double(one.block) / 1e6
        result.latencyMeaning = "from a block's write to when it is durable, one behind the other"
        result.more.append(
            ("preparedNanosecondsPerGiB", .integer(prepared * (1 << 30) / byteCount)))
        result.checked = true
        return result
    }

    private static func table(_ results: [RunResult]) -> String {
        var table = TextTable(
            [("blocks", .left), ("made durable by", .left), ("prepared, a GiB", .right)]
                + blocks.flatMap { [("\($0 >> 10) KiB: p50", .right), ("p99", .right)] })
        func text(_ result: RunResult, _ name: String) -> String {
            guard case .string(let found)? = result.parameters.first(where: { $0.0 == name })?.1
            else { return "" }
            return found
        }
        var rows: [[RunResult]] = []
        for one in results {
            let isSame =
                rows.last.map {
                    text($0[0], "preparation") == text(one, "preparation")
                        && text($0[0], "method") == text(one, "method")
                } ?? false
            if isSame { rows[rows.count - 1].append(one) } else { rows.append([one]) }
        }
        for row in rows {
            let times = row.compactMap { one -> Int64? in
                guard case .integer(let time)? = one.more.first?.1 else { return nil }
                return time
            }
            table.add(
                [
                    text(row[0], "preparation"), text(row[0], "method"),
                    Figure.duration(times.min() ?? 0),
                ]
                    + row.flatMap { one in
                        [50, 99].map { Figure.duration(one.latency.value(atPercentile: $0)) }
                    })
        }
        return table.lines.joined(separator: "\n")
    }
}
