// From the command line to an exit code.

import ApusFormat
import ApusRemoting
import ApusServer
import Logging
import NIOPosix

/// The whole tool as a function.
enum AdminTool {
    /// All commands, in the order in which help lists them.
    static let commands: [any Command.Type] = [
        ClusterList.self, BrokerStatus.self, GetBrokerConfig.self, BrokerConsumeStats.self,
        TopicList.self, TopicRoute.self, TopicStatus.self, UpdateTopic.self, DeleteTopic.self,
        UpdateGroup.self, DeleteGroup.self, ConsumerProgress.self, ConsumerConnection.self,
        ProducerConnection.self, ResetOffsetByTime.self, CloneGroupOffset.self, StatsAll.self,
        SendMessage.self, ConsumeMessage.self, PrintMessages.self, QueryByID.self,
        QueryByKey.self, QueryByUniqueKey.self, QueryByOffset.self, QueryConsumeQueue.self,
        WipeWritePermission.self, AddWritePermission.self, UpdateKeyValue.self,
        DeleteKeyValue.self,
    ]

    /// The command with this name, in any case, as RocketMQ takes it.
    static func command(_ name: String) -> (any Command.Type)? {
        commands.first { $0.name.lowercased() == name.lowercased() }
    }

    /// Carries out what `words` ask for. `nameServers` are those of the environment, `home` is its
    /// ROCKETMQ_HOME, `javaOptions` its JAVA_OPT.
    static func run(
        _ words: [String], nameServers: String?, home: String? = nil,
        javaOptions: String? = nil, output: Output
    ) async -> Int32 {
        var words = words
        let properties = ToolTLS.take(from: &words)
        guard let name = words.first else {
            output.complain(Help.overview)
            return ExitCode.badCommandLine
        }
        if ["help", "-h", "--help"].contains(name) { return help(words.dropFirst(), output) }
        guard let command = command(name) else {
            return misunderstood("there is no command \(name)", "mqadmin help", output)
        }
        let arguments: Arguments
        do {
            arguments = try Arguments(Array(words.dropFirst()), command.allFlags)
        } catch {
            return misunderstood(error.reason, "mqadmin help \(command.name)", output)
        }
        if arguments.has("help") {
            output.print(Help.text(of: command))
            return ExitCode.done
        }
        do {
            let account = try ToolAccount.read(home: home)
            let tls = try ToolTLS.read(properties, javaOptions: javaOptions)
            let client = client(account, tls)
            if let problem = client.problem { throw problem }
            return await run(command, arguments, nameServers, client, output)
        } catch {
            let reason = (error as? BadCommandLine)?.reason ?? "\(error)"
            output.complain("mqadmin: \(Printable.text(reason))\n")
            return ExitCode.badCommandLine
        }
    }

    private static func client(_ account: SessionCredentials?, _ tls: TLSSettings) -> RemotingClient
    {
        var configuration = RemotingConfiguration()
        configuration.clientTLS = tls.own
        return RemotingClient(
            configuration: configuration, credentials: account,
            logger: Logger(label: "mqadmin") { _ in SwiftLogNoOpLogHandler() },
            group: MultiThreadedEventLoopGroup.singleton)
    }

    private static func run(
        _ command: any Command.Type, _ arguments: Arguments, _ nameServers: String?,
        _ client: RemotingClient, _ output: Output
    ) async -> Int32 {
        let list = arguments["namesrvAddr"] ?? nameServers ?? ""
        let call = Call(
            arguments: arguments,
            admin: Admin(client: client, nameServers: Admin.addresses(list)),
            output: output, isJSON: arguments.has("json"), tally: Tally())
        var code = ExitCode.done
        do {
            try await command.run(call)
            if call.tally.failures > 0 { code = ExitCode.notDone }
        } catch let error as UsageError {
            code = misunderstood(error.reason, "mqadmin help \(command.name)", output)
        } catch {
            call.complain("\(error)")
            code = ExitCode.notDone
        }
        await client.close()
        return code
    }

    private static func help(_ words: ArraySlice<String>, _ output: Output) -> Int32 {
        guard let name = words.first else {
            output.print(Help.overview)
            return ExitCode.done
        }
        guard let command = command(name) else {
            return misunderstood("there is no command \(name)", "mqadmin help", output)
        }
        output.print(Help.text(of: command))
        return ExitCode.done
    }

    private static func misunderstood(_ reason: String, _ help: String, _ output: Output) -> Int32 {
        output.complain("mqadmin: \(Printable.text(reason))\n(\(help) shows what there is)\n")
        return ExitCode.badCommandLine
    }
}

/// How the process ends.
enum ExitCode {
    /// What was asked for was done, all of it.
    static let done: Int32 = 0
    /// The command line cannot be followed; nothing was asked of anyone.
    static let badCommandLine: Int32 = 1
    /// Something of it was refused, is not there, or could not be asked for.
    static let notDone: Int32 = 2
}
