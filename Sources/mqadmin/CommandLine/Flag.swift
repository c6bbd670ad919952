// Flags as RocketMQ's commands declare them.

/// A flag of a command.
struct Flag: Sendable {
    /// One letter; nil for a flag that has a long name only.
    let short: Character?
    let long: String
    /// What its value is, for help; nil for a flag without one.
    let value: String?
    let isRequired: Bool
    let text: String

    /// A flag that must be given.
    static func required(
        _ short: Character, _ long: String, _ value: String, _ text: String
    ) -> Flag {
        Flag(short: short, long: long, value: value, isRequired: true, text: text)
    }

    /// A flag with a value.
    static func valued(
        _ short: Character?, _ long: String, _ value: String, _ text: String
    ) -> Flag {
        Flag(short: short, long: long, value: value, isRequired: false, text: text)
    }

    /// A flag without a value.
    static func plain(_ short: Character?, _ long: String, _ text: String) -> Flag {
        Flag(short: short, long: long, value: nil, isRequired: false, text: text)
    }

    /// Those of every command.
    static let common: [Flag] = [
        .valued("n", "namesrvAddr", "LIST", "NameServers, 'host:port;host:port' ($NAMESRV_ADDR)"),
        .plain(nil, "json", "print JSON"),
        .plain("h", "help", "print this"),
    ]

    /// As it is written: `-t`, or `--json`.
    var written: String { short.map { "-\($0)" } ?? "--\(long)" }
}
