// What is asked of TLS at a client's end.

/// How a client speaks TLS.
public struct ClientTLS: Hashable, Sendable {
    /// Whether the server's certificate has to lead to one that is trusted, and to bear the name
    /// under which it is dialled, or the address that this led to. Without it anyone in between
    /// can read and write.
    /// `tls.client.authServer`, true.
    public var verifiesServer = true
    /// File of the certificates that servers' lead to, PEM; nil: those of the system.
    /// `tls.client.trustCertPath`.
    public var trustPath: String?
    /// File of the certificate that servers may ask for, PEM. `tls.client.certPath`.
    public var certificatePath: String?
    /// `tls.client.keyPath`.
    public var keyPath: String?
    /// `tls.client.keyPassword`.
    public var keyPassword: String?

    public init() {}
}

extension ClientTLS {
    /// What cannot be followed, or contradicts itself. Files are not looked at.
    public var problem: TLSError? {
        if !TLSBuild.hasTLS { return .notBuilt("tls.enable") }
        if (certificatePath == nil) != (keyPath == nil) {
            return .setting(
                key: certificatePath == nil ? "tls.client.keyPath" : "tls.client.certPath",
                reason: "certificate and key come together")
        }
        return nil
    }
}
