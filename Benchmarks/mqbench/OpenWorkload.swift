// `mqbench store open`: opening a store that was closed.

import ApusStore
import Bench
import CAllocationCounter
import CRoofline
import Histogram

/// Opening.
enum OpenWorkload {
    static let workload = Workload(
        name: "open",
        summary: "open a clean store with many queues",
        details: """
            Makes a store with many queues and ten messages in each, closes it, and opens it
            again and again, with the settings that a store has by itself. Against looking
            at each of its files once in C: open, length, last bytes, close. Rates are opens
            a second.
            """,
        examples: ["open --queues 1000", "open --queues 10000 --json"],
        flags: [Flag("--queues", "N", "queues; 1000")],
        measure: { options in
            let settings = try RunSettings(options)
            let count = try options.number(
                "--queues", settings.isSmoke ? 20 : 1_000, in: 1...200_000)
            return try measure(settings, queueCount: count)
        })

    static func measure(_ settings: RunSettings, queueCount: Int) throws -> RunResult {
        var result = RunResult(
            "open", [("queues", .count(queueCount)), ("seconds", .figure(settings.seconds))])
        result.latencyMeaning = "one open"
        let workplace = try Workplace(
            parent: settings.parent, needing: 3 << 30 + queueCount * 128 << 10)
        let configuration = settings.isSmoke ? StoreConfiguration.small : StoreConfiguration()
        let messages = SampleMessages(bodyByteCount: 128)
        let round = try StoreRound(
            workplace, configuration, messages: messages, queueCount: queueCount)
        try round.warmUp(queueCount * 10, awaitsSegment: false)
        try round.store.close()
        var rates = RoundRates()
        var complaints: [String] = []
        let watch = Stopwatch(seconds: settings.seconds)
        repeat {
            Console.progress("open: \(Int(watch.share * 100)) %")
            let begun = croofline_now()
            let files = croofline_visit(round.path)
            let c = croofline_now() - begun
            guard files > queueCount else { throw BenchError("only \(files) files are there") }
            let start = croofline_now()
            let store = try MessageStore.open(round.path, configuration)
            let nanoseconds = croofline_now() - start
            result.latency.record(nanoseconds)
            var found: Int64 = 0
            for name in try store.queues() {
                found += try store.maximumOffset(store.queue(topic: name.topic, id: name.id))
            }
            if found != round.appended {
                complaints.append("\(found) messages are there, not \(round.appended)")
            }
            try store.close()
            rates.add(1e9 / Double(nanoseconds), [("visiting each file", 1e9 / Double(c))])
        } while !watch.isOver
        rates.fill(&result, byteCount: 0)
        result.checked = complaints.isEmpty
        result.notes += complaints.prefix(3)
        result.notes.append("rates are opens a second, of a store with \(queueCount) queues")
        return result
    }
}
