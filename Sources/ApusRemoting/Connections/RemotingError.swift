// Why a request has no answer.

/// An invocation that failed, with what was tried and where.
public enum RemotingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `host:port` that is none.
    case badAddress(String)
    case connectFailed(address: String, reason: String)
    /// There is no connection that is encrypted as it has to be; the request was not sent, or not
    /// read.
    case notSecured(address: String, TLSError)
    /// The connection closed before the answer came: the request may have been carried out.
    case connectionClosed(address: String, reason: String)
    /// No answer came in time: the request may have been carried out.
    case timedOut(address: String, code: RequestCode, after: Duration)
    /// The client, or the server, has been closed.
    case closed

    public var description: String {
        switch self {
        case .badAddress(let text): "\"\(text)\" is no address: write host:port"
        case .connectFailed(let address, let reason):
            "connecting to \(address) failed (\(reason)): see whether a server listens there"
        case .notSecured(let address, let error): "connecting to \(address) failed: \(error)"
        case .connectionClosed(let address, let reason):
            "the connection to \(address) closed before the answer (\(reason)): ask again if asking"
                + " twice does no harm"
        case .timedOut(let address, let code, let after):
            "no answer from \(address) to request \(code) within \(after): ask again if asking"
                + " twice does no harm"
        case .closed: "closed already: open another one"
        }
    }
}
