// The command line of `mqnamesrv`, and how it ends.

import ApusServer
import Foundation
import TestSupport
import Testing

@testable import mqnamesrv

@Suite("mqnamesrv")
struct ToolTests {
    @Test("flags are taken as RocketMQ's command line takes them")
    func flags() throws {
        for words in [
            ["-c", "f", "-p"], ["--configFile", "f", "--printConfigItem"],
            ["-configFile", "f", "-p"], ["-p", "--configFile=f"],
        ] {
            let arguments = try Arguments(words)
            #expect(arguments.configurationFile == "f" && arguments.printsItems)
        }
        #expect(try Arguments(["-n", "a:1;b:2"]).nameServerAddress == "a:1;b:2")
        #expect(try Arguments(["-h"]).printsHelp)
        #expect(try Arguments() == Arguments([]))
    }

    @Test(
        "what cannot be followed is refused",
        arguments: [["-c"], ["-c", ""], ["--nothing"], ["word"], ["-p=1"], ["-"], ["--"]])
    func refused(words: [String]) {
        #expect(throws: BadCommandLine.self) { try Arguments(words) }
    }

    @Test("it ends with 0 when it has printed, 1, 2 or 3 when it could not do what was asked")
    func exitCodes() async throws {
        let directory = try TemporaryDirectory()
        func run(_ settings: String, _ more: String...) async throws -> Int32 {
            let file = "\(directory.path)/namesrv.conf"
            try settings.write(toFile: file, atomically: true, encoding: .utf8)
            return await NameServerTool.run(["-c", file] + more)
        }
        #expect(await NameServerTool.run(["--help"]) == 0)
        #expect(try await run("listenPort=1", "-p") == 0)
        #expect(await NameServerTool.run(["--what"]) == 1)
        #expect(await NameServerTool.run(["-c", "\(directory.path)/none"]) == 2)
        #expect(try await run("listenPort=x") == 2)
        let damaged = "\(directory.path)/kv.json"
        try "x".write(toFile: damaged, atomically: true, encoding: .utf8)
        #expect(try await run("listenPort=0\nkvConfigPath=\(damaged)") == 3)
        // Nobody has this address: it is for documents.
        let elsewhere = "listenPort=0\nbindAddress=192.0.2.1\nkvConfigPath=\(directory.path)/k"
        #expect(try await run(elsewhere) == 3)
    }
}
