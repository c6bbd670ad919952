// From the command line to a server that runs until someone ends it.

import ApusNameServer
import ApusSystem
import Logging
import NIOCore

/// The whole tool as a function.
enum NameServerTool {
    /// How the process ends.
    enum ExitCode {
        static let done: Int32 = 0
        static let badCommandLine: Int32 = 1
        static let badConfiguration: Int32 = 2
        static let couldNotStart: Int32 = 3
    }

    /// More is no file of settings.
    private static let configurationLimit = 1 << 20

    static func run(_ words: [String]) async -> Int32 {
        let arguments: Arguments
        do throws(Arguments.Invalid) {
            arguments = try Arguments(words)
        } catch {
            return fail(
                "\(error.reason)\n(mqnamesrv --help shows what there is)", ExitCode.badCommandLine)
        }
        if arguments.printsHelp {
            ServerProcess.print(Usage.text)
            return ExitCode.done
        }
        var configuration = NameServerConfiguration()
        configuration.keyValuePath =
            (ServerProcess.environment("HOME") ?? ".") + "/namesrv/kvConfig.json"
        do {
            if let file = arguments.configurationFile { try load(file, into: &configuration) }
        } catch {
            return fail("\(error)", ExitCode.badConfiguration)
        }
        if arguments.nameServerAddress != nil {
            ServerProcess.complain("mqnamesrv: -n has no effect on a NameServer\n")
        }
        if arguments.printsItems {
            for item in configuration.items { ServerProcess.print("\(item.key)=\(item.value)\n") }
            return ExitCode.done
        }
        return await serve(configuration)
    }

    private static func serve(_ configuration: NameServerConfiguration) async -> Int32 {
        let logger = Logger(label: "namesrv") { StreamLogHandler.standardError(label: $0) }
        do {
            let server = try NameServer(configuration, logger: logger)
            do {
                let address = try await server.start()
                // RocketMQ's words, which scripts wait for.
                ServerProcess.print(
                    "The Name Server boot success. serializeType=JSON, address"
                        + " \(configuration.host):\(address.port ?? configuration.port)\n")
            } catch {
                await server.stop()
                throw error
            }
            let signal = await endAskedFor()
            logger.info("\(signal): stopping")
            await server.stop()
            return ExitCode.done
        } catch {
            return fail(
                "cannot serve at \(configuration.host):\(configuration.port): \(error)",
                ExitCode.couldNotStart)
        }
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

    private static func load(
        _ file: String, into configuration: inout NameServerConfiguration
    ) throws {
        guard let text = try SystemDisk().contents(of: file, limit: configurationLimit) else {
            throw UnusableFile(reason: "there is no file \(file)")
        }
        if text.count > configurationLimit {
            throw UnusableFile(
                reason: "\(file) has more than \(configurationLimit) bytes: is it the right one?")
        }
        let warnings = try configuration.apply(properties: text, from: file)
        for warning in warnings { ServerProcess.complain("mqnamesrv: \(file): \(warning)\n") }
        ServerProcess.print("load config properties file OK, \(file)\n")
    }

    private struct UnusableFile: Error, CustomStringConvertible {
        let reason: String
        var description: String { reason }
    }

    private static func fail(_ text: String, _ code: Int32) -> Int32 {
        ServerProcess.complain("mqnamesrv: \(text)\n")
        return code
    }
}
