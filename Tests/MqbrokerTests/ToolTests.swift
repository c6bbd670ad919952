// The command line of `mqbroker`, and how it ends.

import ApusBroker
import ApusServer
import Foundation
import TestSupport
import Testing

@testable import mqbroker

@Suite("mqbroker")
struct ToolTests {
    @Test("flags are taken as RocketMQ's command line takes them")
    func flags() throws {
        let arguments = try Arguments(["-c", "f", "--namesrvAddr=a:1;b:2", "-m"])
        #expect(arguments.configurationFile == "f" && arguments.nameServers == "a:1;b:2")
        #expect(arguments.printsItems && !arguments.runsNameServer && !arguments.printsHelp)
        let others = try Arguments(["--namesrv", "-h"])
        #expect(others.runsNameServer && others.printsHelp && !others.printsItems)
        for words in [["-c"], ["-n"], ["--namesrv=a"], ["-x"], ["b.conf"]] {
            #expect(throws: BadCommandLine.self) { try Arguments(words) }
        }
    }

    @Test("the command line goes before the file, and the NameServer in it before nothing")
    func settings() throws {
        let directory = try TemporaryDirectory()
        let file = "\(directory.path)/b.conf"
        try "namesrvAddr=c:1\nlistenPort=1234".write(
            toFile: file, atomically: true, encoding: .utf8)
        func servers(
            _ more: String..., host: String = "", file: String? = file
        ) throws -> [String] {
            try BrokerTool.settings(
                try Arguments((file.map { ["-c", $0] } ?? []) + more),
                host: HostEnvironment(name: "box", home: "/home/me", nameServers: host)
            ).broker.registration.nameServers
        }
        #expect(try servers() == ["c:1"])
        #expect(try servers("-n", "a:1;b:2", "--namesrv") == ["a:1", "b:2"])
        #expect(try servers("--namesrv") == ["c:1"])
        #expect(try servers("--namesrv", host: "d:1", file: nil) == ["d:1"])
        #expect(try servers("--namesrv", file: nil) == ["127.0.0.1:9876"])
        // What is no address is refused, unless something else takes its place.
        #expect(throws: ConfigurationError.self) { try servers("-n", "foo") }
        #expect(throws: ConfigurationError.self) { try servers("-n", "a:1 ;b:2") }
        #expect(throws: ConfigurationError.self) { try servers(host: "foo", file: nil) }
        #expect(throws: ConfigurationError.self) {
            try servers("--namesrv", host: "foo", file: nil)
        }
        #expect(try servers(host: "foo") == ["c:1"])
        #expect(try servers("-n", "a:1", host: "foo", file: nil) == ["a:1"])
        let settings = try BrokerTool.settings(try Arguments(["-c", file, "--namesrv"]))
        #expect(settings.runsNameServer && BrokerTool.place(settings).hasSuffix(":1234"))
        #expect(BrokerTool.items(settings).contains { $0 == ("listenPort", "1234") })
    }

    @Test("it ends with 0 when it has printed, 1, 2 or 3 when it could not do what was asked")
    func exitCodes() async throws {
        let directory = try TemporaryDirectory()
        let file = "\(directory.path)/b.conf"
        func run(_ settings: String, _ more: String...) async throws -> Int32 {
            try settings.write(toFile: file, atomically: true, encoding: .utf8)
            return await BrokerTool.run(["-c", file] + more)
        }
        #expect(await BrokerTool.run(["--help"]) == 0)
        #expect(try await run("listenPort=1", "-p") == 0)
        #expect(await BrokerTool.run(["--what"]) == 1)
        #expect(await BrokerTool.run(["-c", "\(directory.path)/none"]) == 2)
        #expect(try await run("listenPort=x", "-p") == 2)
        // No store can be where a file is.
        let occupied = "listenPort=0\nstorePathRootDir=\(file)\nbrokerIP1=127.0.0.1"
        #expect(try await run(occupied) == 3)
    }
}
