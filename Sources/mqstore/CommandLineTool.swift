// From the command line to an exit code.

import ApusStore
import ApusSystem

/// The whole tool as a function.
enum CommandLineTool {
    static func run(_ words: [String]) -> Int32 {
        let console = Console()
        defer { console.flush() }
        let code: ExitCode
        do {
            code = try dispatch(words, console)
        } catch let error as UsageError {
            console.warn("\(error.message)\n(mqstore --help shows what there is)")
            code = .couldNotLook
        } catch {
            console.endProgress()
            console.warn("\(error)")
            code = .couldNotLook
        }
        return code.rawValue
    }

    private static func dispatch(_ words: [String], _ console: Console) throws -> ExitCode {
        guard let name = words.first else {
            console.warn(Usage.overview)
            return .couldNotLook
        }
        let rest = words.dropFirst()
        if ["--help", "-h", "help"].contains(name) {
            console.line(rest.first.flatMap { Usage.commands[$0] } ?? Usage.overview)
            return .sound
        }
        if let usage = Usage.commands[name], rest.contains("--help") || rest.contains("-h") {
            console.line(usage)
            return .sound
        }
        switch name {
        case "info": return try InfoCommand.run(rest, console)
        case "dump": return try DumpCommand.run(rest, console)
        case "verify": return try VerifyCommand.run(rest, console)
        case "repair": return try RepairCommand.run(rest, console)
        default: throw UsageError("there is no command \(name)")
        }
    }
}
