// The command line: RocketMQ's flags, in their short and their long form.

import ApusServer

/// What the command line asks for.
struct Arguments: ServerArguments, Equatable {
    var configurationFile: String?
    var printsItems = false
    var printsHelp = false
    /// Given, and without effect, as in RocketMQ.
    var nameServerAddress: String?

    init(_ words: [String] = []) throws(BadCommandLine) {
        var flags = Flags(words)
        while let name = try flags.next() {
            switch name {
            case "c", "configFile": configurationFile = try flags.value()
            case "n", "namesrvAddr": nameServerAddress = try flags.value()
            case "p", "printConfigItem": printsItems = true
            case "h", "help": printsHelp = true
            default: throw flags.unknown
            }
        }
    }
}
