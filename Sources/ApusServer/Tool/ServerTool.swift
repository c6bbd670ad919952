// From a command line to a server that runs until someone ends it: what `mqnamesrv` and `mqbroker`
// have in common.

import ApusFormat
import ApusSystem
package import Logging

/// What every server's command line can ask for.
package protocol ServerArguments {
    init(_ words: [String]) throws(BadCommandLine)
    var printsHelp: Bool { get }
    /// Whether the settings are printed instead of followed.
    var printsItems: Bool { get }
}

/// A server that serves.
package struct RunningServer: Sendable {
    /// The line that says so, which scripts wait for.
    let announcement: String
    let stop: @Sendable () async throws -> Void

    package init(announcement: String, stop: @escaping @Sendable () async throws -> Void) {
        self.announcement = announcement
        self.stop = stop
    }
}

/// A server's executable.
package protocol ServerTool {
    associatedtype Arguments: ServerArguments
    associatedtype Settings

    /// As it is typed: `mqbroker`.
    static var name: String { get }
    /// What its log lines are labelled with.
    static var label: String { get }
    /// What `--help` prints.
    static var usage: String { get }

    /// What the arguments and the file that they name amount to.
    static func settings(_ arguments: Arguments) throws -> Settings
    static func items(_ settings: Settings) -> [(key: String, value: String)]
    /// Where it is to serve, as complaints name it.
    static func place(_ settings: Settings) -> String
    /// What was begun has ended again when this fails.
    static func start(_ settings: Settings, _ logger: Logger) async throws -> RunningServer
}

/// How the process of a server ends.
package enum ServerExit {
    package static let done: Int32 = 0
    package static let badCommandLine: Int32 = 1
    package static let badConfiguration: Int32 = 2
    package static let couldNotServe: Int32 = 3
}

extension ServerTool {
    /// The whole tool as a function. Answers how the process ends.
    package static func run(_ words: [String]) async -> Int32 {
        let arguments: Arguments
        do throws(BadCommandLine) {
            arguments = try Arguments(words)
        } catch {
            return fail(
                "\(error.reason)\n(\(name) --help shows what there is)", ServerExit.badCommandLine)
        }
        if arguments.printsHelp {
            ServerProcess.print(usage)
            return ServerExit.done
        }
        let settings: Settings
        do { settings = try Self.settings(arguments) } catch {
            return fail("\(error)", ServerExit.badConfiguration)
        }
        if arguments.printsItems {
            for item in items(settings) { ServerProcess.print("\(item.key)=\(item.value)\n") }
            return ServerExit.done
        }
        do {
            let logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
            let server = try await start(settings, logger)
            ServerProcess.print("\(server.announcement)\n")
            let signal = await endAskedFor()
            logger.info("\(signal): stopping")
            try await server.stop()
            return ServerExit.done
        } catch {
            return fail("cannot serve at \(place(settings)): \(error)", ServerExit.couldNotServe)
        }
    }

    /// Says something to whoever started the process.
    package static func complain(_ text: String) { ServerProcess.complain("\(name): \(text)\n") }

    private static func fail(_ text: String, _ code: Int32) -> Int32 {
        complain(text)
        return code
    }

    private static func endAskedFor() async -> String {
        await withCheckedContinuation { continuation in
            do throws(DiskError) {
                try ServerProcess.onEnd { continuation.resume(returning: $0) }
            } catch {
                continuation.resume(returning: "\(error)")
            }
        }
    }
}

// MARK: - The file of settings

/// A file of settings that cannot be used.
package struct UnusableFile: Error, CustomStringConvertible {
    package let description: String
}

/// A file of settings.
package enum SettingsFile {
    /// As many bytes or more are no file of settings.
    private static let limit = 1 << 20

    /// What is in it.
    package static func read(_ path: String) throws -> [UInt8] {
        guard let bytes = try SystemDisk().contents(of: path, limit: limit) else {
            throw UnusableFile(description: "there is no file \(path)")
        }
        guard bytes.count < limit else {
            throw UnusableFile(
                description: "\(path) has \(limit) bytes or more: is it the right one?")
        }
        return bytes
    }
}
