// The example of encryption: what stands between the two marks below is what the guide and the
// article show.

#if TLS
    import ApusFormat
    import ApusRemoting
    import Foundation
    import TestSupport
    import Testing

    @testable import ApusClient

    @Suite("The guide's example of TLS") struct TLSGuideTests {
        @Test("does what the guide says")
        func runs() async throws {
            try await withSystem(tls: .enforced()) { system in
                let (nameServers, authority) = (system.nameServer, certificate("root.pem"))
                let secret = "12345678"
                // Guide: begin
                var tls = ClientTLS()
                tls.trustPath = authority
                var client = ClientConfiguration(nameServers: nameServers)
                client.tls = tls
                client.credentials = SessionCredentials(accessKey: "orders", secretKey: secret)
                let producer = try Producer(ProducerConfiguration(client))
                try await producer.running { producer in
                    try await producer.send(Message("one tea", to: "Orders"))
                }
                // Guide: end
                #expect(try await allMessages(system, "Orders").map(\.text) == ["one tea"])
            }
        }

        @Test(
            "is the one that is run here",
            arguments: ["docs/client.md", "Sources/ApusClient/ApusClient.docc/GettingStarted.md"])
        func isShown(_ path: String) throws {
            let here = URL(filePath: #filePath)
            let lines = try String(contentsOf: here, encoding: .utf8).components(separatedBy: "\n")
            let begin = try #require(lines.firstIndex { $0.hasSuffix("// Guide: begin") })
            let end = try #require(lines.firstIndex { $0.hasSuffix("// Guide: end") })
            let indentation = lines[begin].prefix { $0 == " " }.count
            let example = lines[(begin + 1)..<end].map { $0.dropFirst(indentation) + "\n" }.joined()
            try #require(!example.isEmpty)
            var root = here
            for _ in 0..<4 { root.deleteLastPathComponent() }
            let text = try String(contentsOf: root.appending(path: path), encoding: .utf8)
            #expect(text.contains(example + "```"), "the example is not as it is in \(path)")
        }
    }
#endif
