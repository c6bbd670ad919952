// `simulate`: the layers that need no device, from seeds, on as many threads as are asked for.

import ApusSystem
import Foundation
import Synchronization
import TestSupport

/// What `simulate` is asked to do.
struct SimulateOptions {
    var layer = "states"
    var count = 100_000
    var seed: UInt64 = 1
    var workers = 2
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
            case ("--record", _): options.record = value
            case ("--commit", _): options.commit = value
            default: return nil
            }
        }
        return options
    }
}

/// The program.
public enum SimulateTool {
    /// Runs with the arguments of the process, and ends it.
    public static func main() -> Never {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.contains("--help") {
            print(SimulateOptions.usage)
            exit(0)
        }
        guard let options = SimulateOptions.parse(arguments) else {
            FileHandle.standardError.write(Data((SimulateOptions.usage + "\n").utf8))
            exit(64)
        }
        SimulatedDisk.isTracing = options.isTracing
        exit(run(options) == 0 ? 0 : 1)
    }

    /// Answers how many seeds failed.
    static func run(_ options: SimulateOptions) -> Int {
        let tally = Tally(options)
        let start = Date()
        var threads: [SystemThread] = []
        for _ in 0..<options.workers {
            do { threads.append(try SystemThread(name: "simulate") { work(options, tally) }) } catch
            {
                print("no thread: \(error)")
                return 1
            }
        }
        let progress = isatty(2) != 0
        while !tally.isDone {
            Thread.sleep(forTimeInterval: 0.2)
            if progress {
                let text = "\r\(options.layer): \(tally.done) of \(options.count) "
                FileHandle.standardError.write(Data(text.utf8))
            }
        }
        for thread in threads { thread.join() }
        if progress { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
        let seconds = Date().timeIntervalSince(start)
        print(
            "\(options.layer): \(tally.done) in \(Int(seconds)) s, seeds \(options.seed)..<"
                + "\(tally.nextSeed), \(tally.failures) failures")
        if let path = options.record { record(options, tally, seconds, path) }
        return tally.failures
    }

    private static func work(_ options: SimulateOptions, _ tally: Tally) {
        while let seed = tally.take() {
            do {
                switch options.layer {
                case "faults":
                    var loop = FaultLoop(seed: seed)
                    try loop.run()
                    tally.add(1, detail: loop.runs)
                case "threads":
                    try ThreadRound(seed: seed).run()
                    tally.add(1, detail: 1)
                case "model":
                    var lineage = Lineage(seed: seed)
                    lineage.isDeep = true
                    try lineage.run()
                    tally.add(1, detail: lineage.states)
                default:
                    var lineage = Lineage(seed: seed)
                    try lineage.run()
                    tally.add(lineage.states, detail: lineage.interrupted)
                }
            } catch {
                tally.fail()
                var numbers = SeededNumbers(seed: seed)
                print("seed \(seed) (\(LineageOptions(&numbers))): \(error)")
                if options.isTracing {
                    for line in SimulatedDisk.traces.suffix(400) { print(line) }
                }
            }
        }
    }

    private static func record(
        _ options: SimulateOptions, _ tally: Tally, _ seconds: Double, _ path: String
    ) {
        let layers = [
            "states": ("L1", "power cuts and kills of a simulated disk"),
            "faults": ("L0", "each operation of a scenario fails"),
            "model": ("model", "random operations compared at every step"),
            "threads": ("threads", "writers and readers at once"),
        ]
        let (layer, what) = layers[options.layer] ?? ("", "")
        let states = options.layer == "states" ? tally.done : tally.details
        let machine = "Linux, \(ProcessInfo.processInfo.processorCount) CPUs"
        let line =
            "{\"layer\":\"\(layer)\",\"what\":\"\(what)\",\"seeds\":\"\(options.seed)..<"
            + "\(tally.nextSeed)\",\"states\":\(states),\"failures\":\(tally.failures),"
            + "\"commit\":\"\(options.commit)\",\"seconds\":\(Int(seconds)),\"date\":\""
            + "\(Date().ISO8601Format())\",\"machine\":\"\(machine)\"}\n"
        guard let file = fopen(path, "a") else {
            print("cannot append to \(path)")
            return
        }
        fputs(line, file)
        fclose(file)
    }
}

/// What the workers share.
final class Tally: Sendable {
    private struct State {
        var nextSeed: UInt64
        var done = 0
        var started = 0
        var details = 0
        var failures = 0
        var working = 0
    }
    private let state: Mutex<State>
    private let count: Int
    /// States are counted when they are done, scenarios when they are begun.
    private let countsStates: Bool

    init(_ options: SimulateOptions) {
        state = Mutex(State(nextSeed: options.seed, working: options.workers))
        count = options.count
        countsStates = options.layer == "states"
    }

    var done: Int { state.withLock { $0.done } }
    var details: Int { state.withLock { $0.details } }
    var failures: Int { state.withLock { $0.failures } }
    var nextSeed: UInt64 { state.withLock { $0.nextSeed } }
    var isDone: Bool { state.withLock { $0.working == 0 } }

    /// The next seed; nil when enough is done, or too much has failed.
    func take() -> UInt64? {
        state.withLock { state in
            guard (countsStates ? state.done : state.started) < count, state.failures < 10 else {
                state.working -= 1
                return nil
            }
            state.started += 1
            defer { state.nextSeed += 1 }
            return state.nextSeed
        }
    }

    func add(_ states: Int, detail: Int) {
        state.withLock {
            $0.done += states
            $0.details += detail
        }
    }

    func fail() { state.withLock { $0.failures += 1 } }
}
