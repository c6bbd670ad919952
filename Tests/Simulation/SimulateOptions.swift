// The command line of `simulate`.

/// What `simulate` is asked to do.
struct SimulateOptions {
    var layer = "states"
    var count = 100_000
    var seed: UInt64 = 1
    var workers = 2
    /// As many seeds that fail end the run.
    var failures = 10
    var record: String?
    var commit = "unknown"
    var isTracing = false

    static let usage = """
        usage: simulate [states | faults | model | threads] [options]

          states   L1: random crash states, until --count of them were recovered and compared
          faults   L0: every operation of a scenario fails in turn, for --count scenarios
          model    random operations against the plain model, compared at every step, --count runs
          threads  writers and readers at once, on a real directory, --count rounds

          --count N      how many (states: 100000)
          --seed N       the first seed; a failure prints the one that replays it
          --workers N    threads (2)
          --failures N   ends with the Nth seed that fails (10)
          --record FILE  appends a line to the ledger
          --commit TEXT  what the line says of the source
          --trace        prints the operations on the disk of a failure; one worker

        Examples:
          simulate states --count 1000000
          simulate states --seed 4711 --count 1 --trace
          simulate faults --count 8

        Exit code: 0 no violation, 1 violations, 64 a wrong call.
        """

    static func parse(_ arguments: [String]) -> SimulateOptions? {
        var options = SimulateOptions()
        var rest = arguments[...]
        if let first = rest.first, ["states", "faults", "model", "threads"].contains(first) {
            options.layer = rest.removeFirst()
            if first != "states" { options.count = first == "faults" ? 8 : 200 }
        }
        while let name = rest.popFirst() {
            if name == "--trace" {
                options.isTracing = true
                options.workers = 1
                continue
            }
            guard let value = rest.popFirst() else { return nil }
            switch (name, Int(value)) {
            case ("--count", let number?) where number > 0: options.count = number
            case ("--seed", .some): options.seed = UInt64(value) ?? 1
            case ("--seed", nil):
                guard let seed = UInt64(value) else { return nil }
                options.seed = seed
            case ("--workers", let number?) where number > 0: options.workers = number
            case ("--failures", let number?) where number > 0: options.failures = number
            case ("--record", _): options.record = value
            case ("--commit", _): options.commit = value
            default: return nil
            }
        }
        return options
    }
}
