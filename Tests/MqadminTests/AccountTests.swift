// The tool's account: whose requests a broker with access control carries out.

import ApusBroker
import ApusFormat
import ApusStore
import Foundation
import TestSupport
import Testing

@testable import mqadmin

@Suite("the account of the tool") struct AccountTests {
    private func home(_ directory: TemporaryDirectory, _ files: [String: String]) throws -> String {
        let home = directory.path + "/home"
        try FileManager.default.createDirectory(
            atPath: home + "/conf", withIntermediateDirectories: true)
        for (name, text) in files {
            try text.write(toFile: "\(home)/conf/\(name)", atomically: true, encoding: .utf8)
        }
        return home
    }

    @Test("lets it change topics where it is an administrator's, and nothing happens without")
    func signs() async throws {
        let directory = try TemporaryDirectory()
        let home = try home(
            directory,
            [
                "plain_acl.yml": """
                accounts:
                - accessKey: operator
                  secretKey: secret-of-operator
                  admin: true
                """,
                "tools.yml": "accessKey: operator\nsecretKey: secret-of-operator\n",
            ])
        var configuration = BrokerConfiguration.forTests(in: directory)
        configuration.access.isEnabled = true
        configuration.access.home = home
        let broker = try await Broker.start(configuration, logger: .quiet)
        let words = ["updateTopic", "-b", broker.address.description, "-t", "Orders"]
        let without = await mqadmin(words)
        #expect(without.code == 2 && without.complaints.contains("No accessKey is configured"))
        let with = await mqadmin(words, home: home)
        #expect(with.code == 0, "\(with.complaints)")
        try await broker.stop()
    }

    @Test("is refused where its file holds none", arguments: ["accessKey: a", "- a", "a: [", "x"])
    func malformed(_ text: String) async throws {
        let directory = try TemporaryDirectory()
        let run = await mqadmin(
            ["clusterList"], home: try home(directory, ["tools.yml": text]))
        #expect(run.code == 1 && run.complaints.contains("tools.yml"))
    }

    @Test("is none where there is no file, or nothing in it")
    func none() async throws {
        let directory = try TemporaryDirectory()
        #expect(try ToolAccount.read(home: nil) == nil)
        #expect(try ToolAccount.read(home: directory.path) == nil)
        let empty = try home(directory, ["tools.yml": "# none\n"])
        #expect(try ToolAccount.read(home: empty) == nil)
    }
}
