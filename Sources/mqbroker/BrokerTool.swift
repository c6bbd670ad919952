// From the command line to a broker that runs until someone ends it.

import ApusBroker
import ApusFormat
import ApusNameServer
import ApusSystem
import Logging

/// The whole tool as a function.
enum BrokerTool {
    /// How the process ends.
    enum ExitCode {
        static let done: Int32 = 0
        static let badCommandLine: Int32 = 1
        static let badConfiguration: Int32 = 2
        static let couldNotServe: Int32 = 3
    }

    /// More is no file of settings.
    private static let configurationLimit = 1 << 20

    static func run(_ words: [String]) async -> Int32 {
        let arguments: Arguments
        do throws(Arguments.Invalid) {
            arguments = try Arguments(words)
        } catch {
            return fail(
                "\(error.reason)\n(mqbroker --help shows what there is)", ExitCode.badCommandLine)
        }
        if arguments.printsHelp {
            ServerProcess.print(Usage.text)
            return ExitCode.done
        }
        let configuration: BrokerConfiguration
        do { configuration = try load(arguments) } catch {
            return fail("\(error)", ExitCode.badConfiguration)
        }
        if arguments.printsItems {
            for item in configuration.properties {
                ServerProcess.print("\(item.key)=\(item.value)\n")
            }
            return ExitCode.done
        }
        return await serve(configuration, withNameServer: arguments.runsNameServer)
    }

    private static func serve(
        _ configuration: BrokerConfiguration, withNameServer: Bool
    ) async -> Int32 {
        let logger = Logger(label: "broker") { StreamLogHandler.standardError(label: $0) }
        do {
            let nameServer = withNameServer ? try await startNameServer(logger) : nil
            do {
                let broker = try await Broker.start(configuration, logger: logger)
                // RocketMQ's words, which scripts wait for.
                ServerProcess.print(
                    "The broker[\(configuration.name), \(broker.address)] boot success. "
                        + "serializeType=JSON\n")
                let signal = await endAskedFor()
                logger.info("\(signal): stopping")
                try await broker.stop()
            } catch {
                await nameServer?.stop()
                throw error
            }
            await nameServer?.stop()
            return ExitCode.done
        } catch {
            return fail(
                "cannot serve at \(configuration.network.bindAddress):"
                    + "\(configuration.network.port): \(error)", ExitCode.couldNotServe)
        }
    }

    private static func startNameServer(_ logger: Logger) async throws -> NameServer {
        var settings = NameServerConfiguration()
        settings.keyValuePath =
            (ServerProcess.environment("HOME") ?? ".") + "/namesrv/kvConfig.json"
        let server = try NameServer(settings, logger: logger)
        do { try await server.start() } catch {
            await server.stop()
            throw error
        }
        return server
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

    /// The settings of the file, or RocketMQ's, with what the command line says.
    private static func load(_ arguments: Arguments) throws -> BrokerConfiguration {
        var text: [UInt8] = []
        if let file = arguments.configurationFile { text = try read(file) }
        let origin = arguments.configurationFile ?? "the defaults"
        let parsed = try BrokerConfiguration.parse(text, origin: origin)
        for note in parsed.warnings + parsed.notices {
            ServerProcess.complain("mqbroker: \(origin): \(note)\n")
        }
        var configuration = parsed.configuration
        if let list = arguments.nameServers {
            configuration.registration.nameServers = list.split(separator: ";").map(String.init)
        } else if arguments.runsNameServer {
            configuration.registration.nameServers = ["127.0.0.1:9876"]
        }
        try configuration.validate()
        return configuration
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let file = try SystemDisk().open(path, .readOnly)
        defer { file.close() }
        var bytes = [UInt8](repeating: 0, count: configurationLimit)
        var span = bytes.mutableRawSpan
        let count = try file.read(into: &span, at: 0)
        guard count < configurationLimit else {
            throw UnusableFile(
                reason: "\(path) has \(configurationLimit) bytes or more: is it the right one?")
        }
        bytes.removeSubrange(count...)
        return bytes
    }

    private struct UnusableFile: Error, CustomStringConvertible {
        let reason: String
        var description: String { reason }
    }

    private static func fail(_ text: String, _ code: Int32) -> Int32 {
        ServerProcess.complain("mqbroker: \(text)\n")
        return code
    }
}
