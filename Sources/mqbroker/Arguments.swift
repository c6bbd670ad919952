// The command line: RocketMQ's flags, in their short and their long form, and `--namesrv`.

/// What the command line asks for.
struct Arguments: Equatable {
    var configurationFile: String?
    /// `host:port` of NameServers, with semicolons between.
    var nameServers: String?
    var printsItems = false
    var printsHelp = false
    /// Serve as a NameServer, too.
    var runsNameServer = false

    /// A command line that cannot be followed.
    struct Invalid: Error, Equatable { let reason: String }

    init(_ words: [String] = []) throws(Invalid) {
        var rest = words[...]
        while let word = rest.popFirst() {
            // commons-cli takes long names behind one dash too, and `--name=value`.
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].drop { $0 == "-" }
            guard word.hasPrefix("-"), !name.isEmpty else {
                throw Invalid(reason: "\(word) is no flag")
            }
            var attached = parts.count > 1 ? String(parts[1]) : nil
            func value() throws(Invalid) -> String {
                defer { attached = nil }
                guard let value = attached ?? rest.popFirst(), !value.isEmpty else {
                    throw Invalid(reason: "\(parts[0]) wants a value")
                }
                return value
            }
            switch name {
            case "c", "configFile": configurationFile = try value()
            case "n", "namesrvAddr": nameServers = try value()
            case "p", "printConfigItem", "m", "printImportantConfig": printsItems = true
            case "namesrv": runsNameServer = true
            case "h", "help": printsHelp = true
            default: throw Invalid(reason: "there is no flag \(parts[0])")
            }
            if attached != nil { throw Invalid(reason: "\(parts[0]) takes no value") }
        }
    }
}
