// What is asked of TLS at a server's end. The same in every build: one without TLS refuses what
// asks for it.

/// What a server does with TLS. A connection that begins with a handshake's first byte, behind a
/// proxy's header if there is one, is TLS; any other is plaintext.
public struct ServerTLS: Hashable, Sendable {
    /// Which connections are taken.
    public enum Mode: String, Hashable, Sendable, CaseIterable {
        /// Plaintext only.
        case disabled
        /// Both; without a certificate, plaintext only.
        case permissive
        /// TLS only.
        case enforcing
    }

    /// Whether clients are to show a certificate, which has to lead to one of `trustPath`.
    public enum ClientCertificates: String, Hashable, Sendable, CaseIterable {
        case none
        /// Only a certificate that is shown is looked at.
        case optional
        case require
    }

    /// `tls.server.mode`, permissive.
    public var mode = Mode.permissive
    /// File of the server's certificate and those between it and the root, in this order, PEM.
    /// `tls.server.certPath`.
    public var certificatePath: String?
    /// File of the certificate's private key, PEM. `tls.server.keyPath`.
    public var keyPath: String?
    /// What the key is encrypted with, if it is. `tls.server.keyPassword`.
    public var keyPassword: String?
    /// `tls.server.need.client.auth`, none.
    public var clientCertificates = ClientCertificates.none
    /// File of the certificates that clients' lead to, PEM. `tls.server.trustCertPath`.
    public var trustPath: String?

    public init() {}
}

extension ServerTLS {
    /// Whether anything in here needs a build with TLS.
    private var firstWish: String? {
        if mode == .enforcing { return "tls.server.mode" }
        if certificatePath != nil { return "tls.server.certPath" }
        if keyPath != nil { return "tls.server.keyPath" }
        if clientCertificates != .none { return "tls.server.need.client.auth" }
        return trustPath == nil ? nil : "tls.server.trustCertPath"
    }

    /// What cannot be followed, or contradicts itself. Files are not looked at.
    public var problem: TLSError? {
        guard mode != .disabled, let wish = firstWish else { return nil }
        if !TLSBuild.hasTLS { return .notBuilt(wish) }
        switch (certificatePath, keyPath) {
        case (nil, nil):
            return .setting(key: wish, reason: "TLS needs a certificate: set tls.server.certPath")
        case (nil, _):
            return .setting(
                key: "tls.server.keyPath", reason: "there is no tls.server.certPath beside it")
        case (_, nil):
            return .setting(
                key: "tls.server.certPath", reason: "there is no tls.server.keyPath beside it")
        default: break
        }
        if clientCertificates != .none, trustPath == nil {
            return .setting(
                key: "tls.server.need.client.auth",
                reason: "a client's certificate has to lead somewhere: set tls.server.trustCertPath"
            )
        }
        return nil
    }
}
