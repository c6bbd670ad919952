// Servers that a client must not talk to, and what it says of them.

#if TLS
    import ApusBroker
    import ApusFormat
    import ApusRemoting
    import Synchronization
    import TestSupport
    import Testing

    @testable import ApusClient

    extension TestSystem {
        /// A client whose settings of TLS are others than the system's.
        func client(_ change: (inout ClientTLS) -> Void) -> ClientConfiguration {
            var client = client
            var tls = client.tls ?? ClientTLS()
            change(&tls)
            client.tls = tls
            return client
        }
    }

    @Suite("Clients with TLS, and servers that are not to be trusted", .timeLimit(.minutes(2)))
    struct TLSDistrustTests {
        private func expectUntrusted(
            _ client: ClientConfiguration, _ words: [String],
            _ place: SourceLocation = #_sourceLocation
        ) async throws {
            let sends: [@Sendable (Producer) async throws -> Void] = [
                { try await $0.send(Message("x", to: "Orders")) },
                { try await $0.sendOneWay(Message("x", to: "Orders")) },
                { producer in
                    let results = Mutex<[PipelineResult]>([])
                    try await producer.withPipeline { _, result in
                        results.withLock { $0.append(result) }
                    } body: { pipeline in
                        _ = try await pipeline.send(Message("x", to: "Orders"))
                    }
                    _ = try results.withLock { $0 }.first?.get()
                },
            ]
            var signing = client
            signing.credentials = SessionCredentials(accessKey: "RocketMQ", secretKey: "87654321")
            for (send, client) in sends.map({ ($0, client) }) + [(sends[0], signing)] {
                let error = try #require(await refusal(client, place, send))
                #expect(error.kind == .untrusted, "\(error)", sourceLocation: place)
                #expect(!error.isRetryable && !error.mayHaveHappened, sourceLocation: place)
                for word in words {
                    #expect(error.reason.contains(word), "\(error)", sourceLocation: place)
                }
            }
        }

        @Test("a NameServer of a root that is not trusted is refused, with what to do")
        func nameServer() async throws {
            try await withSystem(tls: .enforced()) { system in
                let client = system.client { $0.trustPath = certificate("stranger.pem") }
                try await expectUntrusted(
                    client, [system.nameServer, "not trusted", "trustPath"])
                #expect(try await allMessages(system, "Orders").isEmpty)
            }
        }

        @Test("a broker of a root that is not trusted is refused, with what to do")
        func broker() async throws {
            try await withSystem(tls: .enforced()) {
                $0.tls.server.show("intruder")
            } _: { system in
                let broker = try #require(system.broker()).place
                try await expectUntrusted(system.client, [broker, "not trusted", "trustPath"])
            }
        }

        @Test("a broker whose certificate has another name is refused, unless nothing is verified")
        func name() async throws {
            try await withSystem(tls: .enforced()) {
                $0.tls.server.show("elsewhere")
            } _: { system in
                let broker = try #require(system.broker()).place
                try await expectUntrusted(system.client, [broker, "127.0.0.1", "name"])
                var careless = ProducerConfiguration(system.client { $0.verifiesServer = false })
                careless.attempts = 1
                try await Producer(careless).running { producer in
                    let receipt = try await producer.send(Message("x", to: "Orders"))
                    #expect(receipt.status == .stored)
                }
            }
        }

        @Test("a consumer says so in its log, and goes on as soon as it may trust")
        func consumer() async throws {
            let system = try TestSystem(tls: .enforced())
            try await system.startNameServer()
            let port = try await system.startBroker { $0.tls.server.show("elsewhere") }.address.port
            try await system.waitForBrokers()
            let careless = ProducerConfiguration(system.client { $0.verifiesServer = false })
            try await Producer(careless).running {
                _ = try await $0.send(Message("one", to: "Orders"))
            }
            let log = LogLines()
            let heard = Heard()
            let configuration = system.consumer {
                $0.client.logger = log.logger
                $0.client.routeRefreshInterval = .milliseconds(500)
            }
            try await consuming(PushConsumer(configuration) { heard.note($0) }) {
                try await eventually("the log says why") {
                    log.all.contains {
                        $0.hasPrefix("warning") && $0.contains("certificate")
                            && $0.contains("another name")
                    }
                }
                // Not again and again without a pause.
                #expect(log.all.count { $0.hasPrefix("warning") } < 50)
                try await system.stopBroker()
                try await system.startBroker(port: Int(port))
                try await eventually("it came") { heard.texts == ["one"] }
            }
            await system.stop()
        }

        @Test("files that cannot be used are found when a client is made")
        func files() throws {
            var client = ClientConfiguration(nameServers: "127.0.0.1:1")
            client.tls = ClientTLS()
            client.tls?.trustPath = "/nowhere/root.pem"
            var consuming = ConsumerConfiguration(client, group: "readers")
            consuming.subscriptions = [Subscription("Orders")]
            let errors = [
                #expect(throws: ClientError.self) {
                    _ = try Producer(ProducerConfiguration(client))
                },
                #expect(throws: ClientError.self) { _ = try PullConsumer(consuming) },
                #expect(throws: ClientError.self) { _ = try PushConsumer(consuming) { _ in } },
            ]
            for error in errors {
                #expect(error?.kind == .invalidSetting)
                #expect(error?.reason.contains("/nowhere/root.pem") == true)
            }
        }
    }

    @Suite("Clients and servers of which only one has TLS", .timeLimit(.minutes(2)))
    struct TLSMismatchTests {
        @Test("a plaintext client is told that a server may take TLS alone")
        func plaintext() async throws {
            try await withSystem(tls: .enforced()) { system in
                var client = system.client
                client.tls = nil
                let error = await refusal(client)
                #expect(error?.kind == .noNameServer)
                #expect(error?.reason.contains("it may take TLS alone") == true)
            }
            try await withSystem {
                $0.tls = .enforced { $0.encryptsOwn = false }
            } _: { system in
                let error = await refusal(system.client)
                #expect(error?.kind == .unreachable)
                #expect(error?.reason.contains("it may take TLS alone") == true)
            }
        }

        @Test("one with TLS is told that a server may not take it")
        func encrypted() async throws {
            try await withSystem { system in
                let client = system.client { $0.trustPath = certificate("root.pem") }
                let error = await refusal(client)
                #expect(error?.kind == .noNameServer)
                #expect(error?.mayHaveHappened == false)
                #expect(error?.reason.contains("see whether it takes TLS") == true)
            }
        }
    }
#endif
