// `mqbench store grow`: whether appends and reads cost more the more there is.

import ApusStore
import Bench
import CRoofline
import Foundation
import Histogram

/// The same appends and reads at several lengths of one log.
enum GrowWorkload {
    static let workload = Workload(
        name: "grow",
        summary: "append and read at several lengths of the log",
        details: """
            Fills one store further and further. At each length everything is flushed, and
            rounds of appends and of reads of what they appended are measured. The figures
            are of the last length; the others are printed beside it.
            """,
        examples: ["grow --lengths 1g,4g", "grow --lengths 1g,10g,40g --seconds 30"],
        flags: [
            Flag("--lengths", "LIST", "bytes of log, ascending; 1g,4g"),
            Flag("--body", "BYTES", "bytes of a body; 1k"),
        ],
        measure: { options in
            let settings = try RunSettings(options)
            let usual = settings.isSmoke ? [4 << 20, 8 << 20] : [1 << 30, 4 << 30]
            let lengths = try options.numbers(
                "--lengths", usual, in: (1 << 20)...(1 << 40))
            let body = try options.number("--body", 1024, in: 8...(1 << 20))
            return try measure(settings, lengths, body: body)
        })

    /// 1 MiB, 10 GiB.
    private static func words(_ byteCount: Int) -> String {
        byteCount >= 1 << 30
            ? "\(Figure.short(Double(byteCount) / Double(1 << 30))) GiB"
            : "\(Figure.short(Double(byteCount) / Double(1 << 20))) MiB"
    }

    /// Rates at one length.
    private struct Stage {
        let length: Int
        var appends: [Double] = []
        var reads: [Double] = []
    }

    static func measure(_ settings: RunSettings, _ lengths: [Int], body: Int) throws -> RunResult {
        let longest = lengths.last ?? 0
        let workplace = try Workplace(parent: settings.parent, needing: longest + 4 << 30)
        var configuration = settings.isSmoke ? StoreConfiguration.small : StoreConfiguration()
        if !settings.isSmoke { configuration.commitLog.segmentByteCount = 256 << 20 }
        configuration.retention.isEnabled = false
        let messages = SampleMessages(bodyByteCount: body)
        let round = try StoreRound(workplace, configuration, messages: messages, queueCount: 1)
        var result = RunResult(
            "grow",
            [
                ("lengths", .string(lengths.map(words).joined(separator: ", "))),
                ("body", .count(body)), ("seconds", .figure(settings.seconds)),
            ])
        result.latencyMeaning = "one read of up to 32 messages, each visited in place"
        var complaints: [String] = []
        var stages: [Stage] = []
        for length in lengths {
            try fill(round, upTo: length)
            Console.progress("grow: at \(words(length))")
            let seconds = settings.seconds / Double(lengths.count)
            stages.append(
                try rates(at: length, round, seconds, &complaints, &result.latency))
        }
        fill(&result, from: stages, recordByteCount: messages.recordByteCount)
        result.checked = complaints.isEmpty
        result.notes += complaints.prefix(3)
        return result
    }

    /// Appends until the log is as long, and brings it to the device.
    private static func fill(_ round: StoreRound, upTo length: Int) throws {
        let size = round.messages.recordByteCount
        while Int(round.store.published) + size < length {
            let count = min(256 << 20, length - Int(round.store.published)) / size
            guard count > 0 else { break }
            try round.warmUp(count, awaitsSegment: false)
            Console.progress("grow: \(words(Int(round.store.published))) of log")
        }
        try round.store.flush()
    }

    private static func rates(
        at length: Int, _ round: StoreRound, _ seconds: Double, _ complaints: inout [String],
        _ latency: inout Histogram
    ) throws -> Stage {
        var stage = Stage(length: length)
        let count = max(1, min(64 << 20, length / 4) / round.messages.recordByteCount)
        let watch = Stopwatch(seconds: seconds)
        repeat {
            let task = round.task(first: round.appended, count: count)
            let outcome = try task.run()
            round.appended += count
            stage.appends.append(Double(count) * 1e9 / Double(outcome.nanoseconds))
            let start = croofline_now()
            let first = Int64(round.appended - count)
            var next = first
            while next < round.appended {
                let called = croofline_now()
                let batch = try round.store.read(round.queues[0], from: next, count: 32)
                var read: Int64 = 0
                batch.forEach { _ in read += 1 }
                latency.record(croofline_now() - called)
                guard read > 0 else { break }
                next += read
            }
            if next != round.appended { complaints.append("nothing is at \(next)") }
            stage.reads.append(Double(next - first) * 1e9 / Double(croofline_now() - start))
            try round.store.flush()
        } while !watch.isOver || stage.appends.count < 3
        if let complaint = round.check(lastOfEachQueue: 10_000) { complaints.append(complaint) }
        return stage
    }

    private static func fill(
        _ result: inout RunResult, from stages: [Stage], recordByteCount size: Int
    ) {
        guard let last = stages.last else { return }
        let rate = last.appends.median
        result.messagesPerSecond = rate
        result.megabytesPerSecond = rate * Double(size) / 1e6
        result.rounds = last.appends.count
        result.messagesPerSecondRange =
            (last.appends.min() ?? rate)...(last.appends.max() ?? rate)
        result.rooflines = stages.dropLast().map { stage in
            let other = stage.appends.median
            return Roofline(
                name: "at \(words(stage.length))", messagesPerSecond: other,
                megabytesPerSecond: other * Double(size) / 1e6, ratio: rate / other)
        }
        result.more = [
            (
                "stages",
                .array(
                    stages.map {
                        .object([
                            ("bytes", .count($0.length)),
                            ("appendsPerSecond", .figure($0.appends.median)),
                            ("readsPerSecond", .figure($0.reads.median)),
                        ])
                    })
            )
        ]
        let reads = stages.map {
            "\(Figure.rate($0.reads.median))/s at \(words($0.length))"
        }
        result.notes.append("messages read: " + reads.joined(separator: ", "))
    }
}
