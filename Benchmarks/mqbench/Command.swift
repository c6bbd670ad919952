// The commands besides `store WORKLOAD`, by name.

import Bench

/// Something that `mqbench` does.
struct Command: Sendable {
    /// One word or two.
    let name: String
    /// One line of help.
    let summary: String
    /// What the help shows behind the name, besides flags.
    var arguments = ""
    let details: String
    let examples: [String]
    let flags: [Flag]
    /// How many words that are no flags it takes at most.
    var argumentLimit = 0
    /// Ends the help; empty for nothing.
    var listing = ""
    let run: @Sendable (Options) throws -> ExitCode

    static let all: [Command] = [
        Suite.command, FlushSweep.command, CompressionSweep.command, PreparationSweep.command,
        CompareCommand.command, DoctorCommand.command,
    ]

    /// The command that `words` begin with, and the words behind its name.
    static func named(_ words: [String]) -> (command: Command, rest: ArraySlice<String>)? {
        for command in all {
            let name = command.name.split(separator: " ").map(String.init)
            if words.starts(with: name) { return (command, words.dropFirst(name.count)) }
        }
        return nil
    }

    /// The second words of the commands that begin with `first`.
    static func subcommands(of first: String) -> [String] {
        all.compactMap { command in
            let words = command.name.split(separator: " ")
            return words.count == 2 && words[0] == first ? String(words[1]) : nil
        }
    }
}
