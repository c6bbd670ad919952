// `simulate`: the layers that need no device, from seeds, on as many threads as are asked for.

import ApusSystem
import Foundation
import TestSupport

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
        var system = utsname()
        uname(&system)
        let release = withUnsafeBytes(of: &system.release) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let machine = "Linux \(release), \(ProcessInfo.processInfo.processorCount) CPUs"
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
