// From the command line to an exit code.

import Bench

/// Something that `mqload` measures.
struct LoadCommand: Sendable {
    let name: String
    /// One line of help.
    let summary: String
    let details: String
    let examples: [String]
    /// Besides those that all take.
    let flags: [Flag]
    let measure: @Sendable (Options) async throws -> RunResult

    static let all = [
        ProduceRun.command, ConsumeRun.command, EndToEndRun.command, IdleRun.command,
        ClientRun.command,
    ]
}

/// The whole tool as a function.
enum LoadTool {
    static func run(_ words: [String]) async -> Int32 {
        // Before the run itself is a load.
        _ = Machine.loadAtStart
        do {
            return try await dispatch(words).rawValue
        } catch let error as UsageError {
            Console.endProgress()
            Console.warn("\(error.message)\n(mqload --help shows what there is)")
            return ExitCode.usage.rawValue
        } catch {
            Console.endProgress()
            Console.warn("\(error)")
            return ExitCode.failed.rawValue
        }
    }

    private static func dispatch(_ words: [String]) async throws -> ExitCode {
        guard let first = words.first else {
            Console.warn(LoadUsage.overview)
            return .usage
        }
        let asksHelp = words.contains("--help") || words.contains("-h") || first == "help"
        let name = first == "help" ? words.dropFirst().first ?? "" : first
        let command = LoadCommand.all.first { $0.name == name }
        if asksHelp {
            Console.line(command.map { LoadUsage.text(of: $0) } ?? LoadUsage.overview)
            return .good
        }
        if first == ChildBroker.word {
            return try await ChildBroker.serve(Options(words.dropFirst(), allowed: Flag.common))
        }
        guard let command else {
            throw UsageError(
                "there is no \(first); there are "
                    + LoadCommand.all.map { $0.name }.joined(separator: ", "))
        }
        let options = try Options(words.dropFirst(), allowed: command.flags + Flag.common)
        return try LoadReport.finish(try await command.measure(options), options)
    }
}
