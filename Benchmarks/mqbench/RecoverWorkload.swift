// `mqbench store recover`: opening a store that was killed.

import ApusStore
import ApusSystem
import Bench
import CRoofline
import Histogram

/// Recovering.
enum RecoverWorkload {
    static let workload = Workload(
        name: "recover",
        summary: "open a store that was killed: all is read again",
        details: """
            Fills a store that flushes its log, and never its queues; lets it go without
            closing it, and opens it: the whole log is scanned and checked. Against a loop
            in C that walks the same queue and checks the same checksums.
            """,
        examples: ["recover --bytes 1g", "recover --body 128 --json", "recover --unflushed"],
        flags: StorePlan.flags + [
            Flag(
                "--unflushed", nil,
                "flush no log either: it is written while it is opened")
        ],
        measure: { options in
            try measure(StorePlan(options), isFlushed: !options.has("--unflushed"))
        })

    static func measure(_ plan: StorePlan, isFlushed: Bool = true) throws -> RunResult {
        var result = RunResult("recover", plan.parameters([("log flushed", .bool(isFlushed))]))
        result.latencyMeaning = "one open"
        let workplace = try plan.workplace()
        var rates = RoundRates()
        var complaints: [String] = []
        var size = 0
        let watch = Stopwatch(seconds: plan.settings.seconds)
        repeat {
            Console.progress("recover: \(Int(watch.share * 100)) %")
            let (path, appended) = try killed(plan, isFlushed, workplace, size: &size)
            guard let c = try StoreFilesMapped(store: path).walk(appended) else {
                throw BenchError("the C loop finds a message that is not right")
            }
            let start = croofline_now()
            let store = try MessageStore.open(path, plan.unflushed)
            let nanoseconds = croofline_now() - start
            result.latency.record(nanoseconds)
            let queue = try store.queue(topic: SampleMessages.topic)
            let found = try store.maximumOffset(queue)
            if found != appended { complaints.append("\(found) of \(appended) came back") }
            var ignored = Histogram()
            let read = try ReadRun.walk(store, queue, 32, &ignored)
            if read.count != appended { complaints.append("\(read.count) can be read") }
            rates.add(
                Double(appended) * 1e9 / Double(nanoseconds),
                [("C loop over the queue", Double(appended) * 1e9 / Double(c))])
            workplace.remove(path)
        } while !watch.isOver
        rates.fill(&result, byteCount: Double(size))
        result.checked = complaints.isEmpty
        result.notes += complaints
        return result
    }

    /// A store that was filled and let go: as after a kill.
    private static func killed(
        _ plan: StorePlan, _ isFlushed: Bool, _ workplace: Workplace, size: inout Int
    ) throws -> (path: String, appended: Int) {
        let round = try plan.fill(workplace, isFlushed ? plan.logFlushed : plan.unflushed)
        if isFlushed { try waitForMark(of: round.store) }
        round.keepsFiles = true
        size = round.messages.recordByteCount
        return (round.path, round.appended)
    }

    /// Waits until the store has noted that its log is on the device.
    private static func waitForMark(of store: MessageStore) throws {
        let watch = Stopwatch(seconds: 60)
        while store.flushed < store.published {
            if watch.isOver { throw BenchError("the log was not flushed within a minute") }
            SystemThread.sleep(nanoseconds: 10_000_000)
        }
        SystemThread.sleep(nanoseconds: 4_000_000 * StorePlan.markMilliseconds)
    }
}
