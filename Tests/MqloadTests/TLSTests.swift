// `mqload` over TLS, with a broker of its own that has a certificate.

import Bench
import Foundation
import TestSupport
import Testing

@testable import mqload

@Suite("mqload and TLS", .serialized) struct TLSLoadTests {
    private func keys(_ root: String, _ more: String, in directory: TemporaryDirectory) throws
        -> String
    {
        let path = "\(directory.path)/tls.properties"
        let text = "tls.client.trustCertPath=\(certificate(root))\n\(more)\n"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    #if TLS
        private let server = """
            tls.server.mode=enforcing
            tls.server.certPath=\(certificate("address.pem"))
            tls.server.keyPath=\(certificate("address.key"))
            """

        @Test(
            "all that is measured goes over it",
            arguments: [
                "produce --connections 2 --in-flight 4", "consume --messages 500 --queues 2",
                "end-to-end --rate 200 --queues 2", "client --in-flight 8",
                "client --consume --messages 2000",
            ])
        func measured(_ words: String) async throws {
            let directory = try TemporaryDirectory()
            let path = try keys("root.pem", server, in: directory)
            let result = try await measure("\(words) --tls \(path)", in: directory)
            #expect(result.checked, "\(result.notes)")
            #expect(count("messages", result) > 0 || result.messagesPerSecond > 0)
        }

        @Test("a server that is not trusted is not asked, and it is said why")
        func untrusted() async throws {
            let directory = try TemporaryDirectory()
            let path = try keys("stranger.pem", server, in: directory)
            for command in ["produce", "client"] {
                let error = await #expect(throws: (any Error).self) {
                    try await measure("\(command) --tls \(path)", in: directory)
                }
                #expect(error.map { "\($0)".contains("is not trusted") } == true)
            }
        }

        @Test("the broker that it starts needs a certificate")
        func certificateIsMissing() async throws {
            let directory = try TemporaryDirectory()
            let path = try keys("root.pem", "", in: directory)
            let error = await #expect(throws: UsageError.self) {
                try await measure("produce --tls \(path)", in: directory)
            }
            #expect(error?.message.contains("tls.server.certPath") == true)
        }
    #else
        @Test("is refused in a build without it, with how to build one")
        func notBuilt() async throws {
            let directory = try TemporaryDirectory()
            let path = try keys("root.pem", "", in: directory)
            let error = await #expect(throws: UsageError.self) {
                try await measure("produce --tls \(path)", in: directory)
            }
            #expect(error?.message.contains("swift build --traits TLS") == true)
        }
    #endif
}
