// What may stand before the first frame of a server's connection: a proxy's header, and then the
// beginning of a TLS handshake.

internal import ApusFormat

/// Looks at a connection's first bytes, in whatever pieces they come.
struct ConnectionStart {
    enum Step: Equatable {
        /// More bytes are needed.
        case incomplete
        /// A proxy's header of so many bytes, with the address that it tells, if it does. Look
        /// again behind it.
        case proxy(source: HostAddress?, byteCount: Int)
        /// Here a handshake begins, and this server takes it.
        case handshake
        /// Here frames begin.
        case frames
        /// The connection is to be closed, for this reason.
        case refused(String)
    }

    private var mayHaveProxy: Bool
    private let takesHandshakes: Bool
    private let takesPlaintext: Bool

    init(mayHaveProxy: Bool, takesHandshakes: Bool, takesPlaintext: Bool) {
        self.mayHaveProxy = mayHaveProxy
        self.takesHandshakes = takesHandshakes
        self.takesPlaintext = takesPlaintext
    }

    /// The first byte of a handshake's record. No frame begins so: it would be too long.
    private static let handshake: UInt8 = 0x16

    /// `bytes` are all that have come and were not passed over.
    mutating func next(_ bytes: RawSpan) -> Step {
        if mayHaveProxy {
            switch ProxyHeader.read(bytes) {
            case .none: break
            case .incomplete: return .incomplete
            case .malformed: return .refused("malformed PROXY header")
            case .header(let source, let byteCount):
                mayHaveProxy = false
                return .proxy(source: source, byteCount: byteCount)
            }
            mayHaveProxy = false
        }
        guard bytes.byteCount > 0 else { return .incomplete }
        if bytes.loadBigEndian(UInt8.self, at: 0) == Self.handshake {
            return takesHandshakes ? .handshake : .refused("TLS where only plaintext is taken")
        }
        return takesPlaintext ? .frames : .refused("plaintext where only TLS is taken")
    }
}
