// What `mqadmin help` prints.

enum Help {
    /// The list of commands.
    static var overview: String {
        let width = AdminTool.commands.map { $0.name.count }.max() ?? 0
        let lines = AdminTool.commands.map { command in
            "  \(command.name.padded(width))  \(command.summary)\n"
        }
        return """
            usage: mqadmin [-Dtls.KEY=VALUE ...] COMMAND [-n NAMESERVERS] [FLAGS]

            Asks RocketMQ's brokers and NameServers, and Apus's. Commands and flags are RocketMQ's.

            \(lines.joined())
            mqadmin help COMMAND tells its flags. -n 'host:port;host:port', or NAMESRV_ADDR in the
            environment, says where the NameServers are; --json prints JSON.

            -Dtls.enable=true encrypts, in a build with TLS (swift build --traits TLS);
            -Dtls.client.trustCertPath=FILE names what servers' certificates lead to, and
            -Dtls.config.file=FILE a file with such keys. They stand here or in JAVA_OPT.

            Ends with 0 when all that was asked for was done, 1 for a command line that cannot be
            followed, 2 when something was refused, is not there, or could not be asked for.

            """
    }

    /// A command with its flags.
    static func text(of command: any Command.Type) -> String {
        let names = command.allFlags.map { flag in
            (flag.short.map { "-\($0), " } ?? "    ") + "--\(flag.long)"
                + (flag.value.map { " \($0)" } ?? "")
        }
        let width = names.map(\.count).max() ?? 0
        let lines = zip(command.allFlags, names).map { flag, name in
            "  \(name.padded(width))  \(flag.text)\(flag.isRequired ? " (must be given)" : "")\n"
        }
        let examples = command.examples.map { "  mqadmin \($0)\n" }
        return """
            usage: mqadmin \(command.name)\(usage(of: command))

            \(command.summary)

            \(lines.joined())
            \(examples.joined())
            """
    }

    private static func usage(of command: any Command.Type) -> String {
        command.flags.map { flag in
            let text = flag.written + (flag.value.map { " \($0)" } ?? "")
            return flag.isRequired ? " \(text)" : " [\(text)]"
        }.joined() + " [-n LIST] [--json]"
    }
}
