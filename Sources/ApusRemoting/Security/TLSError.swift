// Why connections cannot be encrypted.

/// Why TLS is not to be had as it was asked for.
public enum TLSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A setting that cannot be followed, by RocketMQ's key.
    case setting(key: String, reason: String)
    /// A file, or what it holds, cannot be used.
    case file(key: String, path: String, reason: String)
    /// What the files hold does not go together.
    case context(reason: String)

    public var description: String {
        switch self {
        case .setting(let key, let reason): "\(key): \(reason)"
        case .file(let key, let path, let reason):
            "\(key): \(path) cannot be used (\(reason)): it has to be a readable file in PEM"
        case .context(let reason):
            "TLS cannot be set up (\(reason)): see whether certificate and key belong together"
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
        case .context: nil
        }
    }
}
