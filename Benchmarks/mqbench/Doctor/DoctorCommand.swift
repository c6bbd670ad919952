// `mqbench doctor`: what an acknowledgement means on this machine, in words.

import ApusStore
import Bench
import Foundation

/// Looking at a directory, its file system and its device.
enum DoctorCommand {
    static let command = Command(
        name: "doctor", summary: "what an acknowledgement means here, and its cost",
        details: """
            Reads what kernel, file system and device say of a directory, measures for a
            moment what a sync takes there, and says in words what an acknowledged message
            survives with these settings, what that costs, and what would make it faster
            or safer. Each sentence names what it rests on. Changes nothing; a file of
            32 MiB is written and removed.
            """,
        examples: [
            "doctor --flush sync", "doctor --directory /var/lib/apus --flush async --interval 100",
        ],
        flags: [
            Flag("--directory", "DIR", "where the store is or would be; .build/mqbench"),
            Flag("--flush", "MODE", "async or sync; async"),
            Flag("--interval", "MS", "flushIntervalCommitLog; 500"),
            Flag("--least-pages", "N", "flushCommitLogLeastPages; 4"),
            Flag("--seconds", "S", "how long syncs are measured; 1"),
            Flag("--json", nil, "one object instead of text"),
            Flag("--smoke", nil, "a short measurement: does it work at all"),
        ],
        run: { try run($0) })

    private static func run(_ options: Options) throws -> ExitCode {
        var flush = StoreConfiguration().flush
        flush.mode = try options.choice("--flush", ["async", "sync"]) == "sync" ? .sync : .async
        flush.intervalMilliseconds = Int64(
            try options.number("--interval", 500, in: 1...86_400_000))
        flush.leastPages = try options.number("--least-pages", 4, in: 0...(1 << 20))
        let seconds = try options.decimal(
            "--seconds", options.has("--smoke") ? 0.1 : 1, upTo: 600)
        let directory = try RunSettings(options).parent
        Console.progress("measuring syncs in \(directory)")
        let cost = try SyncCost.measure(directory, seconds: seconds)
        var facts = HostFacts.gather(directory)
        try facts.askSystem()
        Console.endProgress()
        let diagnosis = Diagnosis(
            settings: DoctorSettings(flush: flush), facts: facts, cost: cost)
        Console.line(options.has("--json") ? diagnosis.json.text : diagnosis.text)
        return .good
    }
}
