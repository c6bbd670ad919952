// The help texts. Lines have at most 80 columns.

import Bench

/// What `--help` prints.
enum Usage {
    static var overview: String {
        let width = (Workload.all.map(\.name.count).max() ?? 0) + 2
        let commandWidth = (Command.all.map(\.name.count).max() ?? 0) + 2
        let commands = Command.all.map { command in
            "  mqbench \(command.name.padded(to: commandWidth))\(command.summary)"
        }
        let lines = Workload.all.map { workload in
            "  mqbench store \(workload.name.padded(to: width))\(workload.summary)"
        }
        return """
            mqbench measures a message store that is embedded, and in the same process and
            run what the machine can do: loops in C that do the same work without a store.

            \(lines.joined(separator: "\n"))

            \(commands.joined(separator: "\n"))

            --help behind a workload or a command tells more, with examples. Flags of all
            workloads:

            \(Flag.text(of: Flag.common))

            Exit codes: 0 measured and the results were right, 1 a check failed or it could
            not be measured, 64 the command line could not be understood.
            """
    }

    static func text(of command: Command) -> String {
        let words = [command.name, command.arguments, "[FLAGS]"].filter { !$0.isEmpty }
        let examples = command.examples.map { "  mqbench \($0)" }.joined(separator: "\n")
        return [
            "mqbench \(words.joined(separator: " "))", command.details,
            Flag.text(of: command.flags),
            examples, command.listing,
        ].filter { !$0.isEmpty }.joined(separator: "\n\n")
    }

    static func text(of workload: Workload) -> String {
        """
        mqbench store \(workload.name) [FLAGS]

        \(workload.details)

        \(Flag.text(of: workload.flags + Flag.common))

        \(workload.examples.map { "  mqbench store \($0)" }.joined(separator: "\n"))
        """
    }
}
