// TLS by RocketMQ's keys, as the files of brokers and NameServers hold them. To RocketMQ they are
// properties of Java's system, or stand in a file of their own; here they stand among the others.

/// What a process that serves and asks does with TLS.
public struct TLSSettings: Hashable, Sendable {
    public var server = ServerTLS()
    public var client = ClientTLS()
    /// Whether the connections that it makes itself are TLS. `tls.enable` and `useTLS`, false.
    public var encryptsOwn = false
    /// Whether certificates that clients show are looked at. There is no way not to: false goes
    /// only with clients that show none. `tls.server.authClient`, true.
    public var verifiesClients = true

    public init() {}

    /// What a client is configured with: nil for plaintext.
    public var own: ClientTLS? { encryptsOwn ? client : nil }

    /// What cannot be followed, or contradicts itself. Files are not looked at.
    public var problems: [TLSError] {
        var found = [server.problem, own?.problem].compactMap { $0 }
        if !verifiesClients, server.clientCertificates != .none {
            found.append(
                .setting(
                    key: "tls.server.authClient",
                    reason: "false, where certificates are asked for that nobody would look at"))
        }
        return found
    }
}

/// A key of RocketMQ's about TLS.
public struct TLSKey: Sendable {
    public let name: String
    private let read: @Sendable (TLSSettings) -> String
    private let write: @Sendable (inout TLSSettings, String) -> String?

    public static let all: [TLSKey] = [
        word("tls.server.mode", \.server.mode),
        text("tls.server.certPath", \.server.certificatePath),
        text("tls.server.keyPath", \.server.keyPath),
        secret("tls.server.keyPassword", \.server.keyPassword),
        word("tls.server.need.client.auth", \.server.clientCertificates),
        flag("tls.server.authClient", \.verifiesClients),
        text("tls.server.trustCertPath", \.server.trustPath),
        flag("tls.enable", \.encryptsOwn),
        flag("useTLS", \.encryptsOwn),
        flag("tls.client.authServer", \.client.verifiesServer),
        text("tls.client.trustCertPath", \.client.trustPath),
        text("tls.client.certPath", \.client.certificatePath),
        text("tls.client.keyPath", \.client.keyPath),
        secret("tls.client.keyPassword", \.client.keyPassword),
        none(
            "tls.test.mode.enable", "false",
            "no certificate is made up: name one in tls.server.certPath"),
        none("tls.config.file", "", "write its keys into this file"),
    ]

    /// The value as a file would hold it; of a password only whether there is one.
    public func value(in settings: TLSSettings) -> String { read(settings) }

    /// Answers what is wrong with the value; nil when it was set.
    public func set(_ value: String, in settings: inout TLSSettings) -> String? {
        write(&settings, value)
    }
}

extension TLSKey {
    private typealias Path<Value> = any WritableKeyPath<TLSSettings, Value> & Sendable

    private static func word<Word>(_ name: String, _ path: Path<Word>) -> TLSKey
    where Word: RawRepresentable<String> & CaseIterable & Sendable {
        TLSKey(name: name) {
            $0[keyPath: path].rawValue
        } write: { settings, value in
            guard let word = Word(rawValue: value.lowercased()) else {
                let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
                return "\(value) is none of \(words)"
            }
            settings[keyPath: path] = word
            return nil
        }
    }

    private static func flag(_ name: String, _ path: Path<Bool>) -> TLSKey {
        TLSKey(name: name) {
            "\($0[keyPath: path])"
        } write: { settings, value in
            switch value.lowercased() {
            case "true": settings[keyPath: path] = true
            case "false": settings[keyPath: path] = false
            default: return "\(value) is neither true nor false"
            }
            return nil
        }
    }

    /// One that may be empty, which is as if it was not there.
    private static func text(_ name: String, _ path: Path<String?>) -> TLSKey {
        TLSKey(name: name) {
            $0[keyPath: path] ?? ""
        } write: { settings, value in
            settings[keyPath: path] = value.isEmpty ? nil : value
            return nil
        }
    }

    /// The same, but shown to nobody: settings are printed, and told to who asks over the network.
    private static func secret(_ name: String, _ path: Path<String?>) -> TLSKey {
        let plain = text(name, path)
        return TLSKey(name: name, read: { $0[keyPath: path] == nil ? "" : "******" }) {
            plain.write(&$0, $1)
        }
    }

    /// One that asks for what is not there, unless it has this value.
    private static func none(_ name: String, _ taken: String, _ reason: String) -> TLSKey {
        TLSKey(name: name) { _ in
            taken
        } write: { _, value in
            value.lowercased() == taken ? nil : "\(value) asks for what is not there: \(reason)"
        }
    }
}
