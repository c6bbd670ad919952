// What a failure of TLS means to whoever reads of it.

#if TLS
    internal import NIOSSL

    /// Words for failures of a connection, which swift-nio-ssl reports in BoringSSL's.
    enum HandshakeFailure {
        /// Why a client's handshake with `host` failed.
        static func ofClient(_ error: any Error, host: String) -> TLSError {
            if let error = error as? TLSError { return error }
            if let error = error as? NIOSSLExtraError,
                error == .failedToValidateHostname || error == .serverHostnameImpossibleToMatch
            {
                return .otherName(host: host)
            }
            let reason = words(error)
            if reason.contains("CERTIFICATE_VERIFY_FAILED") { return .untrusted(reason: reason) }
            return refusal(error) ?? .handshake(reason: reason)
        }

        /// The server's refusal of this end's certificate, if the error is one. With TLS 1.3 it
        /// comes behind the client's handshake, and the server has carried out nothing by then.
        static func refusal(_ error: any Error) -> TLSError? {
            let reason = words(error)
            let isAboutCertificate =
                reason.contains("CERTIFICATE") || reason.contains("UNKNOWN_CA")
            guard reason.contains("_ALERT_"), isAboutCertificate else { return nil }
            return .certificateRefused(reason: reason)
        }

        /// BoringSSL's names for what happened, without its files and lines.
        static func words(_ error: any Error) -> String {
            switch error {
            case NIOSSLError.uncleanShutdown: "the peer closed it"
            case NIOSSLError.handshakeFailed(.sslError(let stack)),
                BoringSSLError.sslError(let stack):
                stack.map { name("\($0)") }.joined(separator: ", ")
            default: "\(error)"
            }
        }

        /// `NAME` of "Error: 1 error:1:SSL routines:OPENSSL_internal:NAME at FILE:LINE".
        private static func name(_ text: String) -> String {
            let mark = "OPENSSL_internal:"
            guard let place = text.firstRange(of: mark) else {
                let prefix = "Error:"
                let rest = text.hasPrefix(prefix) ? text.dropFirst(prefix.count) : text[...]
                return String(rest.drop { $0 == " " })
            }
            return String(text[place.upperBound...].prefix { $0 != " " })
        }
    }
#else
    enum HandshakeFailure {
        static func refusal(_ error: any Error) -> TLSError? { nil }
        static func words(_ error: any Error) -> String { "\(error)" }
    }
#endif
