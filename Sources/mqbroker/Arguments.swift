// The command line: RocketMQ's flags, in their short and their long form, and `--namesrv`.

import ApusServer

/// What the command line asks for.
struct Arguments: ServerArguments, Equatable {
    var configurationFile: String?
    /// `host:port` of NameServers, with semicolons between.
    var nameServers: String?
    var printsItems = false
    var printsHelp = false
    /// Serve as a NameServer, too.
    var runsNameServer = false

    init(_ words: [String] = []) throws(BadCommandLine) {
        var flags = Flags(words)
        while let name = try flags.next() {
            switch name {
            case "c", "configFile": configurationFile = try flags.value()
            case "n", "namesrvAddr": nameServers = try flags.value()
            case "p", "printConfigItem", "m", "printImportantConfig": printsItems = true
            case "namesrv": runsNameServer = true
            case "h", "help": printsHelp = true
            default: throw flags.unknown
            }
        }
    }
}
