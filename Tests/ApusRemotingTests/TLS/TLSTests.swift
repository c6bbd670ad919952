// TLS over loopback: beside plaintext on one port, and what is refused at either end.

#if TLS
    import ApusFormat
    import Logging
    import NIOCore
    import NIOPosix
    import Synchronization
    import TestSupport
    import Testing

    @testable import ApusRemoting

    @Suite("a connection with TLS", .timeLimit(.minutes(1))) struct TLSConnectionTests {
        @Test("carries requests from either end, of any size")
        func bothWays() async throws {
            let processor = TestProcessor.echo
            try await withServer(processor, .serving()) { _, port, _ in
                try await withClient(.asking(), requests: TestProcessor.echo) { client in
                    try await client.echo(on: "localhost:\(port)")
                    let large = (0..<3 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                    try await client.echo(large, on: "localhost:\(port)")
                    let connection = try #require(processor.latest)
                    let answer = try await connection.invoke(
                        .request(.pushReplyMessageToClient, body: large), timeout: .seconds(10))
                    #expect(answer.responseCode == .success && answer.body == large)
                    #expect(connection.remoteAddress.addressText == "127.0.0.1")
                }
                #expect(await eventually { processor.closed == 1 })
                #expect(processor.opened == 1)
            }
        }

        @Test("stands beside plaintext on the same port, unless TLS is enforced or disabled")
        func modes() async throws {
            let plain = RemotingConfiguration()
            try await withServer(TestProcessor.echo, .serving()) { _, port, _ in
                try await withClient(.asking()) { try await $0.echo(on: "localhost:\(port)") }
                try await withClient(plain) { try await $0.echo(on: "localhost:\(port)") }
            }
            let log = KeptLog()
            try await withServer(
                TestProcessor.echo, .serving { $0.mode = .enforcing }, logger: log.logger
            ) { _, port, _ in
                try await withClient(.asking()) { try await $0.echo(on: "localhost:\(port)") }
                try await withClient(plain) { _ = await $0.failure(on: "localhost:\(port)") }
            }
            #expect(log.text.contains("plaintext where only TLS is taken, connection closed"))
            #expect(!log.text.contains("TLS where only plaintext"))
            try await withServer(
                TestProcessor.echo, .serving { $0.mode = .disabled }, logger: log.logger
            ) { _, port, _ in
                try await withClient(plain) { try await $0.echo(on: "localhost:\(port)") }
                try await withClient(.asking()) { _ = await $0.failure(on: "localhost:\(port)") }
            }
            #expect(log.text.contains("TLS where only plaintext is taken, connection closed"))
        }

        @Test("is told by its first byte alone, and stands behind a proxy's header")
        func start() async throws {
            let processor = TestProcessor.echo
            try await withServer(processor, .serving()) { _, port, _ in
                for header in ["", "PROXY TCP4 10.0.0.1 10.0.0.2 50000 10911\r\n"] {
                    let relay = try await Relay(to: port, before: Array(header.utf8))
                    try await withClient(.asking()) {
                        try await $0.echo(on: "localhost:\(relay.port)")
                    }
                    let address = try #require(processor.latest).remoteAddress.addressText
                    #expect(address == (header.isEmpty ? "127.0.0.1" : "10.0.0.1"))
                    await relay.close()
                }
            }
        }

        @Test("that is not finished in time is closed, at either end")
        func unfinished() async throws {
            let start = ContinuousClock.now
            var configuration = RemotingConfiguration.serving()
            configuration.firstFrameTimeout = .milliseconds(200)
            let processor = TestProcessor.echo
            try await withServer(processor, configuration) { _, port, server in
                let peer = try await RawPeer.connect(port: port)
                try await peer.send([0x16, 3, 1, 0, 200])
                #expect(await eventually { peer.isClosed })
                #expect(await eventually { server.connectionCount == 0 })
                #expect(processor.opened == 0)
            }
            let silent = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: "127.0.0.1", port: 0).get()
            var asking = RemotingConfiguration.asking()
            asking.connectTimeout = .milliseconds(300)
            try await withClient(asking) { client in
                let reason = await client.failure(
                    on: "localhost:\(silent.localAddress?.port ?? 0)")
                #expect(reason?.contains("does not answer the handshake") == true)
            }
            try await silent.close()
            #expect(ContinuousClock.now - start < .seconds(15))
        }

        @Test("ends with its server, and garbage in it ends it with a reason")
        func ends() async throws {
            let log = KeptLog()
            try await withServer(TestProcessor.echo, .serving(), logger: log.logger) {
                _, port, server in
                try await withClient(.asking()) { client in
                    let connection = try await client.connection(to: "localhost:\(port)")
                    try await client.echo(on: "localhost:\(port)")
                    let peer = try await RawPeer.connect(port: port)
                    try await peer.send([0x16] + [UInt8](repeating: 0xFF, count: 100))
                    #expect(await eventually { peer.isClosed })
                    await server.stop()
                    #expect(await eventually { !connection.isOpen })
                }
            }
            #expect(log.text.contains("TLS failed: "))
        }
    }

    @Suite("a client with TLS", .timeLimit(.minutes(1))) struct TLSClientTests {
        @Test("refuses a server with another name, or of a root that it does not trust")
        func names() async throws {
            let processor = TestProcessor.echo
            try await withServer(processor, .serving("elsewhere")) { _, port, _ in
                try await withClient(.asking()) {
                    let reason = await $0.failure(on: "localhost:\(port)")
                    #expect(reason?.hasPrefix("connecting to localhost:\(port) failed") == true)
                }
                #expect(processor.requests == 0)
                try await withClient(.asking { $0.verifiesServer = false }) {
                    try await $0.echo(on: "localhost:\(port)")
                }
            }
            try await withServer(processor, .serving("address")) { _, port, _ in
                try await withClient(.asking()) { try await $0.echo(on: "127.0.0.1:\(port)") }
            }
            try await withServer(processor, .serving()) { _, port, _ in
                let before = processor.requests
                try await withClient(.asking()) {
                    _ = await $0.failure(on: "127.0.0.1:\(port)")
                }
                try await withClient(.asking(trusting: "stranger")) {
                    let reason = await $0.failure(on: "localhost:\(port)")
                    #expect(reason?.contains("CERTIFICATE_VERIFY_FAILED") == true)
                }
                #expect(processor.requests == before)
            }
        }

        @Test("shows its certificate where that is asked for, and is refused with a wrong one")
        func certificates() async throws {
            func show(_ name: String) -> RemotingConfiguration {
                .asking {
                    $0.certificatePath = certificate("\(name).pem")
                    $0.keyPath = certificate("\(name).key")
                }
            }
            for mode in [ServerTLS.ClientCertificates.require, .optional] {
                let processor = TestProcessor.echo
                let configuration = RemotingConfiguration.serving {
                    $0.clientCertificates = mode
                    $0.trustPath = certificate("root.pem")
                }
                try await withServer(processor, configuration) { _, port, _ in
                    try await withClient(show("intruder")) {
                        _ = await $0.failure(on: "localhost:\(port)")
                    }
                    if mode == .require {
                        try await withClient(.asking()) {
                            _ = await $0.failure(on: "localhost:\(port)")
                        }
                    }
                    #expect(processor.requests == 0)
                    try await withClient(show("client")) {
                        try await $0.echo(on: "localhost:\(port)")
                    }
                    if mode == .optional {
                        try await withClient(.asking()) {
                            try await $0.echo(on: "localhost:\(port)")
                        }
                    }
                }
            }
        }

        @Test("with files that cannot be read fails to connect, and names them")
        func files() async throws {
            try await withServer(TestProcessor.echo, .serving()) { _, port, _ in
                try await withClient(.asking(trusting: "nobody")) {
                    let reason = await $0.failure(on: "localhost:\(port)")
                    #expect(reason?.contains("tls.client.trustCertPath") == true)
                    #expect(reason?.contains("nobody.pem") == true)
                }
            }
        }
    }

    @Suite("a server with TLS", .timeLimit(.minutes(1))) struct TLSServerTests {
        private func error(_ change: (inout ServerTLS) -> Void) async -> TLSError? {
            await #expect(throws: TLSError.self) {
                try await withServer(TestProcessor.echo, .serving("server", change)) { _, _, _ in }
            }
        }

        @Test("opens a key that is locked, with the right password only")
        func password() async throws {
            let locked = certificate("server-locked.key")
            let configuration = RemotingConfiguration.serving {
                $0.keyPath = locked
                $0.keyPassword = "swift"
            }
            try await withServer(TestProcessor.echo, configuration) { _, port, _ in
                try await withClient(.asking()) { try await $0.echo(on: "localhost:\(port)") }
            }
            for password in [nil, "wrong"] {
                let error = await error {
                    $0.keyPath = locked
                    $0.keyPassword = password
                }
                #expect(error?.key == "tls.server.keyPath")
                #expect(error?.description.contains(locked) == true)
                #expect(error?.description.contains("wrong") == false)
            }
        }

        @Test("does not start with what is not there, or does not go together")
        func files() async {
            #expect(await error { $0.certificatePath = "/nowhere" }?.key == "tls.server.certPath")
            #expect(await error { $0.keyPath = "/nowhere" }?.key == "tls.server.keyPath")
            let mixed = await error { $0.keyPath = certificate("client.key") }
            guard case .context = mixed else {
                Issue.record("a key of another certificate was taken")
                return
            }
            let untrusting = await error { $0.clientCertificates = .require }
            #expect(untrusting?.key == "tls.server.need.client.auth")
            let missing = await error {
                $0.clientCertificates = .require
                $0.trustPath = "/nowhere"
            }
            #expect(missing?.key == "tls.server.trustCertPath")
        }

        @Test("that has no certificate takes plaintext, and says so")
        func plaintext() async throws {
            let log = KeptLog()
            try await withServer(TestProcessor.echo, logger: log.logger) { _, port, _ in
                try await withClient(.asking()) { _ = await $0.failure(on: "localhost:\(port)") }
                try await withClient { try await $0.echo(on: "localhost:\(port)") }
            }
            #expect(log.text.contains("no connection is encrypted"))
        }
    }
#endif
