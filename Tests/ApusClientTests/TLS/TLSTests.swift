// Clients of a system in which everything is encrypted.

#if TLS
    import ApusBroker
    import ApusFormat
    import ApusRemoting
    import TestSupport
    import Testing

    @testable import ApusClient

    extension TLSSettings {
        /// Servers that take nothing but TLS, with a certificate for 127.0.0.1, and clients that
        /// trust our root; `change` says the rest.
        static func enforced(_ change: (inout TLSSettings) -> Void = { _ in }) -> TLSSettings {
            var settings = TLSSettings()
            settings.server.mode = .enforcing
            settings.server.show("address")
            settings.encryptsOwn = true
            settings.client.trustPath = certificate("root.pem")
            change(&settings)
            return settings
        }
    }

    extension ServerTLS {
        mutating func show(_ name: String) {
            certificatePath = certificate("\(name).pem")
            keyPath = certificate("\(name).key")
        }

        mutating func askForCertificates() {
            clientCertificates = .require
            trustPath = certificate("root.pem")
        }
    }

    extension ClientTLS {
        mutating func show(_ name: String) {
            certificatePath = certificate("\(name).pem")
            keyPath = certificate("\(name).key")
        }
    }

    @Suite("Clients with TLS", .timeLimit(.minutes(2)))
    struct TLSClientTests {
        @Test("everything goes over it, from a send to what a consumer commits")
        func everything() async throws {
            try await withSystem(tls: .enforced()) { system in
                let heard = Heard()
                let configuration = system.consumer()
                try await consuming(PushConsumer(configuration) { heard.note($0) }) {
                    try await Producer(ProducerConfiguration(system.client)).running { producer in
                        let receipt = try await producer.send(Message("one", to: "Orders"))
                        #expect(receipt.status == .stored)
                        try await producer.sendOneWay(Message("two", to: "Orders"))
                        try await producer.withPipeline { _, result in
                            #expect((try? result.get()) != nil)
                        } body: { pipeline in
                            for number in 0..<100 {
                                try await pipeline.send(Message("\(number)", to: "Orders"))
                            }
                        }
                    }
                    try await eventually("all came") { heard.count == 102 }
                }
                #expect(Set(heard.texts).count == 102)
                try await system.send(["last"])
                let rest = Heard()
                try await consuming(PushConsumer(configuration) { rest.note($0) }) {
                    try await eventually("the last came") { rest.count > 0 }
                }
                #expect(rest.texts == ["last"])
            }
        }

        @Test("a pull consumer reads, and a request is answered by way of the broker")
        func pullsAndReplies() async throws {
            try await withSystem(tls: .enforced()) { system in
                try await system.send(["one", "two"])
                let configuration = system.consumer()
                let texts = try await PullConsumer(configuration).running { consumer in
                    var texts: [String] = []
                    for await message in consumer.messages {
                        texts.append(message.text)
                        if texts.count == 2 { break }
                    }
                    return texts
                }
                #expect(texts.sorted() == ["one", "two"])
                let producer = try Producer(ProducerConfiguration(system.client))
                let asked = system.consumer("answering", Subscription("Questions"))
                try await producer.running { producer in
                    let answering = try PushConsumer(asked) { message in
                        try await producer.reply(to: message, Array("seven".utf8))
                    }
                    try await consuming(answering) {
                        let reply = try await producer.request(
                            Message("how much?", to: "Questions"), timeout: .seconds(20))
                        #expect(reply.text == "seven")
                    }
                }
            }
        }

        @Test("requests are signed where brokers ask for it")
        func signed() async throws { try await expectAccess(TestSystem(tls: .enforced())) }

        @Test(
            "they show a certificate where servers ask for one, and are refused with a wrong one",
            arguments: [true, false])
        func mutual(isOnlyBroker: Bool) async throws {
            let settings = TLSSettings.enforced {
                $0.client.show("client")
                if !isOnlyBroker { $0.server.askForCertificates() }
            }
            try await withSystem(tls: settings) {
                $0.tls.server.askForCertificates()
            } _: { system in
                try await system.send(["one"])
                let heard = Heard()
                try await consuming(PushConsumer(system.consumer()) { heard.note($0) }) {
                    try await eventually("it came") { heard.texts == ["one"] }
                }
                for name in [nil, "intruder"] {
                    var client = system.client
                    client.tls = ClientTLS()
                    client.tls?.trustPath = certificate("root.pem")
                    if let name { client.tls?.show(name) }
                    let error = try #require(await refusal(client))
                    #expect(error.kind == .untrusted, "\(error)")
                    #expect(error.reason.contains("certificatePath"), "\(error)")
                    #expect(!error.mayHaveHappened)
                }
            }
        }
    }

    /// Sends once with these settings, which must fail soon.
    func refusal(
        _ client: ClientConfiguration, _ place: SourceLocation = #_sourceLocation,
        _ send: @Sendable (Producer) async throws -> Void = {
            try await $0.send(Message("x", to: "Orders"))
        }
    ) async -> ClientError? {
        let start = ContinuousClock.now
        var configuration = ProducerConfiguration(client)
        configuration.sendTimeout = .seconds(100)
        let producer = configuration
        let error = await #expect(throws: ClientError.self, sourceLocation: place) {
            try await Producer(producer).running(send)
        }
        // What cannot go well is not tried until the time for it is over.
        #expect(ContinuousClock.now - start < .seconds(20), sourceLocation: place)
        return error
    }
#endif
