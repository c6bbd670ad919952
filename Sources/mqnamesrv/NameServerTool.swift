// From the command line to a NameServer that runs until someone ends it.

import ApusNameServer
import ApusServer
import ApusSystem
import Logging
import NIOCore

enum NameServerTool: ServerTool {
    static let name = "mqnamesrv"
    static let label = "namesrv"
    static let usage = Usage.text

    static func settings(_ arguments: Arguments) throws -> NameServerConfiguration {
        var configuration = NameServerConfiguration.ofProcess
        if let file = arguments.configurationFile {
            let warnings = try configuration.apply(
                properties: try SettingsFile.read(file), from: file)
            for warning in warnings { complain("\(file): \(warning)") }
            ServerProcess.print("load config properties file OK, \(file)\n")
        }
        if arguments.nameServerAddress != nil { complain("-n has no effect on a NameServer") }
        return configuration
    }

    static func items(_ configuration: NameServerConfiguration) -> [(key: String, value: String)] {
        configuration.items
    }

    static func place(_ configuration: NameServerConfiguration) -> String {
        "\(configuration.host):\(configuration.port)"
    }

    static func start(
        _ configuration: NameServerConfiguration, _ logger: Logger
    ) async throws -> RunningServer {
        let (server, address) = try await NameServer.started(configuration, logger: logger)
        // RocketMQ's words, which scripts wait for.
        return RunningServer(
            announcement: "The Name Server boot success. serializeType=JSON, address"
                + " \(configuration.host):\(address.port ?? configuration.port)"
        ) { await server.stop() }
    }
}
