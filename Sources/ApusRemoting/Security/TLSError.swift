// Why connections cannot be encrypted.

/// Why TLS is not to be had as it was asked for.
public enum TLSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A setting that cannot be followed, by RocketMQ's key.
    case setting(key: String, reason: String)
    /// A file, or what it holds, cannot be used.
    case file(key: String, path: String, reason: String)
    /// What the files hold does not go together.
    case context(reason: String)
    /// The server's certificate leads to none that is trusted, or is out of its time.
    case untrusted(reason: String)
    /// The server's certificate bears neither the name nor the address that was dialled.
    case otherName(host: String)
    /// The server does not take the client's certificate, or wants one.
    case certificateRefused(reason: String)
    /// The two ends came to no agreement.
    case handshake(reason: String)

    public var description: String {
        switch self {
        case .setting(let key, let reason): "\(key): \(reason)"
        case .file(let key, let path, let reason):
            "\(key): \(path) cannot be used (\(reason)): it has to be a readable file in PEM"
        case .context(let reason):
            "TLS cannot be set up (\(reason)): see whether certificate and key belong together"
        case .untrusted(let reason):
            "the server's certificate is not trusted (\(reason)): trustPath"
                + " (tls.client.trustCertPath) has to hold the one that it leads to, and both have"
                + " to be in their time"
        case .otherName(let host):
            "the server's certificate is for another name than \(host): use a name that it bears"
                + " (a broker's is brokerIP1), or give the server one for this name"
        case .certificateRefused(let reason):
            "the server refuses the client's certificate, or wants one (\(reason)): set"
                + " certificatePath and keyPath (tls.client.certPath, tls.client.keyPath) to one"
                + " that it trusts"
        case .handshake(let reason):
            "TLS was not agreed on (\(reason)): see whether it takes TLS, and what its log says"
        }
    }
}

extension TLSError {
    static func notBuilt(_ key: String) -> TLSError {
        .setting(
            key: key, reason: "this build has no TLS: build it with `swift build --traits TLS`")
    }

    /// RocketMQ's key for the setting that is in the way; nil where it is none by itself.
    public var key: String? {
        switch self {
        case .setting(let key, _), .file(let key, _, _): key
        case .context, .untrusted, .otherName, .certificateRefused, .handshake: nil
        }
    }
}
