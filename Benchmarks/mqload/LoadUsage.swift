// The help texts. Lines have at most 80 columns.

import Bench

/// What `--help` prints.
enum LoadUsage {
    static var overview: String {
        let commands = LoadCommand.all.map { command in
            "  mqload \(command.name.padded(to: 13))\(command.summary)"
        }
        return """
            mqload puts load on a broker over the wire, RocketMQ's or ours, and in the
            same run on a bare server that answers as many bytes without looking at
            any. Without --broker or --namesrv it starts a broker of ours in its own
            process (idle: in one of its own), on a store that it removes afterwards.

            \(commands.joined(separator: "\n"))

            --help behind a command tells more, with examples. Flags of all:

            \(Flag.text(of: Flag.common))

            Only an answer with code 0 counts as success, and one with code 19, the end of
            a queue, as nothing; others are counted by code.

            Exit codes: 0 all that was asked was answered with success, and the check in
            the end was right; 1 it could not be measured; 2 something was refused, had no
            answer, or did not come to what was acknowledged, or a connection that was to
            be idle was closed; 64 the command line could not be understood.
            """
    }

    static func text(of command: LoadCommand) -> String {
        """
        mqload \(command.name) [FLAGS]

        \(command.details)

        \(Flag.text(of: command.flags + Flag.common))

        \(command.examples.map { "  mqload \($0)" }.joined(separator: "\n"))
        """
    }
}
