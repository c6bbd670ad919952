// From the command line to an exit code.

import ApusStore
import Bench
import Foundation

/// The whole tool as a function.
enum CommandLineTool {
    static func run(_ words: [String]) -> Int32 {
        // Before the run itself is a load.
        _ = Machine.loadAtStart
        do {
            return try dispatch(words).rawValue
        } catch let error as UsageError {
            Console.warn("\(error.message)\n(mqbench --help shows what there is)")
            return ExitCode.usage.rawValue
        } catch {
            Console.warn("\(error)")
            return ExitCode.failed.rawValue
        }
    }

    private static func dispatch(_ words: [String]) throws -> ExitCode {
        guard let first = words.first else {
            Console.warn(Usage.overview)
            return .usage
        }
        if ["--help", "-h", "help"].contains(first) {
            Console.line(help(on: Array(words.dropFirst())))
            return .good
        }
        if let (command, rest) = Command.named(words) {
            if rest.contains("--help") || rest.contains("-h") {
                Console.line(Usage.text(of: command))
                return .good
            }
            return try command.run(
                Options(rest, allowed: command.flags, arguments: command.argumentLimit))
        }
        let subcommands = Command.subcommands(of: first)
        if !subcommands.isEmpty {
            if words.contains("--help") || words.contains("-h") {
                Console.line(Usage.overview)
                return .good
            }
            throw UsageError("\(first) needs one of: \(subcommands.joined(separator: ", "))")
        }
        guard first == "store" else { throw UsageError("there is no command \(first)") }
        guard let name = words.dropFirst().first else {
            throw UsageError("store needs a workload: \(Workload.names)")
        }
        if ["--help", "-h"].contains(name) {
            Console.line(Usage.overview)
            return .good
        }
        guard let workload = Workload.named(name) else {
            throw UsageError("there is no workload \(name); there are \(Workload.names)")
        }
        let rest = words.dropFirst(2)
        if rest.contains("--help") || rest.contains("-h") {
            Console.line(Usage.text(of: workload))
            return .good
        }
        let options = try Options(rest, allowed: workload.flags + Flag.common)
        let measurement = try workload.measure(options)
        return try Report.finish([measurement], options)
    }

    /// What `mqbench help WORDS` prints.
    private static func help(on words: [String]) -> String {
        if let (command, _) = Command.named(words) { return Usage.text(of: command) }
        if let workload = words.last.flatMap({ Workload.named($0) }) {
            return Usage.text(of: workload)
        }
        return Usage.overview
    }
}
