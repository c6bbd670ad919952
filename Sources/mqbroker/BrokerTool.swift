// From the command line to a broker that runs until someone ends it.

import ApusBroker
import ApusNameServer
import ApusServer
import Logging

enum BrokerTool: ServerTool {
    static let name = "mqbroker"
    static let label = "broker"
    static let usage = Usage.text

    /// A broker, and whether there is a NameServer in the same process.
    struct Settings {
        var broker: BrokerConfiguration
        var runsNameServer = false
    }

    static func settings(_ arguments: Arguments) throws -> Settings {
        try settings(arguments, host: .current)
    }

    /// The settings of the file, or RocketMQ's, with what the command line says.
    static func settings(_ arguments: Arguments, host: HostEnvironment) throws -> Settings {
        let text = try arguments.configurationFile.map(SettingsFile.read) ?? []
        let origin = arguments.configurationFile ?? "the defaults"
        var host = host
        // Those of the environment are not looked at when the command line names some.
        if arguments.nameServers != nil { host.nameServers = "" }
        let parsed = try BrokerConfiguration.parse(text, origin: origin, host: host)
        for note in parsed.warnings + parsed.notices { complain(note) }
        var settings = Settings(
            broker: parsed.configuration, runsNameServer: arguments.runsNameServer)
        if let list = arguments.nameServers {
            settings.broker.registration.nameServers = list.split(separator: ";").map(String.init)
        } else if arguments.runsNameServer, settings.broker.registration.nameServers.isEmpty {
            settings.broker.registration.nameServers = ["127.0.0.1:9876"]
        }
        try settings.broker.validate()
        return settings
    }

    static func items(_ settings: Settings) -> [(key: String, value: String)] {
        settings.broker.properties
    }

    static func place(_ settings: Settings) -> String {
        "\(settings.broker.network.bindAddress):\(settings.broker.network.port)"
    }

    static func start(_ settings: Settings, _ logger: Logger) async throws -> RunningServer {
        var nameServing = NameServerConfiguration.ofProcess
        nameServing.tls = settings.broker.tls
        let nameServer =
            settings.runsNameServer
            ? try await NameServer.started(nameServing, logger: logger).server : nil
        let broker: Broker
        do {
            broker = try await Broker.start(settings.broker, logger: logger)
        } catch {
            await nameServer?.stop()
            throw error
        }
        // RocketMQ's words, which scripts wait for.
        return RunningServer(
            announcement: "The broker[\(settings.broker.name), \(broker.address)] boot success. "
                + "serializeType=JSON"
        ) {
            do { try await broker.stop() } catch {
                await nameServer?.stop()
                throw error
            }
            await nameServer?.stop()
        }
    }
}
