// The first bytes of a connection: a proxy's header, a handshake, or a frame. In every build.

import ApusFormat
import Testing

@testable import ApusRemoting

private let proxy = Array("PROXY TCP4 10.0.0.1 10.0.0.2 50000 10911\r\n".utf8)
private let hello: [UInt8] = [0x16, 3, 1, 0, 200, 1]

@Suite("the start of a connection", .timeLimit(.minutes(1))) struct ConnectionStartTests {
    /// What is to be looked at, in a box: spans and changes do not go into macros.
    private final class Start {
        private var start: ConnectionStart

        init(proxies: Bool = true, handshakes: Bool = true, plaintext: Bool = true) {
            start = ConnectionStart(
                mayHaveProxy: proxies, takesHandshakes: handshakes, takesPlaintext: plaintext)
        }

        func next(_ bytes: [UInt8]) -> ConnectionStart.Step { start.next(bytes.rawSpan) }
    }

    @Test("is told by one byte, behind a proxy's header or without one")
    func bytes() {
        for proxies in [true, false] {
            let empty = Start(proxies: proxies)
            #expect(empty.next([]) == .incomplete)
            #expect(empty.next([0x16]) == .handshake)
            let frames = Start(proxies: proxies)
            #expect(frames.next([0]) == .frames)
        }
        let behind = Start()
        for count in 1..<proxy.count {
            #expect(behind.next(Array(proxy.prefix(count))) == .incomplete)
        }
        #expect(
            behind.next(proxy + hello)
                == .proxy(
                    source: HostAddress(ipv4: 0x0A00_0001, port: 50_000), byteCount: proxy.count))
        #expect(behind.next([]) == .incomplete)
        #expect(behind.next(hello) == .handshake)
        let twice = Start()
        _ = twice.next(proxy)
        #expect(twice.next(proxy) == .frames, "one header, and no frame")
    }

    @Test("that is not taken is refused with a reason")
    func refused() {
        let plain = Start(handshakes: false)
        #expect(plain.next(hello) == .refused("TLS where only plaintext is taken"))
        let secure = Start(plaintext: false)
        #expect(secure.next([0, 0]) == .refused("plaintext where only TLS is taken"))
        let malformed = Start()
        #expect(malformed.next(Array("PX".utf8)) == .refused("malformed PROXY header"))
    }

    @Test("with a handshake closes the connection of a server that takes none, and says why")
    func handshake() async throws {
        let log = KeptLog()
        let processor = TestProcessor.echo
        try await withServer(processor, logger: log.logger) { _, port, _ in
            let peer = try await RawPeer.connect(port: port)
            try await peer.send(hello)
            #expect(await eventually { peer.isClosed })
            #expect(peer.bytes.isEmpty && processor.opened == 0)
        }
        #expect(log.text.contains("TLS where only plaintext is taken, connection closed"))
    }
}

@Suite("settings of TLS") struct TLSSettingsTests {
    private func set(_ name: String, _ value: String, _ settings: inout TLSSettings) -> String? {
        TLSKey.all.first { $0.name == name }?.set(value, in: &settings) ?? nil
    }

    private func value(_ name: String, _ settings: TLSSettings) -> String? {
        TLSKey.all.first { $0.name == name }?.value(in: settings)
    }

    @Test("are read by RocketMQ's keys, and passwords are shown to nobody")
    func keys() {
        var settings = TLSSettings()
        let given = [
            ("tls.server.mode", "enforcing"), ("tls.server.certPath", "/c"),
            ("tls.server.keyPath", "/k"), ("tls.server.keyPassword", "secret"),
            ("tls.server.need.client.auth", "require"), ("tls.server.authClient", "false"),
            ("tls.server.trustCertPath", "/t"), ("tls.enable", "true"),
            ("tls.client.authServer", "false"), ("tls.client.trustCertPath", "/u"),
            ("tls.client.certPath", "/d"), ("tls.client.keyPath", "/l"),
            ("tls.client.keyPassword", "secret"), ("tls.test.mode.enable", "false"),
            ("tls.config.file", ""),
        ]
        for (name, text) in given {
            #expect(set(name, text, &settings) == nil, "\(name)")
            let shown = value(name, settings)
            #expect(shown == (text == "secret" ? "******" : text), "\(name)")
        }
        #expect(Set(TLSKey.all.map(\.name)) == Set(given.map(\.0)).union(["useTLS"]))
        #expect(settings.server.mode == .enforcing && settings.server.certificatePath == "/c")
        #expect(settings.server.keyPath == "/k" && settings.server.keyPassword == "secret")
        #expect(settings.server.clientCertificates == .require)
        #expect(settings.server.trustPath == "/t" && !settings.verifiesClients)
        #expect(settings.own?.verifiesServer == false && settings.client.trustPath == "/u")
        #expect(settings.client.certificatePath == "/d" && settings.client.keyPath == "/l")
        #expect(settings.client.keyPassword == "secret")
        #expect(set("useTLS", "false", &settings) == nil && settings.own == nil)
    }

    @Test("that are none, or ask for what is not there, are refused")
    func refused() {
        var settings = TLSSettings()
        for (name, text) in [
            ("tls.server.mode", "strict"), ("tls.server.need.client.auth", "yes"),
            ("tls.enable", "1"), ("tls.test.mode.enable", "true"), ("tls.config.file", "/x"),
        ] { #expect(set(name, text, &settings) != nil, "\(name)") }
        #expect(settings == TLSSettings())
    }

    private func keys(_ change: (inout TLSSettings) -> Void) -> [String?] {
        var settings = TLSSettings()
        change(&settings)
        return settings.problems.map(\.key)
    }

    @Test("that contradict each other are named")
    func contradictions() {
        #expect(keys { _ in } == [])
        #expect(keys { $0.verifiesClients = false } == [])
        #expect(keys { $0.server.mode = .disabled } == [])
        #expect(
            keys {
                $0.server.mode = .disabled
                $0.server.certificatePath = "/c"
            } == [])
        #expect(keys { $0.server.mode = .enforcing } == ["tls.server.mode"])
        #expect(keys { $0.server.certificatePath = "/c" } == ["tls.server.certPath"])
        #expect(keys { $0.server.keyPath = "/c" } == ["tls.server.keyPath"])
        #expect(
            keys {
                $0.server.clientCertificates = .optional
                $0.verifiesClients = false
            } == ["tls.server.need.client.auth", "tls.server.authClient"])
        #if TLS
            #expect(keys { $0.encryptsOwn = true } == [])
            let key = "tls.client.certPath"
        #else
            let key = "tls.enable"
        #endif
        #expect(
            keys {
                $0.encryptsOwn = true
                $0.client.certificatePath = "/c"
            } == [key])
    }

    #if !TLS
        @Test("of a build without TLS are refused by name when they ask for it")
        func notBuilt() async throws {
            var configuration = RemotingConfiguration()
            configuration.serverTLS.mode = .enforcing
            let error = await #expect(throws: TLSError.self) {
                try await withServer(TestProcessor.echo, configuration) { _, _, _ in }
            }
            #expect(
                error?.description
                    == "tls.server.mode: this build has no TLS: build it with "
                    + "`swift build --traits TLS`")
            configuration = RemotingConfiguration()
            configuration.clientTLS = ClientTLS()
            try await withServer(TestProcessor.echo) { address, _, _ in
                try await withClient(configuration) { client in
                    let error = await #expect(throws: RemotingError.self) {
                        _ = try await client.invoke(.request(.heartBeat), on: address)
                    }
                    #expect("\(String(describing: error))".contains("tls.enable"))
                }
            }
        }
    #endif
}
