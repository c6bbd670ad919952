// `mqbench store recover`: opening a store that was killed.

import ApusStore
import Bench
import CRoofline
import Histogram

/// Recovering.
enum RecoverWorkload {
    static let workload = Workload(
        name: "recover",
        summary: "open a store that was killed: all is read again",
        details: """
            Fills a store whose durable mark stays at its start, lets it go without closing
            it, and opens it: the whole log is scanned and checked. Against a loop in C
            that walks the same queue and checks the same checksums.
            """,
        examples: ["recover --bytes 1g", "recover --body 128 --json"],
        flags: StorePlan.flags,
        measure: { options in try measure(StorePlan(options)) })

    static func measure(_ plan: StorePlan) throws -> RunResult {
        var result = RunResult("recover", plan.parameters([]))
        result.latencyMeaning = "one open"
        let workplace = try plan.workplace()
        var rates = RoundRates()
        var complaints: [String] = []
        var size = 0
        let watch = Stopwatch(seconds: plan.settings.seconds)
        repeat {
            Console.progress("recover: \(Int(watch.share * 100)) %")
            let (path, appended) = try killed(plan, workplace, size: &size)
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
        _ plan: StorePlan, _ workplace: Workplace, size: inout Int
    ) throws -> (path: String, appended: Int) {
        let round = try plan.fill(workplace, plan.unflushed)
        round.keepsFiles = true
        size = round.messages.recordByteCount
        return (round.path, round.appended)
    }
}
