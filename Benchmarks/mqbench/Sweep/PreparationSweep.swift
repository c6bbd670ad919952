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

    static let blocks: [Int64] = [4 << 10, 64 << 10]

    static let all = (0..<Int32(CROOFLINE_PREPARATIONS.rawValue)).flatMap { preparation in
        (0..<Int32(CROOFLINE_METHODS.rawValue)).flatMap { method in
            blocks.map { Self(preparation: preparation, method: method, block: $0) }
        }
    }

    var preparationName: String { String(cString: croofline_preparation_name(preparation)) }
    var methodName: String { String(cString: croofline_method_name(method)) }
}

/// What was found out about one.
private struct PreparationResult {
    let one: PreparationCase
    let preparedNanosecondsPerGiB: Int64
    let measurement: RunResult
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
        flags: Flag.sweep.filter { $0.name != Flag.plots.name }, run: { try run($0) })

    private static func run(_ options: Options) throws -> ExitCode {
        let isSmoke = options.has("--smoke")
        let seconds = try options.decimal("--seconds", isSmoke ? 0.5 : 20, upTo: 3600)
        let byteCount: Int64 = isSmoke ? 4 << 20 : 64 << 20
        let workplace = try Workplace(
            parent: options.text("--directory") ?? ".build/mqbench", needing: Int(4 * byteCount))
        let cases = PreparationCase.all
        var results: [PreparationResult] = []
        for (index, one) in cases.enumerated() {
            Console.progress("sweep preparation: \(index + 1) of \(cases.count)")
            let result = try measure(
                one, workplace, byteCount: byteCount, seconds: seconds / Double(cases.count))
            if let result { results.append(result) }
        }
        guard !results.isEmpty else { throw BenchError("the device makes nothing durable") }
        return try Report.finish(
            results.map(\.measurement), options, table: { _ in table(results) })
    }

    /// nil where the file system does not know the way.
    private static func measure(
        _ one: PreparationCase, _ workplace: Workplace, byteCount: Int64, seconds: Double
    ) throws -> PreparationResult? {
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
        let preparedPerGiB = prepared * (1 << 30) / byteCount
        result.more.append(("preparedNanosecondsPerGiB", .integer(preparedPerGiB)))
        result.checked = true
        return PreparationResult(
            one: one, preparedNanosecondsPerGiB: preparedPerGiB, measurement: result)
    }

    private static func table(_ results: [PreparationResult]) -> String {
        var table = TextTable(
            [("blocks", .left), ("made durable by", .left), ("prepared, a GiB", .right)]
                + PreparationCase.blocks.flatMap {
                    [("\($0 >> 10) KiB: p50", .right), ("p99", .right)]
                })
        // Both sizes of block in one row.
        for first in PreparationCase.all where first.block == PreparationCase.blocks[0] {
            let row = results.filter {
                $0.one.preparation == first.preparation && $0.one.method == first.method
            }
            guard let prepared = row.map(\.preparedNanosecondsPerGiB).min() else { continue }
            let times = PreparationCase.blocks.flatMap { block in
                let found = row.first { $0.one.block == block }?.measurement.latency
                return [50, 99].map { percent in
                    found.map { Figure.duration($0.value(atPercentile: percent)) } ?? "-"
                }
            }
            table.add(
                [first.preparationName, first.methodName, Figure.duration(prepared)] + times)
        }
        return table.lines.joined(separator: "\n")
    }
}
